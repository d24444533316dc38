/// Zuul's dependent pipeline from its rules: each change in the window is tested on top of all before it that have not
/// failed; a failure moves those behind it onto the nearest change that did not fail, and they start again; the head
/// merges or is reported. The window (20, at least 3) grows by one with each merge and is halved by each failure at the
/// head. Runs start in queue order as places become free. A window fixed at 1 is the serial policy.
struct ZuulSimulation {
    private enum Event {
        case arrival(Int)
        case finished(run: Int)
        case merged
    }

    private struct Item {
        var number: Int
        /// What it is tested on: all landed and all before it that have not failed.
        var below: UInt64 = 0
        var run: Int?
        var willPass = false
        var passed: Bool?
    }

    private let workload: Workload
    private let isSerial: Bool
    private(set) var ledger: Ledger
    private var agenda = Agenda<Event>()
    private var queue: [Item] = []
    private var window = 20
    private var landed: UInt64 = 0
    private var isMerging = false
    private var lastRun = 0

    static func run(_ workload: Workload, isSerial: Bool) -> Ledger {
        var simulation = ZuulSimulation(workload, isSerial: isSerial)
        simulation.run()
        return simulation.ledger
    }

    private init(_ workload: Workload, isSerial: Bool) {
        self.workload = workload
        self.isSerial = isSerial
        ledger = Ledger(workload)
        if isSerial { window = 1 }
    }

    private mutating func run() {
        for (number, time) in workload.arrivals.enumerated() { agenda.add(.arrival(number), at: time) }
        while let (time, event) = agenda.next() {
            if case .drained = workload.scenario.arrivals {
                if ledger.isDrained { break }
            } else if time > workload.scenario.horizon {
                break
            }
            switch event {
            case .arrival(let number):
                queue.append(Item(number: number))
            case .finished(let run):
                if let index = queue.firstIndex(where: { $0.run == run }) {
                    queue[index].run = nil
                    queue[index].passed = queue[index].willPass
                }
            case .merged:
                isMerging = false
                let item = queue.removeFirst()
                ledger.land(item.number, at: time)
                landed ^= RandomStream.mix(UInt64(item.number))
                if !isSerial { window += 1 }
            }
            advance(at: time)
        }
        ledger.close(at: workload.scenario.horizon)
    }

    private mutating func advance(at time: Double) {
        while !isMerging, let head = queue.first, let passed = head.passed, head.below == landed {
            if passed {
                isMerging = true
                agenda.add(.merged, at: time + workload.scenario.forgeLatency)
            } else {
                queue.removeFirst()
                if !isSerial { window = max(3, window / 2) }
                if let back = ledger.eject(head.number, at: time) { agenda.add(.arrival(head.number), at: back) }
            }
        }
        var below = landed
        var ahead: [Int] = []
        for index in queue.indices.prefix(window) {
            if queue[index].below != below {
                queue[index] = Item(number: queue[index].number, below: below)
            }
            if queue[index].passed != false {
                below ^= RandomStream.mix(UInt64(queue[index].number))
            }
        }
        var free = workload.scenario.capacity - queue.count { $0.run != nil }
        for index in queue.indices.prefix(window) {
            if free > 0, queue[index].run == nil, queue[index].passed == nil {
                let good = ledger.isGood(ahead + [queue[index].number], landings: ledger.landings)
                let outcome = ledger.run(isGood: good, at: time)
                lastRun += 1
                queue[index].run = lastRun
                queue[index].willPass = outcome.passes
                agenda.add(.finished(run: lastRun), at: time + workload.scenario.gitLatency + outcome.seconds)
                free -= 1
            }
            if queue[index].passed != false { ahead.append(queue[index].number) }
        }
    }
}
