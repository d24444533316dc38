/// Will never succeed: the message goes straight to the dead letters.
package struct PermanentFailure: Error, CustomStringConvertible {
    package let description: String
    package init(_ reason: String) { description = reason }
}

/// Cannot succeed yet (a forge that is down, a version not known yet): tried again after a while, without the count of
/// tries that ends in the dead letters, for up to a day.
package struct RetryLater: Error, CustomStringConvertible {
    package let description: String
    package let after: Duration

    package init(_ reason: String, after: Duration) {
        description = reason
        self.after = after
    }
}

/// When a failed message is tried again, and when it is given up. Pure.
package struct RetryPolicy: Hashable, Sendable {
    /// Tries after which a message is given up.
    package var maximumAttempts = 10
    package var firstDelay: Duration = .seconds(1)
    package var longestDelay: Duration = .seconds(300)
    /// A message that waits for something outside dies only when it has waited for this long.
    package var patience: Duration = .seconds(24 * 3600)

    package init() {}

    package enum Verdict: Hashable, Sendable {
        case retry(after: Duration)
        case dead
    }

    /// - Parameters:
    ///   - attempts: failed tries so far, this one included.
    ///   - waited: time since the first failure.
    package func verdict(on error: any Error, attempts: Int, waited: Duration) -> Verdict {
        switch error {
        case is PermanentFailure: .dead
        case let later as RetryLater: waited < patience ? .retry(after: later.after) : .dead
        default: attempts < maximumAttempts ? .retry(after: delay(afterAttempt: attempts)) : .dead
        }
    }

    /// Doubles from `firstDelay`, bounded by `longestDelay`.
    package func delay(afterAttempt attempt: Int) -> Duration {
        min(firstDelay * (1 << min(max(attempt - 1, 0), 20)), longestDelay)
    }
}
