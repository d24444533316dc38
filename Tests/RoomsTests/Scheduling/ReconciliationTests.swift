import Forge
import ForgeTesting
import JobConfig
import Scheduling
import SlipwayModel
import Testing

@Suite("Open pull requests under another configuration")
struct ReconciliationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var before: String
        var after: String
        var contexts: Set<String> = ["unit"]
        var branch = "main"
        var starts: [String] = []
        var retired: [String] = []
        var moved: [String] = []
    }

    /// The presubmits that stand at each `-` of a line.
    private static func jobs(_ text: String) -> [ConfiguredJob] {
        let jobs = text.split(separator: ";").map { "  - {\($0), \(SchedulingHarness.spec)}\n" }.joined()
        let yaml = "presubmits:\n  harbor/crane:\n" + jobs
        return JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(yaml.utf8))]).jobs
    }

    @Test(arguments: [
        Case(
            testDescription: "nothing changed", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true"),
        Case(
            testDescription: "a required job more", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true;name: lint, always_run: true", starts: ["lint"]),
        Case(
            testDescription: "an optional job more", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true;name: lint, always_run: true, optional: true"),
        Case(
            testDescription: "a job more that is run by hand", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true;name: lint"),
        Case(
            testDescription: "a job more of another branch", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true;name: lint, always_run: true, branches: [old]"),
        Case(
            testDescription: "optional before, required now", before: "name: unit, always_run: true, optional: true",
            after: "name: unit, always_run: true", contexts: [], starts: ["unit"]),
        Case(
            testDescription: "by hand before, automatic now", before: "name: unit",
            after: "name: unit, always_run: true",
            contexts: [], starts: ["unit"]),
        Case(
            testDescription: "other change rules", before: "name: unit, run_if_changed: a",
            after: "name: unit, run_if_changed: b", contexts: [], starts: ["unit"]),
        Case(
            testDescription: "only another image", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true, max_concurrency: 4", contexts: []),
        Case(
            testDescription: "its context stands already", before: "name: unit, always_run: true, optional: true",
            after: "name: unit, always_run: true"),
        Case(
            testDescription: "a job less", before: "name: unit, always_run: true;name: lint, always_run: true",
            after: "name: lint, always_run: true", contexts: ["unit", "lint"], retired: ["unit"]),
        Case(
            testDescription: "a job less that never ran here",
            before: "name: unit, always_run: true;name: lint, always_run: true", after: "name: lint, always_run: true",
            contexts: ["lint"]),
        Case(
            testDescription: "a job less of another branch", before: "name: unit, branches: [old]", after: "name: lint"),
        Case(
            testDescription: "another context", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true, context: ci/unit", moved: ["unit > ci/unit"]),
        Case(
            testDescription: "another name under the same context", before: "name: unit, always_run: true",
            after: "name: tests, always_run: true, context: unit"),
        Case(
            testDescription: "the job leaves the branch", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true, branches: [old]", retired: ["unit"]),
        Case(
            testDescription: "it reports no more", before: "name: unit, always_run: true",
            after: "name: unit, always_run: true, skip_report: true", retired: ["unit"]),
    ])
    func decides(row: Case) {
        let before = Self.jobs(row.before)
        let after = Self.jobs(row.after)
        let same = Set(before.map { CanonicalJSON.digest(of: $0) }).intersection(
            after.map { CanonicalJSON.digest(of: $0) })
        let found = Reconciliation(
            branch: row.branch, ended: before.filter { !same.contains(CanonicalJSON.digest(of: $0)) },
            begun: after.filter { !same.contains(CanonicalJSON.digest(of: $0)) }, current: after,
            contexts: row.contexts)
        let moved = Set(found.moved.map(\.to))
        #expect(
            found.starts.filter { name in
                !after.contains { $0.job.name == name && moved.contains($0.job.context ?? name) }
            } == row.starts)
        #expect(found.retired == row.retired)
        #expect(found.moved.map { "\($0.from) > \($0.to)" } == row.moved)
    }

    @Test("a new required job starts on open trusted pull requests, a removed one blocks no more")
    func open() async throws {
        try await SchedulingHarness.run { harness, forge in
            try await harness.apply(presubmits: ("unit", "always_run: true"), ("old", "always_run: true"))
            let pull = try await forge.openPull()
            try await harness.deliver(pull.changed("opened"))
            #expect(try await harness.runs().count == 2)
            _ = try harness.emitted()
            try await harness.apply(presubmits: ("unit", "always_run: true"), ("lint", "always_run: true"))
            let applied = try harness.emitted().all(ConfigurationApplied.self)
            #expect(applied.count == 1)
            let told = try await harness.deliver(applied)
            let reconcile = try told.all(PullReconcile.self)
            #expect(reconcile.map(\.number) == [pull.number])
            let done = try await harness.deliver(reconcile)
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "old", "lint"])
            let statuses = try done.all(ForgeDesired.self).map(\.value)
            #expect(
                statuses == [
                    .status(
                        sha: pull.head.sha, context: "old", state: "success",
                        description: SchedulingText.contextRetired,
                        targetURL: nil)
                ])
            // The same message again starts nothing twice.
            try await harness.deliver(reconcile)
            #expect(try await harness.runs().count == 3)
        }
    }

    @Test("what is closed, or a stranger's, is left alone")
    func leftAlone() async throws {
        try await SchedulingHarness.run { harness, forge in
            try await harness.apply(presubmits: ("unit", "always_run: true"))
            let pull = try await forge.openPull()
            try await harness.deliver(pull.changed("opened"))
            _ = try await forge.user("maria").updatePull(ForgeFixture.repository, pull.number, state: "closed")
            let reconcile = PullReconcile(
                repository: ForgeFixture.repository, number: pull.number, version: 2, previous: 1)
            try await harness.apply(presubmits: ("unit", "always_run: true"), ("lint", "always_run: true"))
            try await harness.deliver(reconcile)
            #expect(try await harness.runs().map(\.job) == ["unit"])
        }
    }
}
