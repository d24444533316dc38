package import FoundationEssentials

/// The merge train of one branch: which pull requests are tested together, what lands, who is put out. Pure: events in,
/// actions out, time given. The worker and the simulator drive the same value.
///
/// 1. Waiting members form a *queue*: overdue, then cleared, then by priority, then by age. The front of it joins the
///    *line* car by car; a car's **prefix** is everything up to and including it, merged onto the base and tested as one
///    tree. As many prefixes are tested at once as the capacity allows and the chance that all of them pass is worth.
/// 2. The longest prefix that passed lands. Prefixes in flight above it stay valid: their tree is what it was, only
///    shorter by what landed. A prefix that passes above one that failed proves the failure a flake.
/// 3. The first car whose prefix failed becomes **suspect** and leaves the line; what is behind it is built again at
///    once, without it. A failure that is more likely a flake (known as one, or by the odds) is tested again first.
/// 4. Suspects are tested in **lanes** on the base: one half first. If it passes, it is cleared and the other half is
///    suspect; if it fails, the other half is as untested as before and returns to its place in the queue. The cleared
///    go to the front, or land as they are if nothing else is in the line. The other half is tested once they have
///    landed, and not before the prefix below the failed one is decided: so whoever is bad only with others is found
///    out. With many waiting, lanes also look ahead: they test cars on the base that are too far back to be tested in
///    the line.
/// 5. A member is ejected only after it failed twice with nothing but the base below it.
/// 6. A car is full when the chance that all of it is good, at the failure rate seen lately, falls to about a half; the
///    line stops growing when the chance that all of it passes does. So cars and line shrink with failures and grow with
///    successes. A member that waited too long goes first.
/// 7. A trial ends with its first failed job: its other runs are cancelled. A result counts for its tree and job hash,
///    whichever trial asked for it; a job says itself how fresh a result must be.
/// 8. A member that leaves costs only the trials it was in: those before it go on.
///
/// Nothing lands but a trial that passed every job on the very tree that lands, on the base the branch stands at.
package struct MergeTrain: Hashable, Sendable, Codable {
    package var policy: TrainPolicy
    package internal(set) var base: TrainBase
    /// Trials that may be under test at once.
    package internal(set) var capacity: Int
    /// Those that wait, in the order in which they will be taken.
    package internal(set) var queue: [TrainMember] = []
    /// Prefixes of the line, shortest first; each begins with all members of the one before.
    package internal(set) var line: [Trial] = []
    /// Members that are tested away from the line, longest there first.
    package internal(set) var lanes: [Lane] = []
    /// The trial of the line that is being landed.
    package internal(set) var landing: Int?
    /// No landing is tried before this.
    package internal(set) var landsAgainAt: Date?
    /// Why the last one came to nothing, until it is tried again.
    package internal(set) var landingTrouble: String?
    package internal(set) var estimates = TrainEstimates()

    var results = TrainResults()
    /// Members that left while they were being landed.
    var leaving: Set<Int> = []
    /// Those of them that have another head meanwhile.
    var replacements: [Int: TrainMember] = [:]
    /// A landing was refused because the branch moved, and where it stands is not known yet.
    var isBaseStale = false
    var lastID = 0
    var lastWasPrefix = false

    package init(base: TrainBase, capacity: Int, policy: TrainPolicy = TrainPolicy()) {
        self.base = base
        self.capacity = capacity
        self.policy = policy
    }

    /// One step. The actions are those that the step made necessary, in order.
    package mutating func apply(_ event: TrainEvent, at now: Date) -> [TrainAction] {
        var step = Step(now: now)
        switch event {
        case .entered(let member): enter(member, &step)
        case .left(let number): leave(number, &step)
        case .baseMoved(let base): move(to: base, &step)
        case .built(let trial, let commit, let tree, let jobs): build(trial, commit, tree, jobs, &step)
        case .conflicted(let trial, let number, let withBase, let files):
            conflict(trial, number, withBase: withBase, files, &step)
        case .unbuildable(let trial, let number, let reason):
            refuseBuild(trial, number, .unbuildable(reason: reason), &step)
        case .runFinished(let run, let verdict): finish(run, verdict, &step)
        case .landed(let trial, let numbers, let base): land(trial, numbers, base, &step)
        case .landingRefused(let trial, let refusal): refuseLanding(trial, refusal, &step)
        case .capacityChanged(let capacity): self.capacity = max(0, capacity)
        case .tick: tick(&step)
        }
        startLanding(&step)
        if !line.contains(where: { $0.state == .passed }) { landingTrouble = nil }
        plan(&step)
        return step.actions
    }

    /// Everything that was asked for and not answered yet, asked again: for a driver that takes a train over.
    package func outstanding() -> [TrainAction] {
        var actions: [TrainAction] = []
        for trial in line + lanes.compactMap(\.trial) {
            if trial.state == .building {
                actions.append(.build(trial: trial.id, base: trial.base, members: trial.members))
            }
            for run in trial.runs where run.isOpen { actions.append(.request(run, trial: trial.id)) }
            if trial.id == landing { actions.append(trial.landAction) }
        }
        return actions
    }

    /// What one step collects.
    struct Step {
        let now: Date
        var actions: [TrainAction] = []
    }

    mutating func newID() -> Int {
        lastID += 1
        return lastID
    }
}

extension Trial {
    var landAction: TrainAction {
        .land(trial: id, base: base, members: members, commit: commit ?? "", tree: tree ?? "")
    }
}
