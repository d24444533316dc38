/// What a train wants done. Each is idempotent by the ids it carries: a driver that died between storing the train and
/// acting asks `outstanding` and acts again.
package enum TrainAction: Hashable, Sendable, Codable {
    /// Merge the members onto the base, in this order; answer `built`, `conflicted` or `unbuildable`.
    case build(trial: Int, base: TrainBase, members: [TrainMember])
    /// Run a job on a trial's tree; answer `runFinished`.
    case request(TrainRun, trial: Int)
    /// Nobody waits for these runs any more.
    case cancel(runs: [Int])
    /// Land the members of a trial that passed: the branch must stand at `base`, and stands at `tree` afterwards.
    case land(trial: Int, base: TrainBase, members: [TrainMember], commit: String, tree: String)
    /// The member is out of the train. It comes back with another head, or when somebody asks for it.
    case eject(TrainMember, Ejection)
    /// For the history: what was concluded, and from what.
    case note(TrainNote)
}

/// Why a member was put out.
package enum Ejection: Hashable, Sendable, Codable {
    /// It failed twice with nothing but the base below it.
    case failedAlone([TrainFailure])
    /// It conflicts with the base.
    case conflict(files: [String])
    case unbuildable(reason: String)
    /// The forge does not let it in.
    case refused(reason: String)
}

/// A step worth a line in the history.
package enum TrainNote: Hashable, Sendable, Codable {
    /// A trial failed: its members are told that they were in it, `suspects` are those that leave the line.
    case failed(trial: Int, members: [Int], suspects: [Int], [TrainFailure])
    /// A longer trial passed with the same members: what the shorter one saw was a flake.
    case flakeOverridden(trial: Int, by: Int, [TrainFailure])
    /// A known flake is run again.
    case flakeRetried(trial: Int, TrainFailure)
    /// A lane passed: its members are clear.
    case cleared([Int])
    /// The member conflicts with others that are before it: it waits for them.
    case waitsBehind(number: Int, files: [String])
    case landed([Int])
    /// The trials were thrown away because the branch moved.
    case rebuilt(base: TrainBase)
}
