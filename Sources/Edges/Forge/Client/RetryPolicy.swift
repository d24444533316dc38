extension ForgeClient {
    /// When a failed call is made again by the client itself.
    package struct RetryPolicy: Sendable {
        /// Attempts in all, the first included.
        package var attempts: Int
        /// Before the second attempt; doubles each time, halved to doubled by chance.
        package var firstDelay: Duration
        /// A forge that asks for a longer wait than this gets the error raised instead.
        package var longestDelay: Duration
        /// Waits; tests put a recorder here.
        package var sleep: @Sendable (Duration) async throws -> Void

        package init(
            attempts: Int = 4, firstDelay: Duration = .milliseconds(250), longestDelay: Duration = .seconds(10),
            sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
        ) {
            self.attempts = attempts
            self.firstDelay = firstDelay
            self.longestDelay = longestDelay
            self.sleep = sleep
        }

        /// One attempt only: for callers that keep their own schedule.
        package static let never = RetryPolicy(attempts: 1)

        /// The wait after `attempt` (1 for the first) failed; nil where no other follows.
        func delay(after attempt: Int, asked: Duration?) -> Duration? {
            guard attempt < attempts else { return nil }
            if let asked { return asked <= longestDelay ? asked : nil }
            let backoff = firstDelay * (1 << min(attempt - 1, 16))
            return min(backoff * Double.random(in: 0.5...1.5), longestDelay)
        }
    }
}
