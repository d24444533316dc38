import FoundationEssentials
import JobConfig
import Patterns
import SlipwayModel
import Testing

@Suite struct DecisionTests {
    /// A presubmit's rules, as configuration would give them.
    struct Rules: Sendable, CustomTestStringConvertible {
        var alwaysRun = false
        var runIfChanged: String?
        var skipIfOnlyChanged: String?
        var branches: [String] = []
        var skipBranches: [String] = []

        var testDescription: String {
            "always_run \(alwaysRun), run \(runIfChanged ?? "-"), skip \(skipIfOnlyChanged ?? "-"), \(branches), \(skipBranches)"
        }

        func job() throws -> ConfiguredJob {
            ConfiguredJob(
                job: ResolvedJob(
                    name: "unit", kind: .presubmit, repository: RepositoryName(org: "lantern", repo: "engine")),
                alwaysRun: alwaysRun, runIfChanged: try runIfChanged.map { try Pattern($0) },
                skipIfOnlyChanged: try skipIfOnlyChanged.map { try Pattern($0) },
                branches: try Brancher(branches: branches, skipBranches: skipBranches))
        }
    }

    static let always = Rules(alwaysRun: true)
    static let manual = Rules()
    static let source = Rules(runIfChanged: #"\.(c|h)$"#)
    static let documents = Rules(skipIfOnlyChanged: #"^docs/|\.md$"#)
    static let release = Rules(alwaysRun: true, branches: ["release-1.3", "^main$"])

    @Test(
        "By itself",
        arguments: [
            (always, "main", ["README.md"], true, "always_run"),
            (always, "main", [], true, "always_run"),
            (manual, "main", ["engine.c"], false, "runs only when asked for"),
            (source, "main", ["README.md", "src/engine.c"], true, "'src/engine.c' matches run_if_changed"),
            (source, "main", ["README.md"], false, "no changed file matches run_if_changed"),
            (source, "main", [], false, "no file changed"),
            (documents, "main", ["docs/a.txt", "b.md"], false, "every changed file matches skip_if_only_changed"),
            (documents, "main", ["docs/a.txt", "engine.c"], true, "'engine.c' does not match skip_if_only_changed"),
            (documents, "main", [], false, "no file changed"),
            (release, "release-1.30", ["x"], true, "always_run"),
            (release, "main", ["x"], true, "always_run"),
            (release, "mainline", ["x"], false, "is not among branches"),
            (
                Rules(alwaysRun: true, branches: ["main"], skipBranches: ["main"]), "main", ["x"], false,
                "among skip_branches"
            ),
            (Rules(alwaysRun: true, skipBranches: ["^release-"]), "main", ["x"], true, "always_run"),
        ])
    func automatic(rules: Rules, branch: String, files: [String], runs: Bool, reason: String) throws {
        let decision = try rules.job().decision(branch: branch, changedFiles: { files })
        #expect(decision.runs == runs)
        #expect(decision.reason.contains(reason), "\(decision.reason)")
    }

    /// Who asks: nobody, a command that names the job, a retest of a failed context.
    enum Asked: Sendable { case itself, byName, again }

    @Test(
        "Asked for: everything but the branch gives way",
        arguments: [
            (manual, "main", ["README.md"], Asked.byName, true, "a command asked for it"),
            (source, "main", ["README.md"], .byName, true, "a command asked for it"),
            (source, "main", ["engine.c"], .byName, true, "a command asked for it"),
            (source, "main", [], .byName, true, "a command asked for it"),
            (documents, "main", ["README.md"], .byName, true, "a command asked for it"),
            (documents, "main", [], .byName, true, "a command asked for it"),
            (always, "main", [], .byName, true, "always_run"),
            (release, "main", ["x"], .byName, true, "always_run"),
            (release, "develop", ["x"], .byName, false, "is not among branches"),
            (Rules(skipBranches: ["^main$"]), "main", ["x"], .byName, false, "is among skip_branches"),
            (manual, "main", ["x"], .again, true, "asked for again; by itself: runs only when asked for"),
            (source, "main", ["README.md"], .again, true, "asked for again; by itself: no changed file matches"),
            (source, "main", ["engine.c"], .again, true, "'engine.c' matches run_if_changed"),
            (source, "main", [], .again, true, "asked for again; by itself: no file changed"),
            (documents, "main", ["b.md"], .again, true, "asked for again; by itself: every changed file matches"),
            (always, "main", [], .again, true, "always_run"),
            (release, "develop", ["x"], .again, false, "is not among branches"),
            (manual, "main", ["x"], .itself, false, "runs only when asked for"),
        ])
    func asked(rules: Rules, branch: String, files: [String], by: Asked, runs: Bool, reason: String) throws {
        let decision = try rules.job().decision(
            branch: branch, changedFiles: { files }, forced: by == .byName, runsByDefault: by == .again)
        #expect(decision.runs == runs)
        #expect(decision.reason.contains(reason), "\(decision.reason)")
    }

    @Test(
        "Expressions are Go's and unanchored",
        arguments: [
            ("docs", "a/docs/b", true), ("^docs", "a/docs/b", false), (#"\.go$"#, "a.go.mod", false),
            (#"\.go$"#, "x/a.go", true), ("(?i)readme", "README.md", true), ("^$", "a", false), ("", "anything", true),
            (#"^(?:a|b)/[^/]+$"#, "b/c", true), (#"^(?:a|b)/[^/]+$"#, "b/c/d", false), ("a.b", "axb", true),
        ])
    func expressions(rule: String, file: String, runs: Bool) throws {
        #expect(try Rules(runIfChanged: rule).job().decision(branch: "main", changedFiles: { [file] }).runs == runs)
    }

    @Test(
        "Branches are expressions too",
        arguments: [
            (["release-1.3"], "release-1.3", true), (["release-1.3"], "release-1.30", true),
            (["release-1.3"], "release-1x3", true), (["release-1.3"], "release-1.4", false), (["^main$"], "main", true),
            (["^main$"], "^main$", false), (["a+b"], "a+b", false), (["a+b"], "aab", true),
            (["x", "main"], "main", true),
            (["^x|y$"], "xz", true),
        ])
    func branches(entries: [String], branch: String, runs: Bool) throws {
        #expect(
            try Rules(alwaysRun: true, branches: entries).job().decision(branch: branch, changedFiles: { [] }).runs
                == runs)
    }

    @Test(
        "Changed files are asked for only where they decide",
        arguments: [
            (always, "main", false, false), (manual, "main", false, false), (source, "main", false, true),
            (documents, "main", false, true), (source, "main", true, false),
            (Rules(runIfChanged: "x", branches: ["other"]), "main", false, false),
        ])
    func laziness(rules: Rules, branch: String, forced: Bool, asks: Bool) throws {
        let job = try rules.job()
        var asked = false
        _ = job.decision(
            branch: branch,
            changedFiles: {
                asked = true
                return ["x"]
            }, forced: forced)
        #expect(asked == asks)
        #expect(job.needsChangedFiles(branch: branch, forced: forced) == asks)
    }

    @Test(
        "Whether two lists of branches meet",
        arguments: [
            ([], [], [], [], true), (["main"], [], [], [], true), (["main"], [], ["main", "x"], [], true),
            (["main"], [], ["release"], [], false), (["main"], [], [], ["main"], false),
            (["main", "x"], [], [], ["main"], true), ([], ["main"], [], ["main"], true),
            ([], ["main"], ["main"], [], false), (["release-1.30"], [], [], ["release-1.3"], false),
        ] as [([String], [String], [String], [String], Bool)])
    func intersection(a: [String], aSkip: [String], b: [String], bSkip: [String], expected: Bool) throws {
        let left = try Brancher(branches: a, skipBranches: aSkip)
        let right = try Brancher(branches: b, skipBranches: bSkip)
        #expect(left.intersects(right) == expected)
        #expect(right.intersects(left) == expected)
    }
}
