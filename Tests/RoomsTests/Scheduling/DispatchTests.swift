import Fleet
import Foundation
import JobConfig
import Scheduling
import SlipwayModel
import Testing

@Suite("The dispatch window")
struct DispatchTests {
    @Test("a cluster's queue holds twice its capacity, whatever waits")
    func window() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            for _ in 1...10 { _ = try await harness.request() }
            #expect(try await harness.count(.waiting) == 10)
            try await harness.announce("one", capacity: 1)
            #expect(try await harness.count(.dispatched) == 2)
            try await harness.announce("two", capacity: 2)
            #expect(try await harness.count(.dispatched) == 6)
            let messages = try harness.emitted().messages
            #expect(messages.count { $0.envelope.type == RunsDispatched.type } == 6)
            // A claim makes room; an end does not, it had none.
            let first = try #require(try await harness.runs().last)
            let claimed = try #require(try await harness.claim(first.runID, "one"))
            #expect(try await harness.count(.dispatched) == 6)
            _ = try await harness.finish(claimed, .success, "one")
            #expect(try await harness.count(.dispatched) == 6)
            #expect(try await harness.count(.waiting) == 3)
        }
    }

    @Test("what arrives while there is room is dispatched as it is stored, and no attempt is told twice")
    func arrival() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            try await harness.announce(capacity: 10)
            var told: [BuildID] = []
            // Half of the window, a burst that exceeds the whole, and one for which there is no place.
            for (burst, dispatched, waiting) in [(8, 8, 0), (15, 20, 3), (1, 20, 4)] {
                let requests = (1...burst).map { _ in
                    RunRequested(origin: .periodic, kind: .periodic, job: "sweep")
                }
                // A message that comes again makes no second run.
                let emitted = try await harness.deliver(requests + requests.prefix(1))
                told += try emitted.all(RunsDispatched.self).flatMap(\.builds)
                #expect(try emitted.all(RunAccepted.self).count == burst)
                #expect(try await harness.count(.dispatched) == dispatched)
                #expect(try await harness.count(.waiting) == waiting)
            }
            #expect(Set(told) == Set(try await harness.runs().filter { $0.state == .dispatched }.map(\.buildID)))
            #expect(told.count == 20)
        }
    }

    @Test("what has waited longer goes first, also where there is room for one of two")
    func turns() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            var ids: [RunID] = []
            for _ in 1...3 { ids.append(try await harness.request()) }
            try await harness.announce(capacity: 1)
            let last = try await harness.request(priority: 1)
            #expect(try await harness.state(ids[0]) == .dispatched)
            #expect(try await harness.state(ids[1]) == .dispatched)
            // Its priority counts as soon as there is room, and not before.
            #expect(try await harness.state(last) == .waiting)
            _ = try #require(try await harness.claim(ids[0]))
            #expect(try await harness.state(last) == .dispatched)
            #expect(try await harness.state(ids[2]) == .waiting)
        }
    }

    @Test("by priority, then age")
    func order() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            var ids: [Int: RunID] = [:]
            for (number, priority) in [0, 0, 5, -1, 5].enumerated() {
                ids[number] = try await harness.request(priority: priority)
            }
            _ = try harness.emitted()
            try await harness.announce(capacity: 10)
            let order = try harness.emitted().all(RunsDispatched.self).flatMap(\.builds)
            var expected: [BuildID] = []
            for number in [2, 4, 0, 1, 3] { expected.append(try await harness.run(try #require(ids[number])).buildID) }
            #expect(order == expected)
        }
    }

    @Test(
        "a burst travels together as far as the smallest agent makes it little",
        arguments: [
            ([160], [10, 10, 4]), ([160, 48], Array(repeating: 3, count: 8)),
            ([15, 160], Array(repeating: 1, count: 24)),
        ])
    func together(capacities: [Int], sizes: [Int]) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            for (number, capacity) in capacities.enumerated() {
                try await harness.announce("agent-\(number)", capacity: capacity)
            }
            let burst = try await harness.deliver(
                (1...24).map { _ in RunRequested(origin: .periodic, kind: .periodic, job: "sweep") })
            let messages = try burst.all(RunsDispatched.self)
            #expect(messages.map(\.builds.count) == sizes)
        }
    }

    @Test("a waiting run can still be aborted, and makes no room; a dispatched one does")
    func abort() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            try await harness.announce(capacity: 1)
            let ids = [
                try await harness.request(), try await harness.request(), try await harness.request(),
                try await harness.request(),
            ]
            #expect(try await harness.room.runs.abort(ids[3], by: "maria") == .aborted)
            #expect(try await harness.count(.dispatched) == 2)
            #expect(try await harness.room.runs.abort(ids[0], by: "maria") == .aborted)
            #expect(try await harness.state(ids[2]) == .dispatched)
            #expect(try await harness.room.runs.abort(ids[0], by: "maria") == .alreadyEnded(.aborted))
            #expect(try await harness.room.runs.abort(RunID(), by: "maria") == .unknown)
            // Whoever finds the message of the aborted run in the queue gets nothing.
            #expect(try await harness.claim(ids[0]) == nil)
        }
    }

    @Test("max_concurrency holds over all clusters")
    func maxConcurrency() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(presubmits: ("unit", "branches: [main], cluster: lab, max_concurrency: 2"))
            try await harness.announce("lab-agent", cluster: "lab", capacity: 10)
            try await harness.announce("yard-agent", cluster: "yard", capacity: 10)
            var ids: [RunID] = []
            for number in 1...3 { ids.append(try await harness.request(presubmit: "unit", number)) }
            #expect(try await harness.count(.dispatched) == 2)
            // The job moves to another cluster; its runs there count with those that are still here.
            try await harness.apply(presubmits: ("unit", "branches: [main], cluster: yard, max_concurrency: 2"))
            let moved = try await harness.request(presubmit: "unit", 4)
            #expect(try await harness.state(moved) == .waiting)
            let claimed = try #require(try await harness.claim(ids[0], "lab-agent"))
            _ = try await harness.finish(claimed, .success, "lab-agent")
            // Oldest first; the round of the reaper reaches the other cluster.
            #expect(try await harness.state(ids[2]) == .dispatched)
            #expect(try await harness.state(moved) == .waiting)
        }
    }

    @Test(
        "jobs of a queue share its capacity: 0 is never, below 0 unlimited",
        arguments: [(1, 1), (2, 2), (0, 0), (-1, 4)])
    func queue(capacity: Int, dispatched: Int) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(
                prowConfig: "plank:\n  job_queue_capacities: {crane: \(capacity)}\n",
                presubmits: ("unit", "job_queue_name: crane"), ("lint", "job_queue_name: crane, max_concurrency: 1"),
                ("free", ""))
            try await harness.announce(capacity: 20)
            for number in 1...3 { _ = try await harness.request(presubmit: "unit", number) }
            _ = try await harness.request(presubmit: "lint", 4)
            let free = try await harness.request(presubmit: "free", 5)
            #expect(try await harness.state(free) == .dispatched)
            #expect(try await harness.count(.dispatched) == dispatched + 1)
            // The oldest goes first; an end lets the next one in.
            guard dispatched == 1 else { return }
            let first = try #require(try await harness.runs().last { $0.state == .dispatched })
            let claimed = try #require(try await harness.claim(first.runID))
            #expect(claimed.refs?.pulls?.first?.number == 1)
            #expect(try await harness.count(.dispatched) == 1)
            _ = try await harness.finish(claimed)
            #expect(try await harness.count(.dispatched) == 2)
        }
    }

    @Test("another capacity holds from the next round on")
    func changedQueue() async throws {
        try await SchedulingHarness.run { harness in
            let config = { (capacity: Int) in "plank:\n  job_queue_capacities: {crane: \(capacity)}\n" }
            try await harness.apply(prowConfig: config(0), presubmits: ("unit", "job_queue_name: crane"))
            try await harness.announce(capacity: 20)
            for number in 1...3 { _ = try await harness.request(presubmit: "unit", number) }
            #expect(try await harness.count(.waiting) == 3)
            try await harness.apply(prowConfig: config(2), presubmits: ("unit", "job_queue_name: crane"))
            try await harness.reap()
            #expect(try await harness.count(.dispatched) == 2)
        }
    }

    @Test("plank.max_concurrency holds over all jobs and clusters")
    func whole() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(
                prowConfig: "plank: {max_concurrency: 3}\n", presubmits: ("unit", "cluster: lab"),
                ("lint", "cluster: yard"))
            try await harness.announce("lab-agent", cluster: "lab", capacity: 10)
            try await harness.announce("yard-agent", cluster: "yard", capacity: 10)
            for number in 1...2 {
                _ = try await harness.request(presubmit: "unit", number)
                _ = try await harness.request(presubmit: "lint", number)
            }
            #expect(try await harness.count(.dispatched) == 3)
            let first = try #require(try await harness.runs().last)
            let claimed = try #require(try await harness.claim(first.runID, "lab-agent"))
            #expect(try await harness.count(.dispatched) == 2)
            _ = try await harness.finish(claimed, .success, "lab-agent")
            try await harness.reap()
            #expect(try await harness.count(.dispatched) == 3)
        }
    }

    @Test("clusters that race keep a limit over all of them")
    func sharedLimit() async throws {
        try await SchedulingHarness.run { harness in
            let clusters = (1...6).map { "cluster-\($0)" }
            try await harness.apply(
                (
                    "jobs.yaml",
                    "postsubmits:\n  harbor/crane:\n"
                        + clusters.map { cluster in
                            "  - {name: image, branches: [^\(cluster)$], cluster: \(cluster), max_concurrency: 2, "
                                + "\(SchedulingHarness.spec)}\n"
                        }.joined()
                ))
            try await harness.deliver(
                clusters.map { cluster in
                    RefPushed(
                        repository: SchedulingHarness.repository, ref: cluster, isTag: false, before: "a", after: "b",
                        changedFiles: ["x"], sender: "maria", deliveryID: cluster)
                })
            #expect(try await harness.count(.waiting) == 6)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for cluster in clusters {
                    group.addTask { try await harness.announce("of \(cluster)", cluster: cluster, capacity: 4) }
                }
                try await group.waitForAll()
            }
            #expect(try await harness.count(.dispatched) == 2)
        }
    }

    @Test("dispatchers that race fill the window once")
    func race() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            for _ in 1...30 { _ = try await harness.request() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...5 {
                    group.addTask { try await harness.announce("agent-\(number)", capacity: 1) }
                }
                try await group.waitForAll()
            }
            #expect(try await harness.count(.dispatched) == 10)
        }
    }

    @Test("an agent that leaves takes its share of the window along")
    func leave() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            try await harness.announce("one", capacity: 1)
            try await harness.announce("one", capacity: 0)
            _ = try await harness.request()
            #expect(try await harness.count(.waiting) == 1)
        }
    }
}
