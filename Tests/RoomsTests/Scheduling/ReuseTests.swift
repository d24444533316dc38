import Fleet
import Postgres
import Scheduling
import SlipwayModel
import Testing

@Suite("Results that stand already")
struct ReuseTests {
    /// `unit` and `lint` ran on pull request 1, whose merge gave the tree `t1`; `unit` ended as told.
    private func run(
        _ state: RunState = .success, _ body: @Sendable @escaping (SchedulingHarness) async throws -> Void
    ) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(presubmits: ("unit", "always_run: true"), ("lint", "always_run: true"))
            try await harness.announce(capacity: 10)
            for job in ["unit", "lint"] {
                let id = try await harness.request(presubmit: job, 1)
                guard let claimed = try await harness.claim(id) else { continue }
                _ = try await harness.finish(claimed, job == "unit" ? state : .success, tree: "t1")
            }
            try await body(harness)
        }
    }

    @Test("the same job on the same commits is not run again", arguments: [ReusePolicy.tree, .maximumAge(60)])
    func reused(policy: ReusePolicy) async throws {
        try await run { harness in
            let request = RunRequested(
                origin: .merging, kind: .presubmit, job: "unit",
                refs: Refs(
                    repository: SchedulingHarness.repository, baseRef: "main", baseSHA: "base",
                    pulls: [Pull(number: 1, author: "noor", sha: "abc")]), reuse: policy)
            let told = try await harness.deliver(request)
            let accepted = try told.all(RunAccepted.self)
            let finished = try told.all(RunFinished.self)
            #expect(accepted.map(\.requestID) == [request.requestID])
            #expect(finished.map(\.requestID) == [request.requestID])
            #expect(finished.first?.state == .success && finished.first?.tree == "t1")
            let runID = try #require(accepted.first?.runID)
            #expect(try await harness.state(runID) == .success)
        }
    }

    @Test("other commits that are known to merge to the same tree count as the same")
    func sameTree() async throws {
        try await run { harness in
            let other = try await harness.request(presubmit: "lint", 2, sha: "def")
            guard let claimed = try await harness.claim(other) else { return }
            _ = try await harness.finish(claimed, tree: "t1")
            let again = try await harness.request(presubmit: "unit", 2, sha: "def", reuse: .tree)
            #expect(try await harness.state(again) == .success)
        }
    }

    @Test("a failure, another definition, another commit, an old result or no wish for it: it runs")
    func notReused() async throws {
        try await run(.failure) { harness in
            let failed = try await harness.request(presubmit: "unit", 1, reuse: .tree)
            #expect(try await harness.state(failed) == .dispatched)
        }
        try await run { harness in
            let unwished = try await harness.request(presubmit: "unit", 1)
            #expect(try await harness.state(unwished) == .dispatched)
            let otherCommit = try await harness.request(presubmit: "unit", 1, sha: "def", reuse: .tree)
            #expect(try await harness.state(otherCommit) == .dispatched)
            _ = try await harness.bus.database.query(
                "update scheduling.runs set finished_at = now() - interval '2 minutes' where state = 'success'")
            let old = try await harness.request(presubmit: "unit", 1, reuse: .maximumAge(60))
            #expect(try await harness.state(old) == .dispatched)
            try await harness.apply(presubmits: ("unit", "always_run: true, max_concurrency: 7"))
            let redefined = try await harness.request(presubmit: "unit", 1, reuse: .tree)
            #expect(try await harness.state(redefined) == .dispatched)
        }
    }
}
