import FoundationEssentials
import Merging

/// A train on a desk: git answers at once, tests when the test says so.
struct TrainDesk {
    var train: MergeTrain
    var now = Date(timeIntervalSince1970: 1_000_000)
    var jobs = [TrainJob(name: "unit", hash: "u")]
    /// Members that git cannot merge onto others, and whether the base alone is to blame.
    var conflicts: [Int: Bool] = [:]
    /// Everything that was asked for, except builds.
    private(set) var actions: [TrainAction] = []

    init(capacity: Int, policy: TrainPolicy = TrainPolicy()) {
        train = MergeTrain(base: TrainBase(commit: "c0", tree: "t"), capacity: capacity, policy: policy)
    }

    mutating func apply(_ event: TrainEvent) {
        for action in train.apply(event, at: now) {
            guard case .build(let trial, let base, let members) = action else {
                actions.append(action)
                continue
            }
            if let member = members.first(where: { conflicts[$0.number] != nil }),
                let withBase = conflicts[member.number],
                withBase || members.count > 1
            {
                apply(.conflicted(trial: trial, number: member.number, withBase: withBase, files: ["a.c"]))
                continue
            }
            let tree = ([base.tree] + members.map { "\($0.number)" }).joined(separator: "+")
            apply(.built(trial: trial, commit: "c(\(tree))", tree: tree, jobs: jobs))
        }
    }

    mutating func enter(_ numbers: Int..., priority: Int = 0, head: String = "h") {
        for number in numbers {
            apply(.entered(TrainMember(number: number, head: head, enteredAt: now, priority: priority)))
            now += 1
        }
    }

    /// All of them at once, before any place is free.
    mutating func enterTogether(_ numbers: Int..., capacity: Int) {
        apply(.capacityChanged(0))
        for number in numbers {
            apply(.entered(TrainMember(number: number, head: "h", enteredAt: now)))
            now += 1
        }
        apply(.capacityChanged(capacity))
    }

    var prefixes: [[Int]] { train.line.map(\.numbers) }
    /// Lanes under test.
    var lanes: [[Int]] { train.lanes.compactMap { $0.trial?.numbers } }
    var waiting: [Int] { train.queue.map(\.number) }

    private func trial(_ numbers: [Int]) -> Trial? {
        train.line.first { $0.numbers == numbers }
            ?? train.lanes.lazy.compactMap(\.trial).first { $0.numbers == numbers }
    }

    private func run(_ numbers: [Int], _ job: String) -> Int? {
        trial(numbers)?.runs.last { $0.job.name == job && $0.state == .requested }?.id
    }

    mutating func pass(_ numbers: Int..., job: String = "unit") {
        if let run = run(numbers, job) { apply(.runFinished(run: run, .passed)) }
    }

    mutating func fail(_ numbers: Int..., job: String = "unit", known: Bool = false) {
        guard let run = run(numbers, job) else { return }
        apply(.runFinished(run: run, .failed(TrainFailure(job: job, tests: ["t"], isKnownFlake: known))))
    }

    mutating func err(_ numbers: Int..., job: String = "unit") {
        if let run = run(numbers, job) { apply(.runFinished(run: run, .errored(reason: "agent lost"))) }
    }

    mutating func outdate(_ numbers: Int..., job: String = "unit") {
        if let run = run(numbers, job) { apply(.runFinished(run: run, .outdated(reason: "another job"))) }
    }

    /// The landing that was asked for last, not answered.
    var landing: (trial: Int, base: TrainBase, numbers: [Int], commit: String, tree: String)? {
        for case .land(let trial, let base, let members, let commit, let tree) in actions.reversed()
        where trial == train.landing {
            return (trial, base, members.map(\.number), commit, tree)
        }
        return nil
    }

    mutating func land() {
        guard let landing else { return }
        apply(
            .landed(
                trial: landing.trial, numbers: landing.numbers,
                base: TrainBase(commit: landing.commit, tree: landing.tree)))
    }

    var ejected: [Int] {
        actions.compactMap { if case .eject(let member, _) = $0 { member.number } else { nil } }
    }

    var requests: Int { actions.count { if case .request = $0 { true } else { false } } }
    var cancelled: Int {
        actions.reduce(0) { if case .cancel(let runs) = $1 { $0 + runs.count } else { $0 } }
    }
    var notes: [TrainNote] { actions.compactMap { if case .note(let note) = $0 { note } else { nil } } }
}
