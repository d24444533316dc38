import Fleet
import Foundation
import JobConfig
import Postgres
import Scheduling
import SlipwayModel
import Testing

@Suite("Claims, heartbeats and completions")
struct LedgerTests {
    private func run(_ body: @Sendable @escaping (SchedulingHarness) async throws -> Void) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            try await harness.announce(capacity: 4)
            try await body(harness)
        }
    }

    @Test("a dispatched run is claimed by one agent, who may ask again")
    func claim() async throws {
        try await run { harness in
            let id = try await harness.request()
            #expect(try await harness.state(id) == .dispatched)
            let claimed = try #require(try await harness.claim(id))
            #expect(claimed.runID == id && claimed.attempt == 1 && claimed.job.name == "sweep")
            #expect(try harness.emitted().all(RunStarted.self).map(\.runID) == [id])
            #expect(try await harness.state(id) == .running)
            #expect(try await harness.claim(id, "other") == nil)
            #expect(try await harness.claim(id)?.buildID == claimed.buildID)
            #expect(try harness.emitted().all(RunStarted.self).isEmpty)
        }
    }

    @Test("ten agents that reach for one run: one gets it")
    func contended() async throws {
        try await run { harness in
            let build = try await harness.run(try await harness.request()).buildID
            let winners = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...10 {
                    group.addTask {
                        try await harness.room.ledger.claim([build], agent: "agent-\(number)", atMost: 1).runs.count
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(winners == 1)
        }
    }

    @Test("an agent claims what it has room for, the most urgent first, and hears what is left")
    func room() async throws {
        try await run { harness in
            let ids = [
                try await harness.request(), try await harness.request(priority: 1), try await harness.request(),
            ]
            try await harness.announce(capacity: 2)
            var builds: [BuildID] = []
            for id in ids { builds.append(try await harness.run(id).buildID) }
            let first = try await harness.room.ledger.claim(builds, agent: "agent", atMost: 2)
            #expect(Set(first.runs.map(\.buildID)) == [builds[0], builds[1]])
            #expect(first.left == [builds[2]])
            let other = try await harness.room.ledger.claim(builds, agent: "other", atMost: 2)
            #expect(other.runs.map(\.buildID) == [builds[2]])
            #expect(other.left.isEmpty)
        }
    }

    @Test("extra refs of a claimed run are cloned from the configured forge")
    func extraRefs() async throws {
        try await run { harness in
            let keys = "interval: 1h, extra_refs: [{org: harbor, repo: crane, base_ref: main}]"
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep", keys)))
            let claimed = try await harness.started()
            #expect(claimed.job.extraRefs.map(\.repoLink) == ["http://127.0.0.1:1/harbor/crane"])
        }
    }

    @Test("a completion counts once, and again for the same agent")
    func finish() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            #expect(try await harness.finish(claimed, .failure))
            let finished = try harness.emitted().all(RunFinished.self)
            #expect(finished.map(\.state) == [.failure] && finished.first?.runID == claimed.runID)
            #expect(try await harness.finish(claimed, .success))
            #expect(try await harness.state(claimed.runID) == .failure)
            #expect(try harness.emitted().all(RunFinished.self).isEmpty)
            #expect(try await !harness.finish(claimed, .success, "other"))
        }
    }

    @Test(
        "a presubmit that passed is told to the pool of its branch, unless merging asked for it",
        arguments: [
            (RunOrigin.trigger, RunState.success, 1), (.command, .success, 1), (.merging, .success, 0),
            (.trigger, .failure, 0),
        ])
    func passed(origin: RunOrigin, state: RunState, told: Int) async throws {
        try await run { harness in
            try await harness.apply(presubmits: ("unit", "branches: [main]"))
            let id = try await harness.request(presubmit: "unit", 7, origin: origin)
            let claimed = try #require(try await harness.claim(id))
            _ = try harness.emitted()
            #expect(try await harness.finish(claimed, state))
            let passed = try harness.emitted().all(PresubmitPassed.self)
            #expect(passed.map(\.branch) == Array(repeating: "main", count: told))
        }
    }

    @Test("a state that is not final completes nothing", arguments: [RunState.waiting, .dispatched, .running])
    func notFinal(state: RunState) async throws {
        try await run { harness in
            let claimed = try await harness.started()
            await #expect(throws: (any Error).self) { try await harness.finish(claimed, state) }
            #expect(try await harness.state(claimed.runID) == .running)
        }
    }

    @Test("completions that come at once share transactions and are all told")
    func together() async throws {
        try await run { harness in
            try await harness.announce(capacity: 40)
            var claimed: [ClaimedRun] = []
            for _ in 1...40 { claimed.append(try await harness.started()) }
            let completed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for run in claimed { group.addTask { try await harness.finish(run) } }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(completed == 40)
            #expect(try Set(harness.emitted().all(RunFinished.self).map(\.runID)).count == 40)
        }
    }

    @Test("the heartbeat says what to do: keep, cancel, lost")
    func heartbeat() async throws {
        try await run { harness in
            let (kept, cancelled, other) = (
                try await harness.started(), try await harness.started(), try await harness.started("sweep", "other")
            )
            #expect(try await harness.room.runs.abort(cancelled.runID, by: "maria") == .stopping)
            #expect(try harness.emitted().all(RunCancelled.self).map(\.buildID) == [cancelled.buildID])
            let unknown = BuildID(77)
            let verdicts = try await harness.room.ledger.heartbeat(
                [kept.buildID, cancelled.buildID, other.buildID, unknown], agent: "agent")
            #expect(
                verdicts == [
                    kept.buildID: .keep, cancelled.buildID: .cancel(reason: "Aborted by maria."),
                    other.buildID: .lost, unknown: .lost,
                ])
        }
    }

    @Test("a description is the running agent's to set, and yields to an abort's reason")
    func description() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            let ledger = harness.room.ledger
            try await ledger.setDescription("cloning", of: claimed.buildID, agent: "other")
            #expect(try await harness.run(claimed.runID).description.isEmpty)
            try await ledger.setDescription("cloning", of: claimed.buildID, agent: "agent")
            #expect(try await harness.run(claimed.runID).description == "cloning")
            _ = try await harness.room.runs.abort(claimed.runID, by: "maria")
            try await ledger.setDescription("testing", of: claimed.buildID, agent: "agent")
            #expect(try await harness.run(claimed.runID).description == "Aborted by maria.")
        }
    }

    @Test("what an agent hands back waits again under a new build id, at no cost")
    func handBack() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            for attempt in 1...5 {
                let current = try #require(try await harness.claim(claimed.runID))
                #expect(current.attempt == attempt)
                try await harness.room.ledger.handBack([current.buildID], agent: "agent")
                let run = try await harness.run(claimed.runID)
                #expect(run.state == .dispatched && run.attempt == attempt + 1 && run.buildID > current.buildID)
                #expect(try await !harness.finish(current))
            }
        }
    }

    @Test("handing back somebody else's run changes nothing")
    func foreignHandBack() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            try await harness.room.ledger.handBack([claimed.buildID], agent: "other")
            #expect(try await harness.run(claimed.runID).attempt == 1)
        }
    }
}
