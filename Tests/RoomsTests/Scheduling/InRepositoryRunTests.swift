import Fleet
import Forge
import ForgeTesting
import Foundation
import JobConfig
import Postgres
import Scheduling
import SlipwayModel
import Testing

/// Runs of jobs that a repository's own `.prow.yaml` or `.prow` folder brings.
@Suite("Jobs of a repository's own files")
struct InRepositoryRunTests {
    private static let enabled = "in_repo_config: {enabled: {harbor: true}}"

    private static func file(_ jobs: String..., kind: String = "presubmits") -> String {
        "\(kind):\n" + jobs.map { "- {name: \($0), \(SchedulingHarness.spec)}\n" }.joined()
    }

    /// A configuration with the presubmit `unit`, and a base branch with the given files.
    private func run(
        _ files: [String: String], prowConfig: String = enabled,
        _ body: @Sendable @escaping (SchedulingHarness, ForgeFixture, _ base: String) async throws -> Void
    ) async throws {
        try await SchedulingHarness.run { harness, forge in
            try await harness.apply(prowConfig: prowConfig, presubmits: (name: "unit", keys: "always_run: true"))
            let base = try await forge.push("main", files)
            try await body(harness, forge, base)
        }
    }

    private func sources(_ harness: SchedulingHarness) async throws -> [String: String] {
        var sources: [String: String] = [:]
        for row in try await harness.bus.database.query("select job, source from scheduling.runs_v1") {
            let (job, source) = try row.decode((String, String?).self)
            sources[job] = source
        }
        return sources
    }

    private func statuses(_ emitted: SchedulingHarness.Emitted) throws -> [String] {
        try emitted.all(ForgeDesired.self).compactMap { wish in
            guard case .status(_, let context, let state, let description, _) = wish.value else { return nil }
            return "\(context) \(state): \(description)"
        }
    }

    @Test("they run beside the central ones, by the base branch, and say where they come from")
    func besideCentral() async throws {
        try await run([".prow.yaml": Self.file("own, always_run: true", "docs, run_if_changed: '\\.md$'")]) {
            harness, forge, base in
            let pull = try await forge.openPull()
            let emitted = try await harness.deliver(pull.changed("opened"))
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "own"])
            #expect(try await sources(harness) == ["unit": "jobs.yaml:3", "own": ".prow.yaml@\(base):2"])
            #expect(try statuses(emitted).isEmpty, "nothing to say where nothing changed")
            try await harness.announce(capacity: 4)
            let own = try #require(try await harness.runs().first { $0.job == "own" })
            let claimed = try #require(try await harness.claim(own.runID))
            #expect(claimed.job.name == "own" && claimed.job.spec != nil, "an agent learns what to do")
        }
    }

    @Test(
        "nothing of them runs where the configuration does not enable it",
        arguments: ["{}", "in_repo_config: {enabled: {harbor/crane: false, harbor: true}}"])
    func disabled(prowConfig: String) async throws {
        try await run([".prow.yaml": Self.file("own, always_run: true")], prowConfig: prowConfig) { harness, forge, _ in
            try await harness.deliver(forge.openPull().changed("opened"))
            #expect(try await harness.runs().map(\.job) == ["unit"])
        }
    }

    @Test("commands mean them too: by name, all, retest, by their own trigger; help lists them")
    func commands() async throws {
        let files = [
            ".prow/a.yaml": Self.file("own, always_run: true", "manual, optional: true"),
            ".prow/deep/b.yaml": Self.file("deploy, trigger: '(?m)^/deploy$', rerun_command: /deploy"),
        ]
        try await run(files) { harness, forge, base in
            let pull = try await forge.openPull()
            func jobs(after command: String) async throws -> [String] {
                let before = Set(try await harness.runs().map(\.runID))
                try await harness.deliver(pull.command(command, by: "noor", delivery: command))
                return try await harness.runs().filter { !before.contains($0.runID) }.map(\.job).sorted()
            }
            #expect(try await jobs(after: "/test manual") == ["manual"])
            #expect(try await jobs(after: "/deploy") == ["deploy"])
            #expect(try await jobs(after: "/test all") == ["own", "unit"])
            #expect(try await sources(harness)["deploy"] == ".prow/deep/b.yaml@\(base):2")
            try await harness.announce(capacity: 8)
            let own = try #require(try await harness.runs().first { $0.job == "own" })
            _ = try await harness.finish(try #require(try await harness.claim(own.runID)), .failure)
            #expect(try await jobs(after: "/retest") == ["own"])
            let wishes = try await harness.deliver(pull.command("/test ?", by: "noor", delivery: "help")).all(
                ForgeDesired.self)
            guard case .comment(_, _, let body?)? = wishes.first?.value else {
                Issue.record("no help: \(wishes)")
                return
            }
            for command in ["/test unit", "/test own", "/test manual", "/deploy"] {
                #expect(body.contains("`\(command)`"))
            }
        }
    }

    @Test("other files on the base start what they add on open pull requests, and retire what they drop")
    func otherBase() async throws {
        try await run([".prow.yaml": Self.file("own, always_run: true", "old, always_run: true")]) {
            harness, forge, base in
            let pull = try await forge.openPull()
            try await harness.deliver(pull.changed("opened"))
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "own", "old"])
            _ = try harness.emitted()
            func push(_ before: String, _ after: String) -> RefPushed {
                RefPushed(
                    repository: ForgeFixture.repository, ref: "main", isTag: false, before: before, after: after,
                    changedFiles: [], sender: "maria", deliveryID: "push-\(after)")
            }
            let changed = try await forge.push(
                "main", [".prow.yaml": Self.file("own, always_run: true", "lint, always_run: true")])
            let reconcile = try await harness.deliver(push(base, changed)).all(PullReconcile.self)
            #expect(reconcile.map(\.number) == [pull.number])
            let done = try await harness.deliver(reconcile)
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "own", "old", "lint"])
            #expect(try statuses(done) == ["old success: \(SchedulingText.contextRetired)"])
            try await harness.deliver(reconcile)
            #expect(try await harness.runs().count == 4, "the same message again starts nothing twice")
            // A push that leaves the jobs alone is nobody's business.
            let other = try await forge.push("main", ["words.txt": "x\n"])
            #expect(try await harness.deliver(push(changed, other)).all(PullReconcile.self).isEmpty)
            // Nor is a new branch.
            let zeros = String(repeating: "0", count: 40)
            #expect(try await harness.deliver(push(zeros, other)).all(PullReconcile.self).isEmpty)
        }
    }

    @Test("a command that is nobody's is left alone")
    func othersCommand() async throws {
        try await run([".prow.yaml": Self.file("own")]) { harness, forge, _ in
            let pull = try await forge.strangersPull()
            let emitted = try await harness.deliver(pull.command("/lgtm", by: "stranger", delivery: "c"))
            #expect(try emitted.all(ForgeDesired.self).isEmpty)
        }
    }

    @Test("a member's change of the files is tested as it is merged, and says so")
    func membersChange() async throws {
        try await run([".prow.yaml": Self.file("own, always_run: true")]) { harness, forge, base in
            let head = try await forge.push("feature", [".prow.yaml": Self.file("renamed, always_run: true")])
            let pull = try await forge.user("noor").openPull(
                ForgeFixture.repository, title: "Rename", head: "feature", base: "main")
            let emitted = try await harness.deliver(pull.changed("opened"))
            #expect(try await sources(harness) == ["unit": "jobs.yaml:3", "renamed": ".prow.yaml@\(base)+\(head):2"])
            #expect(
                try statuses(emitted) == [
                    "slipway/configuration success: \(SchedulingText.configurationChanged(isInForce: true))"
                ])
        }
    }

    @Test("a stranger's change of the files counts only once it is merged, ok-to-test or not")
    func strangersChange() async throws {
        try await run([".prow.yaml": Self.file("own, always_run: true")]) { harness, forge, base in
            let opened = try await forge.strangersPull(
                files: [".prow.yaml": Self.file("evil, always_run: true", "own, always_run: true")])
            try await harness.deliver(opened.changed("opened"))
            #expect(try await harness.runs().isEmpty)
            try await forge.bot.addLabels(ForgeFixture.repository, opened.number, ["ok-to-test"])
            let pull = try await forge.bot.pull(ForgeFixture.repository, opened.number)
            var event = pull.changed("labeled")
            event.label = "ok-to-test"
            let emitted = try await harness.deliver(event)
            #expect(try await sources(harness) == ["unit": "jobs.yaml:3", "own": ".prow.yaml@\(base):2"])
            #expect(
                try statuses(emitted) == [
                    "slipway/configuration success: \(SchedulingText.configurationChanged(isInForce: false))"
                ])
            try await harness.deliver(pull.command("/test evil", by: "stranger", delivery: "c"))
            #expect(try await harness.runs().count == 2)
        }
    }

    @Test("errors are a failing status on the head; the central jobs run; the status turns once they are mended")
    func errors() async throws {
        let broken = "presubmits:\n- {name: own, cluster: elsewhere, \(SchedulingHarness.spec)}\n- {name: a}\n"
        try await run([".prow.yaml": broken]) { harness, forge, _ in
            let pull = try await forge.openPull()
            let emitted = try statuses(try await harness.deliver(pull.changed("opened")))
            #expect(emitted.count == 1)
            #expect(
                emitted.first?.hasPrefix(
                    "slipway/configuration failure: .prow.yaml:2: job own: harbor/crane may not use the cluster")
                    == true, "\(emitted)")
            #expect(emitted.first?.hasSuffix("… (and 1 more)") == true)
            #expect(try await harness.runs().map(\.job) == ["unit"])

            try await forge.git("checkout", "--quiet", "main")
            _ = try await forge.push("main", [".prow.yaml": Self.file("own, always_run: true")])
            let again = try await harness.deliver(pull.command("/test own", by: "noor", delivery: "c1"))
            #expect(
                try statuses(again) == ["slipway/configuration success: \(SchedulingText.configurationMended)"])
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "own"])
            let later = try await harness.deliver(pull.command("/test own", by: "noor", delivery: "c2"))
            #expect(try statuses(later).isEmpty, "said once")
        }
    }

    @Test("a name of the configuration itself is refused")
    func clash() async throws {
        try await run([".prow.yaml": Self.file("unit")]) { harness, forge, _ in
            let emitted = try statuses(try await harness.deliver(forge.openPull().changed("opened")))
            #expect(emitted.first?.contains("another presubmit of this name stands at jobs.yaml:3") == true)
            #expect(try await harness.runs().map(\.job) == ["unit"])
        }
    }

    @Test("postsubmits are those of the pushed commit; its errors stand there")
    func postsubmits() async throws {
        try await run(["other.txt": "x\n"]) { harness, forge, _ in
            let pushed = try await forge.push("main", [".prow.yaml": Self.file("pack", kind: "postsubmits")])
            try await harness.deliver(RefPushed.of(pushed))
            #expect(try await sources(harness) == ["pack": ".prow.yaml@\(pushed):2"])
            let broken = try await forge.push("main", [".prow.yaml": "postsubmits: {}\n"])
            let emitted = try statuses(try await harness.deliver(RefPushed.of(broken)))
            #expect(emitted.first?.hasPrefix("slipway/configuration failure: .prow.yaml:1:") == true, "\(emitted)")
        }
    }

    @Test("requests by name find them: those of the base, and for the merger those of what it merges to")
    func requests() async throws {
        try await run([".prow.yaml": Self.file("own")]) { harness, forge, base in
            let head = try await forge.push("feature", [".prow.yaml": Self.file("own", "added")])
            let refs = Refs(
                repository: ForgeFixture.repository, baseRef: "main", baseSHA: base,
                pulls: [Pull(number: 1, author: "noor", sha: head)])
            func request(_ job: String, _ origin: RunOrigin, _ kind: JobKind = .presubmit) async throws -> Bool {
                let emitted = try await harness.deliver(
                    RunRequested(origin: origin, kind: kind, job: job, refs: refs))
                return try !emitted.all(RunAccepted.self).isEmpty
            }
            #expect(try await request("own", .rehearsal))
            #expect(try await !request("added", .rehearsal))
            #expect(try await request("added", .merging))
            #expect(try await request("added", .merging, .batch))
            #expect(try await !request("none", .merging))
        }
    }

    @Test("what a branch's files give is listed with the other jobs, bound to the branch, as it is now")
    func listed() async throws {
        try await run(["other.txt": "x\n"]) { harness, forge, base in
            func listed() async throws -> [String] {
                try await harness.bus.database.query(
                    "select definition from scheduling.current_jobs_v1 where repo = 'crane' order by name"
                ).map { row in
                    let job = try row.decode(JSON<ConfiguredJob>.self).value
                    return ([job.job.name] + job.branches.branches).joined(separator: " ")
                }
            }
            let first = try await forge.push("main", [".prow.yaml": Self.file("own", "next, branches: [next]")])
            try await harness.deliver(RefPushed.of(first, after: base))
            #expect(try await listed() == ["own ^main$", "unit"])
            let second = try await forge.push("main", [".prow.yaml": Self.file("owner")])
            // A push that does not follow on what is known waits for one that does, or for a pull request.
            try await harness.deliver(RefPushed.of(second, after: base))
            #expect(try await listed() == ["own ^main$", "unit"])
            try await harness.deliver(forge.openPull().changed("opened"))
            #expect(try await listed() == ["owner ^main$", "unit"])
            try await forge.git("checkout", "--quiet", "main")
            let broken = try await forge.push("main", [".prow.yaml": "presubmits: {}\n"])
            try await harness.deliver(RefPushed.of(broken, after: second))
            #expect(try await listed() == ["unit"])
            let problems = try await harness.bus.database.query(
                "select problems from scheduling.repository_branches_v1"
            ).one().decode([String].self)
            #expect(problems.first?.hasPrefix(".prow.yaml:1: ") == true)
        }
    }

    @Test("a rerun is what the run was, also once the files say something else")
    func rerun() async throws {
        try await run([".prow.yaml": Self.file("own, always_run: true")]) { harness, forge, base in
            try await harness.deliver(forge.openPull().changed("opened"))
            let own = try #require(try await harness.runs().first { $0.job == "own" })
            try await forge.git("checkout", "--quiet", "main")
            _ = try await forge.push("main", [".prow.yaml": "{}\n"])
            let again = try #require(try await harness.room.runs.rerun(own.runID).run)
            #expect(try await harness.run(again).job == "own")
            #expect(try await sources(harness)["own"] == ".prow.yaml@\(base):2")
        }
    }

    @Test("another configuration reads the files again")
    func anotherVersion() async throws {
        try await run([".prow.yaml": Self.file("own, cluster: lab, always_run: true")]) { harness, forge, _ in
            let pull = try await forge.openPull()
            try await harness.deliver(pull.changed("opened"))
            #expect(try await harness.runs().map(\.job) == ["unit"])
            try await harness.apply(
                prowConfig: "in_repo_config: {enabled: {harbor: true}, allowed_clusters: {harbor/crane: [lab]}}",
                presubmits: (name: "unit", keys: "always_run: true"))
            try await harness.deliver(pull.command("/test own", by: "noor", delivery: "c1"))
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "own"])
        }
    }
}

extension RefPushed {
    /// A push of a commit to `main`.
    fileprivate static func of(_ commit: String, after before: String = String(repeating: "0", count: 40)) -> RefPushed
    {
        RefPushed(
            repository: ForgeFixture.repository, ref: "main", isTag: false, before: before, after: commit,
            changedFiles: ["a"], sender: "maria",
            deliveryID: commit)
    }
}
