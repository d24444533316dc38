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

    @Test(
        "Asked for by a command: everything but the branch gives way",
        arguments: [
            (manual, "main", true), (source, "main", true), (documents, "main", true), (release, "main", true),
            (release, "develop", false),
        ])
    func forced(rules: Rules, branch: String, runs: Bool) throws {
        #expect(try rules.job().decision(branch: branch, changedFiles: { [] }, forced: true).runs == runs)
    }

    @Test(
        "Asked for again although no rule would run it",
        arguments: [
            (manual, "main", true), (source, "main", true), (documents, "main", true), (release, "develop", false),
        ])
    func fallback(rules: Rules, branch: String, runs: Bool) throws {
        #expect(try rules.job().decision(branch: branch, changedFiles: { [] }, runsByDefault: true).runs == runs)
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
