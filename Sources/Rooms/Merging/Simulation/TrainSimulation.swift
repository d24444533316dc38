import FoundationEssentials

/// The merge train on virtual time: the same value that the worker drives, with a world in place of git, runs and forge.
struct TrainSimulation {
    private enum Event {
        case arrival(Int)
        case train(TrainEvent)
        case tick
    }

    private let workload: Workload
    private var train: MergeTrain
    private(set) var ledger: Ledger
    private var agenda = Agenda<Event>()
    /// For each trial under test, the landings below it.
    private var landingsBelow: [Int: Int] = [:]
    private var members: [Int: [Int]] = [:]
    private var cancelled: Set<Int> = []

    init(_ workload: Workload, policy: TrainPolicy) {
        self.workload = workload
        ledger = Ledger(workload)
        train = MergeTrain(
            base: TrainBase(commit: "0", tree: "0"), capacity: workload.scenario.capacity, policy: policy)
    }

    static func run(_ workload: Workload, policy: TrainPolicy) -> Ledger {
        var simulation = TrainSimulation(workload, policy: policy)
        simulation.run()
        return simulation.ledger
    }

    private mutating func run() {
        for (number, time) in workload.arrivals.enumerated() { agenda.add(.arrival(number), at: time) }
        agenda.add(.tick, at: 60)
        while let (time, event) = agenda.next() {
            if case .drained = workload.scenario.arrivals {
                if ledger.isDrained { break }
            } else if time > workload.scenario.horizon {
                break
            }
            switch event {
            case .arrival(let number):
                let entered = Date(timeIntervalSinceReferenceDate: workload.arrivals[number])
                apply(.entered(TrainMember(number: number, head: "", enteredAt: entered)), at: time)
            case .train(.runFinished(let run, let verdict)):
                if cancelled.remove(run) == nil { apply(.runFinished(run: run, verdict), at: time) }
            case .train(let event):
                apply(event, at: time)
            case .tick:
                apply(.tick, at: time)
                agenda.add(.tick, at: time + 60)
            }
        }
        ledger.close(at: workload.scenario.horizon)
    }

    private mutating func apply(_ event: TrainEvent, at time: Double) {
        if case .landed(_, let numbers, _) = event {
            for number in numbers { ledger.land(number, at: time) }
        }
        for action in train.apply(event, at: Date(timeIntervalSinceReferenceDate: time)) {
            perform(action, at: time)
        }
    }

    private mutating func perform(_ action: TrainAction, at time: Double) {
        let scenario = workload.scenario
        switch action {
        case .build(let trial, let base, let members):
            landingsBelow[trial] = ledger.landings
            self.members[trial] = members.map(\.number)
            // A tree is what is in it, in whatever order that came.
            let tree = members.reduce(UInt64(base.tree, radix: 36) ?? 0) { $0 ^ RandomStream.mix(UInt64($1.number)) }
            let name = String(tree, radix: 36)
            let job = TrainJob(name: "test", hash: "test")
            agenda.add(
                .train(.built(trial: trial, commit: name, tree: name, jobs: [job])), at: time + scenario.gitLatency)
        case .request(let run, let trial):
            let good = ledger.isGood(members[trial] ?? [], landings: landingsBelow[trial] ?? 0)
            let outcome = ledger.run(isGood: good, at: time)
            let verdict: TrainVerdict =
                outcome.passes ? .passed : .failed(TrainFailure(job: "test", isKnownFlake: outcome.isKnownFlake))
            agenda.add(.train(.runFinished(run: run.id, verdict)), at: time + outcome.seconds)
        case .cancel(let runs):
            cancelled.formUnion(runs)
        case .land(let trial, _, let members, let commit, let tree):
            agenda.add(
                .train(
                    .landed(trial: trial, numbers: members.map(\.number), base: TrainBase(commit: commit, tree: tree))),
                at: time + scenario.forgeLatency * Double(members.count))
        case .eject(let member, _):
            if let back = ledger.eject(member.number, at: time) { agenda.add(.arrival(member.number), at: back) }
        case .note:
            break
        }
    }
}
