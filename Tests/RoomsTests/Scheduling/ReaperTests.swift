import Fleet
import Foundation
import JobConfig
import Postgres
import Scheduling
import SlipwayModel
import Testing

@Suite("Lost agents, deadlines and lost messages")
struct ReaperTests {
    private func run(_ body: @Sendable @escaping (SchedulingHarness) async throws -> Void) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            try await harness.announce(capacity: 4)
            try await body(harness)
        }
    }

    @Test("a silent agent's run waits for another three times, and is an error the fourth")
    func losses() async throws {
        try await run { harness in
            let id = try await harness.request()
            for attempt in 1...4 {
                try await harness.announce(capacity: 4)
                let claimed = try #require(try await harness.claim(id))
                #expect(claimed.attempt == attempt)
                try await harness.silence(seconds: 20)
                try await harness.reap()
                #expect(try await !harness.finish(claimed))
            }
            let run = try await harness.run(id)
            #expect(run.state == .error && run.attempt == 4)
            #expect(run.description.contains("vanished 4 times"))
            let finished = try harness.emitted().all(RunFinished.self)
            #expect(finished.map(\.state) == [.error])
            let attempts = try await harness.bus.database.query(
                "select attempt from scheduling.attempts_v1 order by attempt"
            ).map { try $0.decode(Int.self) }
            #expect(attempts == [1, 2, 3])
        }
    }

    @Test("an aborted run whose agent vanishes ends as aborted")
    func abortedAndLost() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            _ = try await harness.room.runs.abort(claimed.runID, by: "maria")
            try await harness.silence(seconds: 20)
            try await harness.reap()
            let run = try await harness.run(claimed.runID)
            #expect(run.state == .aborted && run.description == "Aborted by maria.")
        }
    }

    @Test("a heartbeat in time keeps the run")
    func alive() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            try await harness.silence(seconds: 20)
            _ = try await harness.room.ledger.heartbeat([claimed.buildID], agent: "agent")
            try await harness.reap()
            #expect(try await harness.state(claimed.runID) == .running)
        }
    }

    @Test("after a pause of the reaper every agent gets its full time again")
    func pause() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            try await harness.silence(seconds: 600)
            _ = try await harness.bus.database.query(
                "update scheduling.reaper set last_round = now() - interval '10 minutes'")
            try await harness.reap()
            #expect(try await harness.state(claimed.runID) == .running)
            try await harness.watch()
            try await harness.reap()
            #expect(try await harness.run(claimed.runID).attempt == 2)
        }
    }

    @Test("a waiting run ends at its deadline, a running one does not")
    func deadline() async throws {
        try await run { harness in
            let soon = Date(timeIntervalSinceNow: 60)
            let running = try #require(try await harness.claim(try await harness.request(deadline: soon)))
            try await harness.announce(capacity: 0)
            let waiting = try await harness.request(deadline: soon)
            try await harness.age(running.runID, "deadline", by: "2 minutes")
            try await harness.age(waiting, "deadline", by: "2 minutes")
            try await harness.reap()
            #expect(try await harness.state(running.runID) == .running)
            let run = try await harness.run(waiting)
            #expect(run.state == .aborted && run.description == SchedulingText.deadlinePassed)
        }
    }

    @Test("a run of two days is told to stop")
    func tooLong() async throws {
        try await run { harness in
            let claimed = try await harness.started()
            try await harness.age(claimed.runID, "started_at", by: "49 hours")
            _ = try harness.emitted()
            try await harness.reap()
            #expect(try harness.emitted().all(RunCancelled.self).map(\.runID) == [claimed.runID])
            let verdicts = try await harness.room.ledger.heartbeat([claimed.buildID], agent: "agent")
            #expect(verdicts == [claimed.buildID: .cancel(reason: SchedulingText.ranTooLong(hours: 48))])
        }
    }

    @Test("a dispatched run that idle agents do not claim is sent to them again")
    func lostMessage() async throws {
        try await run { harness in
            let id = try await harness.request()
            _ = try harness.emitted()
            try await harness.reap()
            #expect(try harness.emitted().all(RunsDispatched.self).isEmpty)
            try await harness.age(id, "dispatched_at", by: "2 minutes")
            try await harness.reap()
            #expect(try await harness.emitted().all(RunsDispatched.self).map(\.builds) == [[harness.run(id).buildID]])
            // Its time begins anew.
            try await harness.reap()
            #expect(try harness.emitted().all(RunsDispatched.self).isEmpty)
        }
    }

    @Test("runs that waited for a cluster's first agent go out with the round")
    func laterAgent() async throws {
        try await run { harness in
            try await harness.announce(capacity: 0)
            let id = try await harness.request()
            #expect(try await harness.state(id) == .waiting)
            _ = try await harness.bus.database.query(
                "insert into scheduling.agents (name, cluster, capacity) values ('late', 'default', 1)")
            try await harness.reap()
            #expect(try await harness.state(id) == .dispatched)
        }
    }

    struct Abandoned: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var cause: AbandonedAttempt.Cause
        var losses: Int
        var cancelReason: String?
        var verdict: AbandonedAttempt
    }

    @Test(
        "what becomes of an attempt that its agent does not complete",
        arguments: [
            Abandoned(
                testDescription: "first loss", cause: .agentVanished, losses: 0,
                verdict: .waits(reason: SchedulingText.agentVanished("a", attempt: 2), losses: 1)),
            Abandoned(
                testDescription: "third loss", cause: .agentVanished, losses: 2,
                verdict: .waits(reason: SchedulingText.agentVanished("a", attempt: 2), losses: 3)),
            Abandoned(
                testDescription: "fourth loss", cause: .agentVanished, losses: 3,
                verdict: .error(reason: SchedulingText.agentsVanished("a", times: 4))),
            Abandoned(
                testDescription: "handed back after three losses", cause: .handedBack, losses: 3,
                verdict: .waits(reason: SchedulingText.handedBack("a", attempt: 2), losses: 3)),
            Abandoned(
                testDescription: "lost while being aborted", cause: .agentVanished, losses: 3, cancelReason: "why",
                verdict: .aborted(reason: "why")),
            Abandoned(
                testDescription: "handed back while being aborted", cause: .handedBack, losses: 0,
                cancelReason: "why", verdict: .aborted(reason: "why")),
        ])
    func abandoned(row: Abandoned) {
        let verdict = AbandonedAttempt(
            row.cause, agent: "a", attempt: 2, losses: row.losses, cancelReason: row.cancelReason,
            limits: SchedulingHarness.limits)
        #expect(verdict == row.verdict)
    }
}
