/// The numbers that a pool may set.
package struct TrainPolicy: Hashable, Sendable, Codable {
    /// The most members of one trial.
    package var maxMembers: Int
    /// Seconds after which a waiting member goes before all others.
    package var maxWait: Double
    /// Attempts of one run that end without a verdict before the trial counts as failed.
    package var maxErrors: Int

    package init(maxMembers: Int = 50, maxWait: Double = 4 * 3600, maxErrors: Int = 3) {
        self.maxMembers = maxMembers
        self.maxWait = maxWait
        self.maxErrors = maxErrors
    }
}
