/// How a periodic is tried again before its next turn. Prow's `retry`.
package struct PeriodicRetry: Sendable, Hashable, Codable {
    /// Tries after the first.
    package var attempts: Int
    /// Seconds from the end of a try to the next one.
    package var interval: Double
    /// All of them, whatever the results; otherwise until one succeeds.
    package var runsAll: Bool

    package init(attempts: Int, interval: Double = 0, runsAll: Bool = false) {
        self.attempts = attempts
        self.interval = interval
        self.runsAll = runsAll
    }
}
