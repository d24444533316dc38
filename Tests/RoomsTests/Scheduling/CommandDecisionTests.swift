import JobConfig
import Patterns
import PullRequests
import Scheduling
import SlipwayModel
import Testing

/// Prow's table of test commands (trigger plugin, `generic-comment.go` and `pjutil/filter.go`).
@Suite("Which jobs a comment starts")
struct CommandDecisionTests {
    /// Required: `always`, `source` (a change rule), `manual`. Optional: `maybe` (always), `extra` (by hand). `unseen`
    /// reports nothing. `old` belongs to another branch; `go` has a trigger of its own over two words.
    static let jobs: [ConfiguredJob] = {
        let text = """
            presubmits:
              harbor/crane:
              - {name: always, always_run: true, context: ci/always, spec: &spec {containers: [{command: [make]}]}}
              - {name: source, run_if_changed: '\\.c$', spec: *spec}
              - {name: manual, spec: *spec}
              - {name: maybe, always_run: true, optional: true, spec: *spec}
              - {name: extra, optional: true, spec: *spec}
              - {name: unseen, skip_report: true, spec: *spec}
              - {name: old, always_run: true, branches: [^old$], spec: *spec}
              - {name: go, trigger: '(?m)^/test go (tests|all)$', rerun_command: /test go tests, spec: *spec}
              - {name: shouted, trigger: '(?m)^/shout$', rerun_command: /shout, spec: *spec}
            """
        return JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))]).jobs
    }()

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var comment: String
        var branch = "main"
        var files = ["README.md"]
        var contexts: [String: RunState] = [:]
        var runs: [String]
        var unknown: [String] = []
        var helps = false

        init(
            _ comment: String, branch: String = "main", files: [String] = ["README.md"],
            contexts: [String: RunState] = [:], _ runs: [String], unknown: [String] = [], helps: Bool = false
        ) {
            testDescription =
                "\(comment.replacing("\n", with: " + ")) on \(branch), \(files), "
                + contexts.keys.sorted().map { "\($0): \(contexts[$0]?.rawValue ?? "")" }.joined(separator: ", ")
            self.comment = comment
            self.branch = branch
            self.files = files
            self.contexts = contexts
            self.runs = runs
            self.unknown = unknown
            self.helps = helps
        }
    }

    static let failed: [String: RunState] = [
        "ci/always": .failure, "source": .error, "maybe": .failure, "manual": .aborted,
    ]
    static let passed: [String: RunState] = ["ci/always": .success, "maybe": .success, "source": .success]

    @Test(arguments: [
        // By name: forced past change rules, never past the branch.
        Case("/test always", ["always"]), Case("/test source", ["source"]), Case("/test manual", ["manual"]),
        Case("/test extra", ["extra"]), Case("/test unseen", ["unseen"]),
        Case("/test source manual", ["source", "manual"]), Case("/test source\n/test manual", ["source", "manual"]),
        Case("/test old", [], unknown: ["old"], helps: true), Case("/test old", branch: "old", ["old"]),
        Case("/test source,", ["source"]), Case("/test sourc", [], unknown: ["sourc"], helps: true),
        Case("/test sources", [], unknown: ["sources"], helps: true),
        Case("/test source nothing", ["source"], unknown: ["nothing"], helps: true),
        // Triggers of a job's own.
        Case("/shout", ["shouted"]), Case("/test go tests", ["go"]), Case("/test go", [], unknown: ["go"], helps: true),
        // All: the automatic ones.
        Case("/test all", ["always", "maybe"]), Case("/test all", files: ["a.c"], ["always", "source", "maybe"]),
        Case("/test all", files: [], ["always", "maybe"]),
        Case("/test all", branch: "old", ["always", "maybe", "old"]),
        Case("/test all manual", ["always", "manual", "maybe"]),
        // Behind another word it names a job, and there is none.
        Case("/test manual all", ["manual"], unknown: ["all"], helps: true),
        Case("/test all", contexts: passed, ["always", "maybe"]),
        Case("/ok-to-test", ["always", "maybe"]), Case("/ok-to-test cancel", []),
        // Again: what failed, even if its files match no more, and what never ran.
        Case("/retest", contexts: failed, ["always", "source", "manual", "maybe"]),
        Case("/retest", contexts: passed, []), Case("/retest", ["always", "maybe"]),
        Case("/retest", files: ["a.c"], contexts: ["ci/always": .success], ["source", "maybe"]),
        Case("/retest", contexts: ["ci/always": .running, "maybe": .waiting], []),
        Case("/retest", branch: "old", contexts: ["old": .failure, "ci/always": .success, "maybe": .success], ["old"]),
        Case("/retest-required", contexts: failed, ["always", "source", "manual"]),
        Case("/retest-required", ["always"]),
        Case("/retest all of it", contexts: failed, [], helps: true),
        Case("/retest-required source", contexts: failed, [], helps: true),
        Case("/retest manual\n/test manual", ["manual"], helps: true),
        Case("/retest \r", contexts: failed, ["always", "source", "manual", "maybe"]),
        Case("/retest \r\n/other", contexts: failed, ["always", "source", "manual", "maybe"]),
        Case("/test \r\n?", [], helps: true), Case("  /test manual", []),
        Case("```\n/test nothing\n```", []), Case("~~~\n/test\n~~~", []), Case("```\n/retest all\n```", []),
        Case("```\n/test nothing\n```\n/test nowhere", [], unknown: ["nowhere"], helps: true),
        Case("/test nowhere\n```\n/test nothing\n```", [], unknown: ["nowhere"], helps: true),
        Case("not /ok-to-test", []), Case("looks great, thanks!\n/ok-to-test", ["always", "maybe"]),
        Case("/test all", branch: "none", ["always", "maybe"]),
        Case("/retest-required", contexts: ["maybe": .failure, "extra": .failure, "ci/always": .success], []),
        // Required ones that nothing starts.
        Case("/test-manual-required", ["manual", "go", "shouted"]),
        Case("/test-manual-required", branch: "old", ["manual", "go", "shouted"]),
        // Help.
        Case("/test", [], helps: true), Case("/test ?", [], helps: true),
        Case("/test ?\n/test manual", ["manual"], helps: true),
        // United, and nothing of ours.
        Case("/retest\n/test manual", contexts: passed, ["manual"]), Case("/lgtm", []),
        Case("please /test manual", []), Case("```\n/test manual\n```", []),
    ])
    func chooses(row: Case) { Self.check(row, jobs: Self.jobs) }

    static func check(_ row: Case, jobs: [ConfiguredJob]) {
        let text = CommandParser.visibleText(row.comment)
        let issued = CommandIssued(
            repository: RepositoryName(org: "harbor", repo: "crane"), number: 1, actor: "maria",
            actorAssociation: nil, commentID: 1,
            commands: CommandParser.commands(in: text).map { .init(name: $0.name, arguments: $0.arguments) },
            body: text,
            deliveryID: "d")
        let decision = CommandDecision(
            issued, jobs: jobs, branch: row.branch, contexts: row.contexts, changedFiles: { row.files })
        #expect(decision.choices.map(\.job.job.name) == row.runs)
        #expect(decision.unknownTargets == row.unknown)
        #expect(decision.needsHelp == row.helps)
        if !row.runs.isEmpty || row.helps { #expect(CommandDecision.concerns(issued, jobs: jobs)) }
    }

    @Test(
        "files are asked for only where a change rule may decide",
        arguments: [
            ("/test source", "main", false), ("/test all", "main", true), ("/retest", "main", true),
            ("/retest-required", "main", true), ("/test ?", "main", false), ("/test-manual-required", "main", false),
        ])
    func laziness(comment: String, branch: String, needs: Bool) {
        let issued = CommandIssued(
            repository: RepositoryName(org: "harbor", repo: "crane"), number: 1, actor: "maria",
            actorAssociation: nil, commentID: 1,
            commands: CommandParser.commands(in: comment).map { .init(name: $0.name, arguments: $0.arguments) },
            body: comment,
            deliveryID: "d")
        #expect(CommandDecision.needsChangedFiles(issued, jobs: Self.jobs, branch: branch) == needs)
    }

    @Test("the loader takes these jobs")
    func sound() { #expect(Self.jobs.count == 9) }
}

/// Prow: the rows of the trigger plugin's tests about change rules, branches and triggers that overlap.
@Suite("Which jobs a comment starts, by change rules and branches")
struct CommandRuleTests {
    static let jobs: [ConfiguredJob] = {
        let text = """
            presubmits:
              harbor/crane:
              - {name: code, skip_if_only_changed: '\\.md$', context: ci/code, spec: &spec {containers: [{command: [make]}]}}
              - {name: docs, run_if_changed: '\\.md$', optional: true, spec: *spec}
              - {name: same, always_run: true, branches: [^main$], context: ci/same, spec: *spec}
              - {name: same, always_run: true, skip_branches: [^main$], context: ci/same, spec: *spec}
              - {name: e2e, always_run: true, trigger: '(?m)^/(?:test|run) (?:e2e|all)\\s*$', rerun_command: /test e2e, spec: *spec}
              - {name: e2e-big, trigger: '(?m)^/test e2e-big\\s*$', rerun_command: /test e2e-big, spec: *spec}
              - {name: merge, run_before_merge: true, spec: *spec}
            """
        return JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))]).jobs
    }()

    typealias Case = CommandDecisionTests.Case

    @Test(arguments: [
        Case("/test all", files: ["a.md"], ["docs", "same", "e2e"]),
        Case("/test all", files: ["a.c"], ["code", "same", "e2e"]),
        Case("/test all", files: ["a.c", "a.md"], ["code", "docs", "same", "e2e"]),
        Case("/test all", branch: "next", files: ["a.c"], ["code", "same", "e2e"]),
        Case("/test code", files: ["a.md"], ["code"]), Case("/test docs", files: ["a.c"], ["docs"]),
        Case("/test same", ["same"]), Case("/test same", branch: "next", ["same"]),
        Case("/run e2e", ["e2e"]), Case("/run all", ["e2e"]), Case("/test e2e", ["e2e"]),
        Case("/test e2e-big", ["e2e-big"]), Case("/test e2e\n/test e2e-big", ["e2e", "e2e-big"]),
        Case("/test all\n/test e2e-big", files: ["a.c"], ["code", "same", "e2e", "e2e-big"]),
        Case("/retest", files: ["a.md"], contexts: ["ci/code": .failure], ["code", "docs", "same", "e2e"]),
        Case("/retest", files: ["a.md"], contexts: ["docs": .success, "ci/same": .success, "e2e": .error], ["e2e"]),
        Case(
            "/retest", files: ["a.c"], contexts: ["e2e-big": .failure, "ci/same": .aborted, "e2e": .success],
            ["code", "same", "e2e-big"]),
        Case("/retest-required", files: ["a.md"], contexts: ["docs": .failure], ["same", "e2e"]),
        Case("/retest-required\n/test docs", files: ["a.md"], contexts: ["docs": .failure], ["docs", "same", "e2e"]),
        Case(
            "/retest\n/retest-required", files: ["a.md"],
            contexts: ["docs": .failure, "ci/same": .success, "e2e": .success], ["docs"]),
        Case("/test merge", ["merge"]), Case("/test\tdocs", []), Case("/test  docs", ["docs"]),
        Case("/TEST docs", []), Case("/test DOCS", [], unknown: ["DOCS"], helps: true),
    ])
    func chooses(row: Case) { CommandDecisionTests.check(row, jobs: Self.jobs) }
}

@Suite("Which jobs a push starts")
struct PushDecisionTests {
    static let jobs: [ConfiguredJob] = {
        let text = """
            postsubmits:
              harbor/crane:
              - {name: image, spec: &spec {containers: [{command: [make]}]}}
              - {name: docs, run_if_changed: '^docs/', spec: *spec}
              - {name: code, skip_if_only_changed: '^docs/', spec: *spec}
              - {name: release, branches: ['^v\\d+'], spec: *spec}
              - {name: not-old, skip_branches: [old], spec: *spec}
              - {name: never, always_run: false, spec: *spec}
            """
        return JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))]).jobs
    }()

    @Test(arguments: [
        ("main", ["docs/a.md"], ["image", "docs", "not-old"]), ("main", ["a.c"], ["image", "code", "not-old"]),
        ("main", ["a.c", "docs/a.md"], ["image", "docs", "code", "not-old"]), ("main", [], ["image", "not-old"]),
        ("v1.0", ["a.c"], ["image", "code", "release", "not-old"]), ("old", ["a.c"], ["image", "code"]),
        ("very-old-v1", ["docs/x"], ["image", "docs"]),
    ])
    func chooses(ref: String, files: [String], runs: [String]) {
        #expect(PushDecision.choose(from: Self.jobs, ref: ref, changedFiles: files).map(\.job.job.name) == runs)
    }
}
