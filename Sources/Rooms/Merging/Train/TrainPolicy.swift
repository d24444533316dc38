/// The numbers of a train.
package struct TrainPolicy: Hashable, Sendable, Codable {
    /// The most members of one trial.
    package var maxMembers = 50
    /// Seconds after which a waiting member goes before all others.
    package var maxWait = 4.0 * 3600
    /// Runs of one job that end without a verdict, one after the other, before it counts as failed.
    package var maxErrors = 5
    /// A car is full when the chance that all of it is good falls to this.
    package var fullCar = 0.5
    /// The line grows while the chance that all of it passes is at least this; beyond it, lanes look ahead.
    package var optimism = 0.32
    /// A car that is not full joins a line under test when it has at least this share of its members.
    package var growth = 0.7
    /// A failure that is a flake with at least this chance is tested again before anybody is suspected.
    package var benefitOfDoubt = 0.5

    package init() {}
}
