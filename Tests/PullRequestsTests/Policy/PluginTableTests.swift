import Forge
import Foundation
import JobConfig
import PullRequests
import SlipwayModel
import Testing

@Suite("Plugins that act by themselves")
struct PluginTableTests {
    private static let wip = "do-not-merge/work-in-progress"

    struct Title: Sendable, CustomTestStringConvertible {
        var title: String
        var isMarked: Bool
        var testDescription: String { title }

        init(_ title: String, _ isMarked: Bool) {
            self.title = title
            self.isMarked = isMarked
        }
    }

    @Test(
        "a title that begins with WIP",
        arguments: [
            Title("WIP: oil", true), Title("wip oil", true), Title("[WIP] oil", true), Title("(wip) oil", true),
            Title("WIP", false), Title("WIPE the lamp", false), Title("oil WIP", false), Title("[[WIP]] oil", false),
            Title("Wip/oil", true), Title("-WIP- oil", true), Title("swipe", false), Title("", false),
        ])
    func titles(_ row: Title) { #expect(WorkInProgressPlugin.isMarked(row.title) == row.isMarked) }

    @Test(
        "drafts and WIP keep the label as long as they are so",
        arguments: [
            ("oil", false, false, [String]()), ("WIP: oil", false, false, ["+\(wip)"]),
            ("oil", true, false, ["+\(wip)"]),
            ("WIP: oil", false, true, []), ("oil", false, true, ["-\(wip)"]), ("oil", true, true, []),
        ])
    func draft(_ title: String, isDraft: Bool, isLabelled: Bool, words: [String]) {
        var scene = Scene(labels: isLabelled ? [Self.wip] : [], title: title)
        scene.names = ["wip"]
        scene.pull.isDraft = isDraft
        for event in [PullEvent.opened, .edited, .readyForReview, .convertedToDraft, .reopened] {
            #expect(scene.happen(event).words == words)
        }
        for event in [PullEvent.labeled("x"), .unlabeled(Self.wip), .pushed, .closed] {
            #expect(scene.happen(event).words.isEmpty)
        }
    }

    @Test(
        "size by changed lines, generated files left out",
        arguments: [
            (0, "XS"), (9, "XS"), (10, "S"), (29, "S"), (30, "M"), (99, "M"), (100, "L"), (499, "L"), (500, "XL"),
            (999, "XL"), (1000, "XXL"), (100_000, "XXL"),
        ])
    func size(_ lines: Int, _ name: String) {
        var scene = Scene(labels: ["size/XS", "size/L", "size/unknown", "sizes"])
        scene.names = ["size"]
        scene.facts.changedFiles = [
            ChangedFile(filename: "a", status: "modified", additions: lines, deletions: 0),
            ChangedFile(filename: "zz_generated.go", status: "modified", additions: 5000, deletions: 5000),
        ]
        scene.facts.generatedFiles = ["zz_generated.go"]
        for event in [PullEvent.opened, .reopened, .pushed, .edited] {
            #expect(Set(scene.happen(event).context.pull.labels) == ["size/\(name)", "sizes"])
        }
        for event in [PullEvent.closed, .labeled("size/XS"), .readyForReview] {
            #expect(scene.happen(event).words.isEmpty)
        }
    }

    @Test("bounds of one's own", arguments: [(1, "XS"), (2, "S"), (3, "M"), (99, "M"), (100, "L"), (500, "XL")])
    func sizes(_ lines: Int, _ name: String) {
        var scene = Scene()
        scene.names = ["size"]
        scene.settings.size.small = 2
        scene.settings.size.medium = 3
        scene.facts.changedFiles = [
            ChangedFile(filename: "a", status: "modified", additions: 0, deletions: lines)
        ]
        #expect(scene.happen(.opened).words == ["+size/\(name)"])
    }

    @Test("which files are generated")
    func generated() {
        let files = GeneratedFiles(
            generatedFiles:
                "# generated\nfile-prefix zz_generated.\nfile-name go.sum\npath-prefix vendor/\npath docs/index.md\n",
            attributes: "*.pb.go linguist-generated=true\n/api/** linguist-generated\napi/hand.go -linguist-generated\n"
        )
        for path in [
            "pkg/zz_generated.deepcopy.go", "sub/go.sum", "vendor/a/b.go", "docs/index.md", "x/y.pb.go", "api/a/b.go",
        ] {
            #expect(files.contains(path), "\(path)")
        }
        for path in ["pkg/a.go", "docs/other.md", "api/hand.go", "xvendor/a.go", "x/api/b.go"] {
            #expect(!files.contains(path), "\(path)")
        }
    }

    @Test("blocked files, their exceptions and branches")
    func blockade() {
        var scene = Scene()
        scene.names = ["blockade"]
        var rule = PluginSettings.Blockade()
        rule.repos = ["harbor"]
        rule.blocked = ["^examples/"]
        rule.exceptions = ["README"]
        rule.branchPattern = "^main$"
        rule.explanation = "They have moved."
        scene.settings.blockades = [rule]
        scene.facts.changedFiles = [ChangedFile(filename: "examples/a.go", status: "added")]
        #expect(scene.happen(.opened).words == ["+do-not-merge/blocked-paths", "notice"])
        scene.facts.changedFiles = [ChangedFile(filename: "examples/README.md", status: "added")]
        #expect(scene.happen(.opened).words.isEmpty)
        scene.pull.labels = ["do-not-merge/blocked-paths"]
        #expect(scene.happen(.pushed).words == ["-do-not-merge/blocked-paths", "unsay"])
        scene.facts.changedFiles = [ChangedFile(filename: "examples/a.go", status: "added")]
        scene.pull.labels = []
        for event in [PullEvent.unlabeled("do-not-merge/blocked-paths"), .labeled("x"), .edited, .closed] {
            #expect(scene.happen(event).words.isEmpty)
        }
        scene.pull.baseRef = "release-1.0"
        #expect(scene.happen(.opened).words.isEmpty)
        scene.pull.labels = ["do-not-merge/blocked-paths"]
        scene.previousBase = "main"
        #expect(scene.happen(.edited).words == ["-do-not-merge/blocked-paths", "unsay"])
        scene.settings.blockades = []
        #expect(scene.happen(.reopened).words == ["-do-not-merge/blocked-paths", "unsay"])
    }

    @Test("a file that two rules block has both reasons; a rule without one says that it is protected")
    func reasons() {
        var (first, second) = (PluginSettings.Blockade(), PluginSettings.Blockade())
        (first.repos, second.repos) = (["harbor/crane"], ["harbor"])
        (first.blocked, second.blocked) = (["^docs/"], [#"\.yaml$"#, "^docs/file"])
        first.explanation = "They have moved."
        var scene = Scene()
        scene.names = ["blockade"]
        scene.settings.blockades = [first, second]
        scene.facts.changedFiles = [
            ChangedFile(filename: "docs/a.md", status: "added"), ChangedFile(filename: "docs/file", status: "added"),
            ChangedFile(filename: "x.yaml", status: "modified"), ChangedFile(filename: "x.go", status: "modified"),
        ]
        guard case .notice(_, let body?)? = scene.happen(.opened).actions.last else {
            Issue.record("nothing was said")
            return
        }
        let lines = body.split(separator: "\n").filter { $0.hasPrefix("- ") }
        #expect(
            lines == [
                "- `docs/a.md`: They have moved.", "- `docs/file`: They have moved.",
                "- `docs/file`: the file is protected", "- `x.yaml`: the file is protected",
            ])
    }

    @Test("a label of a kind is wanted")
    func matchingLabel() {
        var scene = Scene()
        scene.names = ["require-matching-label"]
        var rule = PluginSettings.MatchingLabel()
        rule.org = "harbor"
        rule.repo = "crane"
        rule.pattern = "^kind/"
        rule.missingLabel = "do-not-merge/needs-kind"
        rule.comment = "Say which kind."
        scene.settings.matchingLabels = [rule]
        #expect(scene.happen(.opened).words == ["+do-not-merge/needs-kind", "notice"])
        scene.pull.labels = ["do-not-merge/needs-kind"]
        #expect(scene.happen(.labeled("x")).words.isEmpty)
        scene.pull.labels = ["do-not-merge/needs-kind", "kind/bug"]
        #expect(scene.happen(.labeled("kind/bug")).words == ["-do-not-merge/needs-kind", "unsay"])
        scene.pull.labels = ["kind/bug"]
        #expect(scene.happen(.opened).words.isEmpty)
        scene.pull.labels = []
        #expect(scene.happen(.unlabeled("kind/bug")).words == ["+do-not-merge/needs-kind", "notice"])
        #expect(scene.happen(.unlabeled("do-not-merge/needs-kind")).words.isEmpty)
        #expect(scene.say("/check-required-labels").words == ["+do-not-merge/needs-kind", "notice"])
        #expect(scene.happen(.edited).words.isEmpty)
        scene.pull.isOpen = false
        #expect(scene.happen(.unlabeled("kind/bug")).words == ["+do-not-merge/needs-kind", "notice"])
        scene.pull.isOpen = true
        scene.previousBase = "docs"
        #expect(scene.happen(.edited).words == ["+do-not-merge/needs-kind", "notice"])
        scene.settings.matchingLabels[0].repo = nil
        #expect(scene.happen(.opened).words == ["+do-not-merge/needs-kind", "notice"])
        scene.settings.matchingLabels[0].branch = "release-1.0"
        #expect(scene.happen(.opened).words.isEmpty && scene.say("/check-required-labels").words.isEmpty)
        scene.pull.baseRef = "release-1.0"
        #expect(scene.happen(.opened).words == ["+do-not-merge/needs-kind", "notice"])
        scene.settings.matchingLabels[0].org = "other"
        #expect(scene.happen(.opened).words.isEmpty)
    }

    @Test(
        "messages of commits",
        arguments: [
            ("Fix the lamp", false), ("Fixes #12", true), ("closes: #3", true), ("Resolved harbor/crane#4", true),
            ("Fix #hash", false), ("thanks @maria", false), ("fixing harbor/crane#4", false),
            ("Close harbor/crane#4", true),
            ("resolve #5", true), ("RESOLVES\n#5", true), ("fix:#5", true), ("fixed it in #3", false),
            ("Prefixes #1", false), ("Oil\n\nIt closes #9999, I hope.", true), ("", false),
        ])
    func commitMessages(_ message: String, isInvalid: Bool) {
        func commit(_ message: String, parents: Int) -> RepositoryCommit {
            RepositoryCommit(
                sha: "c", commit: .init(message: message, author: nil, committer: nil, tree: nil), author: nil,
                parents: (0..<parents).map { .init(sha: "p\($0)") }, htmlURL: nil)
        }
        let label = "do-not-merge/invalid-commit-message"
        var scene = Scene()
        scene.names = ["invalidcommitmsg"]
        for event in [PullEvent.opened, .reopened, .pushed, .edited] {
            for parents in 1...2 {
                scene.facts.commits = [commit("Oil", parents: 1), commit(message, parents: parents)]
                scene.pull.labels = []
                #expect(scene.happen(event).words == (isInvalid ? ["+\(label)", "notice"] : []))
                scene.pull.labels = [label]
                #expect(scene.happen(event).words == (isInvalid ? ["+\(label)", "notice"] : ["-\(label)", "unsay"]))
            }
            scene.facts.commits = [commit("Oil", parents: 1)]
            scene.pull.title = message
            #expect(scene.happen(event).words == (isInvalid ? ["+\(label)", "notice"] : ["-\(label)", "unsay"]))
            scene.pull.title = "Oil"
        }
        #expect(scene.happen(.labeled(label)).words.isEmpty)
    }

    @Test("merge commits")
    func mergeCommits() {
        func commit(_ parents: Int) -> RepositoryCommit {
            RepositoryCommit(
                sha: "c\(parents)", commit: .init(message: "x", author: nil, committer: nil, tree: nil), author: nil,
                parents: (0..<parents).map { .init(sha: "p\($0)") }, htmlURL: nil)
        }
        var scene = Scene()
        scene.names = ["mergecommitblocker"]
        scene.facts.commits = [commit(1), commit(2)]
        #expect(scene.happen(.pushed).words == ["+do-not-merge/contains-merge-commits", "notice"])
        scene.facts.commits = [commit(1)]
        #expect(scene.happen(.pushed).words.isEmpty)
        scene.pull.labels = ["do-not-merge/contains-merge-commits"]
        #expect(scene.happen(.pushed).words == ["-do-not-merge/contains-merge-commits", "unsay"])
    }

    @Test("a conflict with the base")
    func needsRebase() {
        var scene = Scene()
        scene.names = ["needs-rebase"]
        #expect(scene.happen(.mergeabilityKnown).words.isEmpty)
        scene.pull.mergeable = false
        #expect(scene.happen(.mergeabilityKnown).words == ["+needs-rebase", "notice"])
        scene.pull.labels = ["needs-rebase"]
        #expect(scene.happen(.mergeabilityKnown).words.isEmpty)
        scene.pull.mergeable = true
        #expect(scene.happen(.mergeabilityKnown).words == ["-needs-rebase", "unsay"])
    }

    @Test(
        "milestones are the team's",
        arguments: [
            ("/milestone v1.0", "maria", ["milestone v1.0"]), ("/milestone v9", "maria", ["answer"]),
            ("/milestone", "maria", ["answer"]), ("/milestone clear", "maria", ["milestone none"]),
            ("/milestone v1.0", "ola", ["answer"]), ("/status in-progress", "maria", ["+status/in-progress"]),
            ("/status in-review", "maria", ["+status/in-review"]), ("/status nowhere", "maria", ["answer"]),
            ("/status", "maria", ["answer"]),
            ("/status approved-for-milestone", "ola", ["answer"]),
            ("/milestone clear", "ola", ["answer"]), ("/milestone V1.0", "maria", ["answer"]),
            ("/milestone   v1.0  ", "maria", ["milestone v1.0"]),
            ("/milestone v2.0\n/milestone v1.0", "maria", ["milestone v2.0"]),
            ("/milestone abc\n/status in-review", "ola", ["answer", "answer"]),
            (
                "/status in-progress\n/status in-review", "maria", ["+status/in-progress", "+status/in-review"]
            ),
            ("/status in-progress\n/status nowhere", "maria", ["+status/in-progress", "answer"]),
            ("text /status in-progress", "maria", []), ("/milestonev1.0", "maria", []),
        ])
    func milestones(_ comment: String, _ actor: String, words: [String]) {
        var scene = Scene(actor: actor)
        scene.settings.milestoneMaintainers = ["": .init()]
        scene.settings.milestoneMaintainers[""]?.team = "milestones"
        scene.facts.teams[.teamMember(org: "harbor", team: "milestones", login: "maria")] = true
        #expect(scene.say(comment).words == words)
    }

    @Test(
        "/retitle",
        arguments: [
            ("/retitle New lamp", "noor", ["title New lamp"]), ("/retitle New lamp", "maria", ["title New lamp"]),
            ("/retitle New lamp", "ola", ["answer"]), ("/retitle", "noor", ["answer"]),
            ("/retitle Thank @maria", "noor", ["answer"]), ("/retitle Add oil", "noor", [String]()),
            ("/retitle a\n/retitle b", "noor", ["title a"]), ("/retitle Oil (fixes #3)", "noor", ["answer"]),
            ("/retitle Mail a@b.example", "noor", ["title Mail a@b.example"]),
            ("/retitle " + String(repeating: "x", count: 257), "noor", ["answer"]),
        ])
    func retitle(_ comment: String, _ actor: String, words: [String]) {
        #expect(Scene(actor: actor).say(comment).words == words)
    }

    @Test(
        "/skip is strict about its words",
        arguments: ["/skip it", "/skip-it"])
    func skipped(_ comment: String) {
        var scene = Scene()
        scene.jobs("lint?")
        scene.statuses(["ci/lint": "failure"])
        #expect(!scene.say(comment).words.contains { $0.hasPrefix("status") })
    }

    @Test(
        "/skip leaves what the same comment starts",
        arguments: [
            ("/skip", true), ("/skip\n/test all", false), ("/skip\n/test lint", false),
            // Behind another word it would be the name of a job.
            ("/skip\n/test unit all", true),
        ])
    func skipBesideTest(_ comment: String, isSkipped: Bool) {
        var scene = Scene()
        scene.jobs("lint?")
        scene.statuses(["ci/lint": "failure"])
        #expect(scene.say(comment).words.contains { $0.hasPrefix("status") } == isSkipped)
    }

    @Test(
        "who brings several commits is told how they are merged",
        arguments: [
            (MergeMethod.merge, true, "You can request commits to be squashed using the label: squash-me"),
            (.merge, false, "Commits will be merged, as no squash labels are defined"),
            (.squash, true, "You can request commits to be merged using the label: merge-me"),
            (.squash, false, "Commits will be squashed, as no merge labels are defined"),
            (.rebase, true, "the default merge method is: rebase."),
        ])
    func mergeMethod(_ method: MergeMethod, hasLabels: Bool, words: String) {
        func commits(_ count: Int) -> [RepositoryCommit] {
            (0..<count).map {
                RepositoryCommit(
                    sha: "c\($0)", commit: .init(message: "x", author: nil, committer: nil, tree: nil), author: nil,
                    parents: [.init(sha: "p")], htmlURL: nil)
            }
        }
        var scene = Scene()
        scene.names = ["merge-method-comment"]
        var tide = TideSettings()
        tide.mergeMethods.plain = ["harbor/crane": method]
        if hasLabels { (tide.squashLabel, tide.mergeLabel) = ("squash-me", "merge-me") }
        scene.tide = tide
        scene.facts.commits = commits(2)
        for event in [PullEvent.opened, .reopened, .pushed, .edited] {
            guard case .notice(_, let body?)? = scene.happen(event).actions.first else {
                Issue.record("nothing was said at \(event)")
                continue
            }
            #expect(body.contains(words))
        }
        #expect(scene.happen(.labeled("x")).words.isEmpty)
        scene.facts.commits = commits(1)
        #expect(scene.happen(.opened).words.isEmpty)
        #expect(scene.happen(.pushed).words == ["unsay"])
        guard hasLabels else { return }
        scene.facts.commits = commits(2)
        scene.pull.labels = ["squash-me"]
        #expect(scene.happen(.pushed).words == ["unsay"])
    }

    @Test("/abort, of jobs, contexts or all")
    func abort() {
        var scene = Scene()
        scene.facts.runs = [
            PullRun(
                runID: RunID(), job: "unit", context: "ci/unit", isRequired: true, state: .running, requestedAt: .now),
            PullRun(
                runID: RunID(), job: "lint", context: "ci/lint", isRequired: false, state: .waiting, requestedAt: .now),
            PullRun(
                runID: RunID(), job: "e2e", context: "ci/e2e", isRequired: true, state: .success, requestedAt: .now),
        ]
        #expect(scene.say("/abort").words == ["abort 2"])
        #expect(scene.say("/abort unit").words == ["abort 1"])
        #expect(scene.say("/abort ci/lint").words == ["abort 1"])
        #expect(scene.say("/abort e2e").words == ["answer"])
        scene.actor = "ola"
        #expect(scene.say("/abort").words == ["answer"])
        scene.actor = "noor"
        scene.facts.trusted = [:]
        #expect(scene.say("/abort").words == ["abort 2"])
    }

    @Test("every name that plugins.yaml may use for something Slipway does is a plugin here, and the other way round")
    func names() {
        let plugins = Set(PluginCatalog.all.map(\.name))
        #expect(plugins == PluginNames.served)
        #expect(PluginCatalog.defaults.isSubset(of: plugins))
        #expect(PluginCatalog.all.count == plugins.count)
        let names = PluginCatalog.all.flatMap(\.commands).flatMap(\.names)
        #expect(Set(names).count == names.count)
    }
}
