/// One row of the simulator's table: what arrives, how it fails, what the tests are given. Times are in seconds.
package struct Scenario: Hashable, Sendable {
    package enum Arrivals: Hashable, Sendable {
        /// Poisson; the rate is load × capacity ÷ mean duration.
        case steady(load: Double)
        /// Load 4 for the first quarter of the time, then nothing: load 1 over all.
        case burst
        /// So many at once, and the simulation goes on until each landed or is out.
        case drained(Int)
    }

    package var arrivals = Arrivals.steady(load: 1)
    /// Runs at once.
    package var capacity = 4
    /// Chance that a pull request is bad: every run of a tree with it fails.
    package var failure = 0.05
    /// Chance that a run of a good tree fails.
    package var flake = 0.0
    /// Chance that two pull requests, at most `conflictReach` arrivals apart, are bad together.
    package var conflict = 0.0
    package var conflictReach = 20
    /// Chance that a flake is recognized as one by its history. 0 keeps the comparison to what every policy can do.
    package var knownFlakes = 0.0
    /// Runs take a lognormal time with this mean; a run that fails takes a part of it, evenly distributed between the
    /// two bounds.
    package var meanDuration = 1800.0
    package var sigma = 0.4
    package var timeToFailure = 0.1...1.0
    /// Making a merge; each merge at the forge; Tide's sync.
    package var gitLatency = 5.0
    package var forgeLatency = 2.0
    package var syncInterval = 60.0
    /// Mean (exponential) until the author of a pull request that was put out asks again; its own test comes on top.
    package var retestDelay = 3600.0
    /// What is measured: from `warmUp` to `horizon`.
    package var warmUp = 0.0
    package var horizon = 12.0 * 3600

    package init() {}

    var arrivalRate: Double {
        switch arrivals {
        case .steady(let load): load * Double(capacity) / meanDuration
        case .burst: 4 * Double(capacity) / meanDuration
        case .drained: 0
        }
    }
}
