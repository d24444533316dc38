import Fleet
import Foundation
import JobConfig
import Postgres
import Scheduling
import SlipwayModel
import Testing

@Suite("Requests, duplicates and aborts")
struct RequestTests {
    @Test("a request that comes twice, in one batch or later, makes one run")
    func idempotent() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            let request = RunRequested(origin: .periodic, kind: .periodic, job: "sweep")
            let accepted = try await harness.deliver(request, request).all(RunAccepted.self)
            #expect(accepted.map(\.requestID) == [request.requestID])
            #expect(try await harness.deliver(request).messages.isEmpty)
            #expect(try await harness.runs().count == 1)
            let books = try await harness.room.runs.ledger(since: Date(timeIntervalSinceNow: -60))
            #expect(books.accepted == 1 && books.doubled == 0 && books.lost == 0)
        }
    }

    @Test("where a run's artifacts lie is decided once, and told to its agent, its pages and its listeners")
    func artifactFolder() async throws {
        try await SchedulingHarness.run { harness in
            let strategy = "{path_strategy: legacy, default_org: harbor, default_repo: crane}"
            try await harness.apply(presubmits: ("unit", "decorate: true"))
            let explicit = try await harness.request(presubmit: "unit", 6)
            try await harness.apply(
                presubmits: ("unit", "decorate: true, decoration_config: {gcs_configuration: \(strategy)}"))
            let legacy = try await harness.request(presubmit: "unit", 7)
            try await harness.announce(capacity: 2)
            // The older run keeps its place under the new configuration.
            for (id, folder) in [
                (explicit, "pr-logs/pull/harbor_crane/6/unit"), (legacy, "pr-logs/pull/7/unit"),
            ] {
                let claimed = try #require(try await harness.claim(id))
                #expect(claimed.artifactFolder == folder)
                let path = try await harness.bus.database.query(
                    "select artifact_path from scheduling.runs_v1 where run_id = \(id.uuid)"
                ).one().decode(String.self)
                #expect(path == "\(folder)/\(claimed.buildID)")
                #expect(try await harness.finish(claimed))
                let finished = try harness.emitted().all(RunFinished.self)
                #expect(finished.map(\.artifactFolder) == [folder])
            }
        }
    }

    @Test("a push delivered twice under one id makes one run per job")
    func push() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(
                ("jobs.yaml", "postsubmits:\n  harbor/crane:\n  - {name: image, \(SchedulingHarness.spec)}\n"))
            let push = RefPushed(
                repository: SchedulingHarness.repository, ref: "main", isTag: false, before: "a", after: "b",
                changedFiles: ["x"], sender: "maria", deliveryID: "delivery-1")
            let accepted = try await harness.deliver(push).all(RunAccepted.self)
            #expect(accepted.count == 1)
            #expect(try await harness.deliver(push).all(RunAccepted.self).isEmpty)
            try await harness.announce()
            let run = try #require(try await harness.runs().first)
            let refs = try #require(try await harness.claim(run.runID)?.refs)
            #expect(refs.baseSHA == "b" && refs.repoLink == "http://127.0.0.1:1/harbor/crane")
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var request: RunRequested
        var words: String
    }

    private static let pull = Refs(
        repository: SchedulingHarness.repository, baseRef: "main", baseSHA: "b",
        pulls: [Pull(number: 1, author: "noor", sha: "c")])

    @Test(
        "what cannot run is refused with a sentence, and stays refused",
        arguments: [
            Refusal(
                testDescription: "no such job",
                request: RunRequested(origin: .periodic, kind: .periodic, job: "nothing"),
                words: "no periodic 'nothing'"),
            Refusal(
                testDescription: "no job of this branch",
                request: RunRequested(
                    origin: .merging, kind: .presubmit, job: "unit",
                    refs: Refs(
                        repository: SchedulingHarness.repository, baseRef: "old", baseSHA: "b", pulls: Self.pull.pulls)),
                words: "no presubmit 'unit' of harbor/crane, branch old"),
            Refusal(
                testDescription: "no refs",
                request: RunRequested(origin: .merging, kind: .presubmit, job: "unit"), words: "needs refs"),
            Refusal(
                testDescription: "no pull requests",
                request: RunRequested(
                    origin: .merging, kind: .batch, job: "unit",
                    refs: Refs(repository: SchedulingHarness.repository, baseRef: "main", baseSHA: "b")),
                words: "needs refs"),
            Refusal(
                testDescription: "past its deadline",
                request: RunRequested(
                    origin: .merging, kind: .presubmit, job: "unit", refs: Self.pull,
                    deadline: Date(timeIntervalSinceNow: -1)),
                words: "after its own deadline"),
        ])
    func refused(row: Refusal) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(presubmits: ("unit", "branches: [main]"))
            let refused = try await harness.deliver(row.request).all(RunRefused.self)
            #expect(refused.map(\.requestID) == [row.request.requestID])
            #expect(refused.first?.reason.contains(row.words) == true, "\(refused)")
            #expect(try await harness.deliver(row.request).messages.isEmpty)
            #expect(try await harness.runs().isEmpty)
        }
    }

    @Test(
        "a newer run of the same job and pull request replaces older ones of its origin",
        arguments: [
            (RunOrigin.trigger, RunOrigin.trigger, true), (.trigger, .command, true), (.command, .rerun, true),
            (.rerun, .trigger, true), (.merging, .merging, true), (.trigger, .merging, false),
            (.merging, .trigger, false), (.rehearsal, .command, false), (.rehearsal, .rehearsal, true),
            (.merging, .rehearsal, false),
        ])
    func duplicates(older: RunOrigin, newer: RunOrigin, replaces: Bool) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(presubmits: ("unit", "always_run: true"), ("lint", "always_run: true"))
            let first = try await harness.request(presubmit: "unit", 1, origin: older)
            let otherJob = try await harness.request(presubmit: "lint", 1, origin: older)
            let otherPull = try await harness.request(presubmit: "unit", 2, origin: older)
            // The commits do not count.
            let second = try await harness.request(presubmit: "unit", 1, sha: "def", origin: newer)
            #expect(try await harness.state(first) == (replaces ? .aborted : .waiting))
            if replaces {
                #expect(try await harness.run(first).description == SchedulingText.superseded(by: second))
            }
            for kept in [otherJob, otherPull, second] { #expect(try await harness.state(kept) == .waiting) }
        }
    }

    @Test("batches replace nothing")
    func batches() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(presubmits: ("unit", "always_run: true"))
            let refs = Refs(
                repository: SchedulingHarness.repository, baseRef: "main", baseSHA: "b",
                pulls: [1, 2].map { Pull(number: $0, author: "noor", sha: "c\($0)") })
            for _ in 1...2 {
                try await harness.deliver(
                    RunRequested(origin: .merging, kind: .batch, job: "unit", refs: refs))
            }
            #expect(try await harness.count(.waiting) == 2)
        }
    }

    @Test("an abort by message: a waiting run ends, a running one is told, an ended one is left alone")
    func cancel() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("jobs.yaml", SchedulingHarness.periodic("sweep")))
            let waiting = try await harness.request()
            let ended = try await harness.deliver(RunCancel(runID: waiting, by: "maria", reason: "enough"))
            #expect(try ended.all(RunFinished.self).map(\.state) == [.aborted])
            #expect(try await harness.run(waiting).description == "enough")
            try await harness.announce()
            let running = try await harness.started()
            let told = try await harness.deliver(
                RunCancel(runID: running.runID, by: "maria", reason: "enough"),
                RunCancel(runID: waiting, by: "noor", reason: "again"))
            #expect(try told.all(RunCancelled.self).map(\.runID) == [running.runID])
            #expect(try told.all(RunFinished.self).isEmpty)
            #expect(try await harness.run(waiting).description == "enough")
        }
    }

    @Test("a rerun tests the same commits by the job's current definition")
    func rerun() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(presubmits: ("unit", "always_run: true"))
            try await harness.announce(cluster: "lab", capacity: 4)
            let first = try await harness.request(presubmit: "unit", 1)
            try await harness.apply(presubmits: ("unit", "always_run: true, cluster: lab"))
            let again = try #require(try await harness.room.runs.rerun(first).run)
            let run = try await harness.run(again)
            #expect(run.cluster == "lab" && run.pulls == [1])
            #expect(try await harness.claim(again)?.refs?.pulls?.first?.sha == "abc")
            // A job that is configured no more runs as it ran.
            try await harness.apply(presubmits: ("other", "always_run: true"))
            let third = try #require(try await harness.room.runs.rerun(first).run)
            #expect(try await harness.run(third).cluster == "default")
            #expect(try await harness.room.runs.rerun(RunID()) == .noSuchRun)
        }
    }
}

extension RunOperations.RerunOutcome {
    /// The run that was started.
    var run: RunID? {
        guard case .started(let run) = self else { return nil }
        return run
    }
}
