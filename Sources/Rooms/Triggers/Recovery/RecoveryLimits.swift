/// How patient the recovery of missed deliveries is.
package struct RecoveryLimits: Sendable {
    /// After an attempt of the forge to deliver, before it is asked for another; doubles with each attempt.
    package var firstPause: Duration
    /// How long a pull request must have been found different before its event counts as missed: a delivery may be on
    /// its way, or wait in a queue.
    package var confirmation: Duration

    package init(firstPause: Duration = .seconds(10), confirmation: Duration = .seconds(45)) {
        self.firstPause = firstPause
        self.confirmation = confirmation
    }
}
