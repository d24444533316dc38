/// Tide from its rules (kubernetes-sigs/prow, `pkg/tide/tide.go`, August 2026): each sync takes one action per pool.
///
/// 1. A green batch merges.
/// 2. While no batch is pending, the oldest green pull request merges.
/// 3. If no batch is pending, a batch of the oldest is triggered; after a failed one on this base, without the newest
///    member of that one (of any one, if several failed).
/// 4. If no serial test is pending or green, the oldest is tested alone.
///
/// A merge voids what was tested on the older base, a pull request that leaves the pool voids its batch, and one whose
/// serial test fails leaves until its author asks again. Runs that nobody waits for any more cost nothing here.
struct TideSimulation {
    private struct Run {
        var numbers: [Int]
        var endsAt: Double
        var passes: Bool
    }

    private let workload: Workload
    /// The most pull requests of a batch; 0 is unlimited.
    private let limit: Int
    private(set) var ledger: Ledger
    private var pool: [Int] = []
    private var batch: Run?
    private var serial: Run?
    private var failedBatches: [[Int]] = []
    private var arrivals = Agenda<Int>()
    private var random: RandomStream

    static func run(_ workload: Workload, limit: Int) -> Ledger {
        var simulation = TideSimulation(workload, limit: limit)
        simulation.run()
        return simulation.ledger
    }

    private init(_ workload: Workload, limit: Int) {
        self.workload = workload
        self.limit = limit
        ledger = Ledger(workload)
        random = RandomStream(workload.seed, 5)
    }

    private mutating func run() {
        let scenario = workload.scenario
        for (number, time) in workload.arrivals.enumerated() { arrivals.add(number, at: time) }
        var now = random.unit() * scenario.syncInterval
        while now <= scenario.horizon {
            while let number = arrivals.next(until: now) {
                pool.insert(number, at: pool.firstIndex { $0 > number } ?? pool.count)
            }
            let seconds = sync(at: now)
            now += max(scenario.syncInterval, seconds)
        }
        ledger.close(at: scenario.horizon)
    }

    /// Returns the seconds that it took.
    private mutating func sync(at now: Double) -> Double {
        if let run = serial, run.endsAt <= now, !run.passes { leave(run.numbers[0], at: now) }
        if let run = batch, run.endsAt <= now {
            if run.passes { return merge(run.numbers, at: now) }
            failedBatches.append(run.numbers)
            batch = nil
        }
        if let run = serial, run.endsAt <= now, batch == nil { return merge(run.numbers, at: now) }
        if batch == nil, pool.count > 1 {
            let excluded = failedBatches.randomElement(using: &random)?.max()
            let candidates = pool.filter { $0 != excluded }
            let numbers = limit > 0 ? Array(candidates.prefix(limit)) : candidates
            if numbers.count > 1 {
                batch = start(numbers, at: now)
                return 0
            }
        }
        if serial == nil, let oldest = pool.first { serial = start([oldest], at: now) }
        return 0
    }

    private mutating func leave(_ number: Int, at now: Double) {
        serial = nil
        pool.removeAll { $0 == number }
        failedBatches.removeAll { $0.contains(number) }
        if batch?.numbers.contains(number) == true { batch = nil }
        if let back = ledger.eject(number, at: now) { arrivals.add(number, at: back) }
    }

    private mutating func start(_ numbers: [Int], at now: Double) -> Run {
        let good = ledger.isGood(numbers, landings: ledger.landings)
        let outcome = ledger.run(isGood: good, at: now)
        return Run(
            numbers: numbers, endsAt: now + workload.scenario.gitLatency + outcome.seconds, passes: outcome.passes)
    }

    private mutating func merge(_ numbers: [Int], at now: Double) -> Double {
        var time = now
        for number in numbers {
            time += workload.scenario.forgeLatency
            ledger.land(number, at: time)
        }
        pool.removeAll { numbers.contains($0) }
        (batch, serial, failedBatches) = (nil, nil, [])
        return time - now
    }
}
