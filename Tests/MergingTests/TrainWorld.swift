import FoundationEssentials
import Merging

/// A forge, git and tests in memory: what a train asks for is answered at random, in any order, sometimes twice, and now
/// and then a step is repeated from the stored train as if its driver had died.
struct TrainWorld {
    struct Weather {
        var flakes = 0.0
        var errors = 0.0
        /// Each step: somebody pushes to the branch, a pull request leaves and comes back, the forge says no for now.
        var pushes = 0.0
        var departures = 0.0
        var refusals = 0.0
        var crashes = 0.0
        var repeats = 0.0
        static let calm = Weather()
        static let storm = Weather(
            flakes: 0.05, errors: 0.05, pushes: 0.02, departures: 0.03, refusals: 0.1, crashes: 0.05, repeats: 0.2)
    }

    private(set) var train: MergeTrain
    private var random: SeededRandom
    private var weather: Weather
    private(set) var now = Date(timeIntervalSince1970: 1_000_000)
    private var answers: [TrainEvent] = []
    /// What is on the branch: numbers of pull requests, and letters of pushes.
    private(set) var main: [String] = []
    private var pushes = 0

    let bad: Set<Int>
    /// Good alone, red together.
    let rivals: [Set<Int>]
    /// Git cannot merge the one onto the other.
    let clashes: [Set<Int>]
    let jobs: [TrainJob]

    private(set) var landed: [Int] = []
    private(set) var ejected: [Int: Ejection] = [:]
    private(set) var violations: [String] = []
    private(set) var runs = 0
    private var passes: Set<[String]> = []
    private var open: [Int: (trial: Int, job: String, tree: String)] = [:]
    private var trials: [Int: [String]] = [:]
    private var away: [Int] = []

    init(
        seed: UInt64, capacity: Int, bad: Set<Int> = [], rivals: [Set<Int>] = [], clashes: [Set<Int>] = [],
        jobs: [TrainJob] = [TrainJob(name: "unit", hash: "u")], weather: Weather = .calm
    ) {
        train = MergeTrain(base: TrainBase(commit: "", tree: ""), capacity: capacity)
        random = SeededRandom(seed: seed)
        (self.bad, self.rivals, self.clashes, self.jobs, self.weather) = (bad, rivals, clashes, jobs, weather)
    }

    private mutating func happens(_ probability: Double) -> Bool {
        probability > 0 && Double.random(in: 0..<1, using: &random) < probability
    }

    private static func tree(_ content: [String]) -> String { content.sorted().joined(separator: ",") }
    private var tip: TrainBase { TrainBase(commit: main.joined(separator: ","), tree: Self.tree(main)) }

    private func isGood(_ tree: String) -> Bool {
        let numbers = Set(tree.split(separator: ",").compactMap { Int($0) })
        return numbers.isDisjoint(with: bad) && !rivals.contains { $0.isSubset(of: numbers) }
    }

    /// A pull request that can never land any more.
    private func isLost(_ number: Int) -> Bool {
        let there = Set(landed)
        return bad.contains(number)
            || (rivals + clashes).contains { $0.contains(number) && !$0.isDisjoint(with: there.subtracting([number])) }
    }

    mutating func enter(_ number: Int) {
        apply(.entered(TrainMember(number: number, head: "h\(number)", enteredAt: now)))
    }

    mutating func leave(_ number: Int) { apply(.left(number: number)) }

    mutating func apply(_ event: TrainEvent) {
        let stored = train
        perform(train.apply(event, at: now))
        if happens(weather.repeats) {
            let after = train
            perform(train.apply(event, at: now))
            if train != after { violations.append("repeating \(event) changed the train") }
        }
        if happens(weather.crashes) {
            // The step was stored or it was not; the next driver reads what is there and asks again for the rest.
            if happens(0.5), stored.landing == train.landing, stored.base == train.base {
                train = stored
                perform(train.outstanding())
                perform(train.apply(event, at: now))
            } else {
                perform(train.outstanding())
            }
        }
        check()
    }

    private mutating func check() {
        let under = train.line.count { $0.state != .passed } + train.lanes.count { $0.trial != nil }
        if under > max(train.capacity, 0) { violations.append("\(under) trials for \(train.capacity) places") }
        let places = train.queue.map(\.number) + (train.line.last?.numbers ?? []) + train.lanes.flatMap(\.numbers)
        if Set(places).count != places.count { violations.append("a member is in two places: \(places)") }
        for (shorter, longer) in zip(train.line, train.line.dropFirst())
        where !longer.numbers.starts(with: shorter.numbers) {
            violations.append("\(longer.numbers) does not begin with \(shorter.numbers)")
        }
    }

    private mutating func perform(_ actions: [TrainAction]) {
        for action in actions {
            switch action {
            case .build(let trial, let base, let members): build(trial, base, members)
            case .request(let run, let trial):
                guard open[run.id] == nil else { continue }
                runs += 1
                let tree = Self.tree(trials[trial] ?? [])
                open[run.id] = (trial, run.job.name, tree)
                if isGood(tree), happens(weather.errors) {
                    answers.append(
                        .runFinished(
                            run: run.id,
                            happens(0.5) ? .errored(reason: "agent lost") : .outdated(reason: "another job")))
                } else if isGood(tree), !happens(weather.flakes) {
                    passes.insert([tree, run.job.hash])
                    answers.append(.runFinished(run: run.id, .passed))
                } else {
                    answers.append(.runFinished(run: run.id, .failed(TrainFailure(job: run.job.name))))
                }
            case .cancel(let runs):
                if runs.contains(where: { open[$0] == nil }) { violations.append("an unknown run is cancelled") }
            case .land(let trial, let base, let members, _, let tree):
                if base != train.base { violations.append("\(members.map(\.number)) land on a base that is past") }
                land(trial, base, members, tree)
            case .eject(let member, let ejection):
                if case .failedAlone(let failures) = ejection, failures.count < 2 {
                    violations.append("\(member.number) is ejected after \(failures.count) failure")
                }
                if landed.contains(member.number) { violations.append("\(member.number) landed and is ejected") }
                ejected[member.number] = ejection
            case .note: break
            }
        }
    }

    private mutating func build(_ trial: Int, _ base: TrainBase, _ members: [TrainMember]) {
        let isAnswered = answers.contains {
            if case .built(let other, _, _, _) = $0 { other == trial } else { false }
        }
        guard !isAnswered else { return }
        var content = base.commit.split(separator: ",").map(String.init)
        for member in members {
            let there = content.compactMap { Int($0) }
            if clashes.contains(where: { clash in
                clash.contains(member.number) && there.contains { $0 != member.number && clash.contains($0) }
            }) {
                let alone = Set(base.commit.split(separator: ",").compactMap { Int($0) })
                let withBase = clashes.contains {
                    $0.contains(member.number) && !$0.subtracting([member.number]).isDisjoint(with: alone)
                }
                answers.append(
                    .conflicted(trial: trial, number: member.number, withBase: withBase, files: ["a.swift"]))
                return
            }
            content.append("\(member.number)")
        }
        trials[trial] = content
        answers.append(
            .built(trial: trial, commit: content.joined(separator: ","), tree: Self.tree(content), jobs: jobs))
    }

    private mutating func land(_ trial: Int, _ base: TrainBase, _ members: [TrainMember], _ tree: String) {
        let numbers = members.map(\.number)
        guard base == tip else {
            // Asked again after a crash, the forge shows that it is done.
            guard !numbers.allSatisfy(landed.contains) else { return }
            answers += [.landingRefused(trial: trial, .baseMoved), .baseMoved(tip)]
            return
        }
        if happens(weather.refusals) {
            answers.append(.landingRefused(trial: trial, .temporary(reason: "502")))
            return
        }
        for job in jobs where !passes.contains([tree, job.hash]) && job.freshness == .tree {
            violations.append("\(tree) lands without a pass of \(job.name)")
        }
        if Self.tree(main + numbers.map(String.init)) != tree { violations.append("another tree lands than \(tree)") }
        let parts = numbers.count > 1 && happens(weather.refusals) ? [1, numbers.count - 1] : [numbers.count]
        var rest = numbers[...]
        for part in parts {
            let now = Array(rest.prefix(part))
            rest = rest.dropFirst(part)
            for number in now where landed.contains(number) { violations.append("\(number) lands twice") }
            landed += now
            main += now.map(String.init)
            answers.append(.landed(trial: trial, numbers: now, base: tip))
        }
    }

    /// One answer, or some weather, or a minute.
    mutating func step() {
        now += 10
        if happens(weather.pushes) {
            pushes += 1
            main.append("p\(pushes)")
            answers.append(.baseMoved(tip))
        }
        if happens(weather.departures),
            let number = train.queue.randomElement(using: &random)?.number
                ?? train.line.last?.numbers.randomElement(using: &random)
        {
            away.append(number)
            apply(.left(number: number))
        }
        if let number = away.first, happens(0.3) {
            away.removeFirst()
            if !landed.contains(number) { enter(number) }
        }
        guard !answers.isEmpty, !happens(0.2) else {
            now += 60
            return apply(.tick)
        }
        // The branch's moves and landings of one forge come in order; everything else does not.
        var index = Int.random(in: answers.indices, using: &random)
        if answers[index].isAboutTheBranch { index = answers.firstIndex { $0.isAboutTheBranch } ?? index }
        let answer = answers.remove(at: index)
        if case .runFinished(let run, _) = answer, open[run] == nil { return }
        apply(answer)
    }

    /// Goes on until nobody waits any more; false if that does not come.
    mutating func drain(steps: Int = 20_000) -> Bool {
        for count in 0..<steps {
            if count == steps / 10 {
                weather.pushes = 0
                weather.departures = 0
            }
            if isEmpty { return true }
            step()
        }
        return isEmpty
    }

    private var isEmpty: Bool {
        train.queue.isEmpty && train.line.isEmpty && train.lanes.isEmpty && answers.isEmpty && away.isEmpty
    }

    /// Members that ended otherwise than they deserve; flakes may put out a good one.
    func injustices(among numbers: some Sequence<Int>) -> [Int] {
        numbers.filter { number in
            if landed.contains(number) { return ejected[number] != nil && !(weather.flakes > 0) }
            return ejected[number] == nil || !(isLost(number) || weather.flakes > 0)
        }
    }
}

extension TrainEvent {
    fileprivate var isAboutTheBranch: Bool {
        switch self {
        case .baseMoved, .landed, .landingRefused: true
        default: false
        }
    }
}

/// A stream of its own for each seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
