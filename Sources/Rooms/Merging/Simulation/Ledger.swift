/// What one policy did with a workload.
struct Ledger {
    private let workload: Workload
    private var random: RandomStream
    /// The place of each landed pull request in the order of landing.
    private(set) var landedAt: [Int?]
    private var isOut: [Bool]
    private(set) var landings = 0
    private(set) var waits: [Double] = []
    private(set) var merges = 0
    private(set) var runs = 0
    private(set) var falseEjections = 0
    private(set) var brokenMain = 0
    private(set) var longestWait = 0.0
    private var lastTime = 0.0

    init(_ workload: Workload) {
        self.workload = workload
        random = RandomStream(workload.seed, 4)
        landedAt = Array(repeating: nil, count: workload.arrivals.count)
        isOut = Array(repeating: false, count: workload.arrivals.count)
    }

    /// Whether a tree is good: `members` on top of the first so many landings.
    func isGood(_ members: some Sequence<Int>, landings: Int) -> Bool {
        let scenario = workload.scenario
        guard scenario.conflict > 0 else { return !members.contains { workload.isBad[$0] } }
        let numbers = Set(members)
        return !numbers.contains { number in
            workload.isBad[number]
                || workload.rivals[number].contains { rival in
                    numbers.contains(rival) || landedAt[rival].map { $0 < landings } ?? false
                }
        }
    }

    private var isMeasuring: Bool { lastTime >= workload.scenario.warmUp }

    /// Starts a run: how long it takes, and whether it passes.
    mutating func run(isGood: Bool, at time: Double) -> (seconds: Double, passes: Bool, isKnownFlake: Bool) {
        lastTime = time
        if isMeasuring { runs += 1 }
        let scenario = workload.scenario
        let seconds = random.lognormal(mean: scenario.meanDuration, sigma: scenario.sigma)
        let (flakes, part, known) = (random.unit(), random.unit(), random.unit())
        let passes = isGood && flakes >= scenario.flake
        let range = scenario.timeToFailure
        return (
            passes ? seconds : seconds * (range.lowerBound + part * (range.upperBound - range.lowerBound)), passes,
            isGood && !passes && known < scenario.knownFlakes
        )
    }

    mutating func land(_ number: Int, at time: Double) {
        lastTime = time
        if landedAt[number] != nil || !isGood(CollectionOfOne(number), landings: landings) { brokenMain += 1 }
        landedAt[number] = landings
        landings += 1
        guard isMeasuring else { return }
        merges += 1
        waits.append(time - workload.arrivals[number])
        longestWait = max(longestWait, time - workload.arrivals[number])
    }

    /// A pull request is put out: when it comes back, if it was good.
    mutating func eject(_ number: Int, at time: Double) -> Double? {
        lastTime = time
        guard isGood(CollectionOfOne(number), landings: landings) else {
            isOut[number] = true
            return nil
        }
        if isMeasuring { falseEjections += 1 }
        return time + random.exponential(mean: workload.scenario.retestDelay)
            + random.lognormal(mean: workload.scenario.meanDuration, sigma: workload.scenario.sigma)
    }

    /// Counts those that still wait in the end. Bad ones in the queue wait as well, until they are found out.
    mutating func close(at time: Double) {
        for number in landedAt.indices where landedAt[number] == nil && !isOut[number] && !workload.isBad[number] {
            longestWait = max(longestWait, time - workload.arrivals[number])
        }
    }

    var isDrained: Bool { !landedAt.indices.contains { landedAt[$0] == nil && !isOut[$0] } }
}
