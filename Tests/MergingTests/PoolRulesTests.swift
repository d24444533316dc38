import Forge
import JobConfig
import Merging
import SlipwayModel
import Testing

/// What a pull request meets and lacks, and Tide's words for it.
@Suite struct PoolRulesTests {
    static let repository = RepositoryName(org: "harbor", repo: "crane")

    static func rules(
        _ tide: String, branch: String = "main", allowed: Set<MergeMethod> = Set(MergeMethod.allCases),
        blockers: [MergeBlocker] = []
    ) throws -> PoolRules {
        let loaded = JobConfiguration.prowSettings(
            SourceFile(path: "config.yaml", bytes: Array("tide:\n  \(tide)\n".utf8)))
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let jobs = JobConfiguration.load(files: [
            SourceFile(
                path: "jobs.yaml",
                bytes: Array(
                    """
                    presubmits:
                      harbor/crane:
                      - {name: unit, always_run: true, \(MergingHarness.spec)}
                      - {name: lint, run_if_changed: a, \(MergingHarness.spec)}
                      - {name: maybe, always_run: true, optional: true, \(MergingHarness.spec)}
                    """.utf8))
        ]).jobs
        return PoolRules(
            repository: repository, branch: branch, tide: try #require(loaded.settings.version.tide),
            presubmits: jobs, allowedMethods: allowed, blockers: blockers)
    }

    static func pull(
        _ labels: Set<String> = [], author: String = "noor", isDraft: Bool = false, mergeable: Bool? = nil,
        milestone: String? = nil, decision: String? = nil
    ) -> MergeCandidate {
        MergeCandidate(
            repository: repository, number: 7, title: "Lift", author: author, headRef: "lift", headSHA: "abc",
            baseRef: "main", isDraft: isDraft, mergeable: mergeable, labels: labels, milestone: milestone,
            reviewDecision: decision)
    }

    static let green: [String: ContextState] = ["unit": .success]
    static let query = "queries: [{orgs: [harbor], labels: [lgtm, 'a,b'], missingLabels: [hold, wip]}]"

    struct Case: Sendable, CustomTestStringConvertible {
        var tide = query
        var pull = PoolRulesTests.pull(["lgtm", "a"])
        var contexts = green
        var state = "pending"
        var text: String
        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(state: "success", text: "In merge pool."),
        Case(pull: pull(["lgtm", "b"]), state: "success", text: "In merge pool."),
        Case(pull: pull(["a"]), text: "Not mergeable. Needs lgtm label."),
        Case(pull: pull(), text: "Not mergeable. Needs a or b, lgtm labels."),
        Case(pull: pull(["lgtm", "a", "hold"]), text: "Not mergeable. Should not have hold label."),
        Case(pull: pull(["lgtm", "a", "hold", "wip"]), text: "Not mergeable. Should not have hold, wip labels."),
        // Labels are told before contexts.
        Case(pull: pull(["a"]), contexts: [:], text: "Not mergeable. Needs lgtm label."),
        Case(contexts: [:], text: "Not mergeable. Job unit has not succeeded."),
        Case(contexts: ["unit": .pending], text: "Not mergeable. Job unit has not succeeded."),
        Case(
            contexts: ["unit": .failure, "lint": .error], text: "Not mergeable. Jobs lint, unit have not succeeded."),
        // An optional job may fail; what nobody knows may not; the merger's own status does not count.
        Case(contexts: ["unit": .success, "maybe": .failure], state: "success", text: "In merge pool."),
        Case(contexts: ["unit": .success, "other": .failure], text: "Not mergeable. Job other has not succeeded."),
        Case(contexts: ["unit": .success, "tide": .pending], state: "success", text: "In merge pool."),
        Case(
            tide: "context_options: {skip-unknown-contexts: true}\n  " + query,
            contexts: ["unit": .success, "other": .failure], state: "success", text: "In merge pool."),
        Case(
            tide: "context_options: {required-contexts: [cla]}\n  " + query,
            text: "Not mergeable. Job cla has not succeeded."),
        // What the forge refuses goes before everything.
        Case(
            pull: pull(["lgtm", "a"], mergeable: false), state: "error",
            text: "Not mergeable. PR has a merge conflict."),
        Case(pull: pull(["lgtm", "a"], isDraft: true), state: "error", text: "Not mergeable. PR is a draft."),
        Case(
            tide: "squash_label: s\n  merge_label: m\n  " + query, pull: pull(["lgtm", "a", "s", "m"]), state: "error",
            text: "Not mergeable. PR has conflicting merge method override labels"),
        // Queries are alternatives, and the nearest is told.
        Case(
            tide: "queries: [{orgs: [harbor], labels: [x, y, z]}, {orgs: [harbor], labels: [x]}]",
            text: "Not mergeable. Needs x label."),
        Case(
            tide: "queries: [{orgs: [harbor], labels: [x]}, {orgs: [harbor], author: NOOR}]", state: "success",
            text: "In merge pool."),
        Case(
            tide: "queries: [{orgs: [harbor], author: maria}]", text: "Not mergeable. Must be by author maria."),
        Case(
            tide: "queries: [{orgs: [harbor], milestone: v2}]", text: "Not mergeable. Must be in milestone v2."),
        Case(
            tide: "queries: [{orgs: [harbor], includedBranches: [stable]}]",
            text: "Not mergeable. Merging to branch main is forbidden."),
        Case(
            tide: "queries: [{orgs: [harbor], excludedBranches: [main], labels: [x]}]",
            text: "Not mergeable. Merging to branch main is forbidden."),
        Case(
            tide: "queries: [{orgs: [harbor], reviewApprovedRequired: true}]",
            text: "Not mergeable. PullRequest is missing sufficient approving GitHub review(s)"),
        Case(
            tide: "queries: [{orgs: [harbor], reviewApprovedRequired: true}]", pull: pull(decision: "APPROVED"),
            state: "success", text: "In merge pool."),
        Case(
            tide: "display_all_tide_queries_in_status: true\n  "
                + "queries: [{orgs: [harbor], labels: [x]}, {orgs: [harbor], labels: [y]}]",
            text: "Not mergeable. Needs x label OR Needs y label."),
        Case(
            tide:
                "queries: [{orgs: [harbor], labels: [\((1...9).map { "a-long-label-number-\($0)" }.joined(separator: ", "))]}]",
            text: "Not mergeable. Needs a-long-label-number-1, a-long-label-number-2 labels."),
        // What is too long is cut where the forge would refuse it, which counts code points.
        Case(
            tide: "queries: [{orgs: [harbor], labels: [\(String(repeating: "👩‍🚢", count: 60))]}]",
            text: "Not mergeable. Needs \(String(repeating: "👩‍🚢", count: 38))👩‍..."),
    ])
    func status(_ the: Case) throws {
        let standing = try Self.rules(the.tide).standing(of: the.pull, contexts: the.contexts)
        #expect(standing.description == the.text)
        #expect(standing.state == the.state)
        #expect(standing.isEligible == (the.state == "success"))
        #expect(standing.description.unicodeScalars.count <= 140)
    }

    @Test func everyObstacleIsTold() throws {
        let standing = try Self.rules(Self.query).standing(
            of: Self.pull(["hold"], mergeable: false), contexts: ["unit": .failure])
        #expect(
            standing.obstacles.map(\.rule) == [
                "It conflicts with 'main'.", "It needs the label a or b.", "It needs the label lgtm.",
                "It must not have the label hold.", "unit failed.",
            ])
        #expect(standing.obstacles.allSatisfy { $0.remedy != nil })
        #expect(standing.obstacles.last?.remedy?.contains("`/test unit`") == true)
    }

    /// Tide's own table (pkg/tide/blockers).
    @Test(
        arguments: [
            ("all is red", []), ("branch:foo", ["foo"]), ("branch: foo", ["foo"]), ("BRANCH:foo", ["foo"]),
            ("branch:foo-bar", ["foo-bar"]), ("branch:foo/bar", ["foo/bar"]), ("branch:foo.bar.", ["foo.bar"]),
            ("(branch:foo)", ["foo"]), ("branch:\"foo\"", ["foo"]), ("red branch:a and branch:b", ["a", "b"]),
            ("branch:[foo]bar", ["foo"]), ("mybranch:foo", []), ("branch:", []),
        ] as [(String, [String])])
    func branchesOfABlocker(title: String, branches: [String]) {
        #expect(MergeBlocker(number: 3, title: title).branches == branches)
    }

    @Test func blockersStopTheirBranches() throws {
        let issue = MergeBlocker(number: 3, title: "Main is red, branch:main and branch:release-1.2")
        #expect(issue.branches == ["main", "release-1.2"])
        #expect(MergeBlocker(number: 3, title: "All is red").blocks("anything"))
        let blocked = try Self.rules(Self.query, blockers: [issue, MergeBlocker(number: 4, title: "Freeze")])
        let standing = blocked.standing(of: Self.pull(["lgtm", "a"]), contexts: Self.green)
        #expect(standing.description == "Not mergeable. Merging is blocked by issues 3, 4.")
        #expect(standing.state == "error")
        let elsewhere = try Self.rules(Self.query, branch: "stable", blockers: [issue])
        #expect(elsewhere.standing(of: Self.pull(["lgtm", "a"]), contexts: Self.green).isEligible)
    }

    @Test(
        arguments: [
            (["x"], MergeMethod.squash), (["x", "r"], .rebase), (["x", "m"], .merge), ([], .squash),
        ] as [([String], MergeMethod)])
    func methods(labels: [String], method: MergeMethod) throws {
        let rules = try Self.rules(
            "merge_method: {harbor: squash}\n  rebase_label: r\n  merge_label: m\n  queries: [{orgs: [harbor]}]")
        #expect(rules.method(of: Self.pull(Set(labels))) == method)
    }

    @Test(
        arguments: [
            (nil, nil, nil), ("success", nil, .success), ("odd", nil, .pending), (nil, "success", .success),
            (nil, "skipped", .success), (nil, "cancelled", .failure), (nil, "", .pending),
            ("success", "failure", .failure), ("success", "", .pending), ("pending", "failure", .failure),
            ("pending", "success", .pending), ("error", "success", .error), ("failure", "", .failure),
        ] as [(String?, String?, ContextState?)])
    func statusAndCheckRunOfOneName(status: String?, conclusion: String?, expected: ContextState?) {
        let statuses = status.map { CommitStatus(state: $0, context: "build") }
        let check = conclusion.map {
            $0.isEmpty
                ? CheckRun(id: 2, name: "build", headSHA: "abc", status: "in_progress")
                : CheckRun(id: 2, name: "build", headSHA: "abc", status: "completed", conclusion: $0)
        }
        // An older run of the same check says nothing any more.
        let older = CheckRun(id: 1, name: "build", headSHA: "abc", status: "completed", conclusion: "failure")
        let shown = ContextState.shown(
            by: statuses.map { [$0] } ?? [], and: check.map { [$0, older] } ?? [])
        #expect(shown["build"] == expected)
    }

    @Test func aMethodThatIsNotAllowed() throws {
        let rules = try Self.rules("merge_method: {harbor: rebase}\n  " + Self.query, allowed: [.merge])
        let standing = rules.standing(of: Self.pull(["lgtm", "a"]), contexts: Self.green)
        #expect(standing.description == "Not mergeable. Merge type \"rebase\" disallowed by repo settings")
        #expect(standing.state == "error")
    }

    @Test(
        arguments: [
            (["a.txt"], ["lint", "unit"]), (["b.txt"], ["unit"]), ([], ["unit"]),
        ] as [([String], [String])])
    func jobsOfATrial(files: [String], names: [String]) throws {
        let jobs = JobConfiguration.load(files: [
            SourceFile(
                path: "jobs.yaml",
                bytes: Array(
                    """
                    presubmits:
                      harbor/crane:
                      - {name: unit, always_run: true, \(MergingHarness.spec)}
                      - {name: lint, run_if_changed: '^a', \(MergingHarness.spec)}
                      - {name: maybe, always_run: true, optional: true, \(MergingHarness.spec)}
                      - {name: other, always_run: true, branches: [stable], \(MergingHarness.spec)}
                    """.utf8))
        ]).jobs
        let found = TrialJobs.required(of: jobs, branch: "main", policy: ContextPolicy(), changedFiles: files)
        #expect(found.map(\.name) == names)
        #expect(found.allSatisfy { $0.freshness == .tree })
    }
}
