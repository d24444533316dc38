package import FoundationEssentials

/// The merge train of one branch: which pull requests are tested together, what lands, who is put out. Pure: events in,
/// actions out, time given. The worker and the simulator drive the same value.
///
/// 1. Waiting members form a *line* (priority first, then age). The line is cut into *cars*; a car's **prefix** is
///    everything up to and including it, merged onto the base and tested as one tree. As many prefixes are tested at once
///    as the capacity allows and the failure rate makes worthwhile.
/// 2. The longest prefix that passed lands. Prefixes in flight above it stay valid: their tree is what it was, only
///    shorter by what landed. A prefix that passes above one that failed proves the failure a flake.
/// 3. When a prefix failed and nothing above it can still prove otherwise, its last car becomes **suspect** and leaves the
///    line; what is behind it is built again at once, without it.
/// 4. Suspects are tested in **lanes**: groups of them on the base, halved until single. A lane that passes clears its
///    members, which go back to the front of the line (or land as they are); what was not tested returns to its place.
/// 5. A member is ejected only after it failed twice alone on the base. A known flake is run again before it counts.
/// 6. The car's size follows the failure rate seen lately; the number of prefixes shrinks when one fails and grows when
///    one lands; a member that has waited too long is in the first car.
/// 7. A trial ends with its first failed required job: its other runs are cancelled. A result counts for its tree and job
///    hash, whichever trial asked for it; a job says itself how fresh a result must be.
/// 8. A member that leaves costs only the trials it was in: those before it go on.
///
/// Nothing lands but a trial that passed every job on the very tree that lands, on the base the branch stands at.
package struct MergeTrain: Hashable, Sendable, Codable {
    package var policy: TrainPolicy
    package private(set) var base: TrainBase
    /// Trials that may be under test at once.
    package private(set) var capacity: Int
    /// Those that wait, in the order in which they will be taken.
    package private(set) var queue: [TrainMember] = []
    /// Prefixes of the line, shortest first.
    package private(set) var line: [Trial] = []
    /// Groups of suspects on the base.
    package private(set) var lanes: [Trial] = []
    /// The trial that is being landed.
    package private(set) var landing: Int?

    package init(base: TrainBase, capacity: Int, policy: TrainPolicy = TrainPolicy()) {
        self.base = base
        self.capacity = capacity
        self.policy = policy
    }

    /// One step. The actions are those that the step made necessary, in order.
    package mutating func apply(_ event: TrainEvent, at now: Date) -> [TrainAction] {
        []
    }

    /// Everything that was asked for and not answered yet, asked again: for a driver that takes a train over.
    package func outstanding() -> [TrainAction] {
        []
    }
}
