import Forge
import Foundation
import JobConfig
import PullRequests
import Testing

private let approved = "cherry-pick-approved"
private let unapproved = "do-not-merge/cherry-pick-not-approved"

@Suite("Release branches: cherry-pick-unapproved, cherry-pick-approved, cherrypick, milestoneapplier, branchcleaner")
struct ReleaseBranchTests {
    struct Event: Sendable, CustomTestStringConvertible {
        var event: PullEvent
        var branch = "release-1.0"
        var from: String?
        var labels: [String] = []
        var words: [String] = []
        var testDescription: String { "\(event) on \(branch), before \(from ?? "the same"), with \(labels)" }

        init(
            _ event: PullEvent, on branch: String = "release-1.0", from: String? = nil, with labels: [String] = [],
            _ words: String...
        ) {
            self.event = event
            self.branch = branch
            self.from = from
            self.labels = labels
            self.words = words
        }
    }

    @Test(
        "what is against a release branch is not merged before it is approved for it",
        arguments: [
            Event(.opened, "+\(unapproved)", "notice"), Event(.reopened, "+\(unapproved)", "notice"),
            Event(.opened, on: "main"), Event(.reopened, on: "main"), Event(.opened, with: [unapproved]),
            Event(.opened, with: [approved], "unsay"),
            Event(.opened, with: [approved, unapproved], "-\(unapproved)", "unsay"),
            Event(.labeled(approved), with: [approved, unapproved], "-\(unapproved)", "unsay"),
            Event(.labeled("kind/bug")), Event(.unlabeled("kind/bug")),
            Event(.unlabeled(approved), "+\(unapproved)", "notice"),
            Event(.unlabeled(unapproved), "+\(unapproved)", "notice"),
            Event(.unlabeled(approved), on: "main"), Event(.labeled(approved), on: "main", with: [approved]),
            Event(.pushed), Event(.closed), Event(.edited), Event(.edited, from: "release-0.9"),
            Event(.edited, from: "main", "+\(unapproved)", "notice"),
            Event(.edited, from: "main", with: [approved, unapproved], "-\(unapproved)", "unsay"),
            Event(.edited, on: "main", from: "release-1.0", with: [unapproved], "-\(unapproved)", "unsay"),
            Event(
                .edited, on: "main", from: "release-1.0", with: [approved, unapproved], "-\(approved)",
                "-\(unapproved)", "unsay"),
            Event(.edited, on: "main", from: "docs"),
        ])
    func withheld(_ row: Event) {
        var scene = Scene(labels: row.labels, branch: row.branch)
        scene.names = ["cherry-pick-unapproved"]
        scene.previousBase = row.from
        #expect(scene.happen(row.event).words == row.words)
    }

    struct Review: Sendable, CustomTestStringConvertible {
        var by = "maria"
        var state = PullHistory.Review.State.approved
        var labels = ["lgtm", "approved", unapproved]
        var branch = "release-1.0"
        var statuses: [String: String] = ["unit": "success", "e2e": "pending"]
        var isApproved = false
        var testDescription: String { "\(state) by \(by) on \(branch), \(labels), \(statuses)" }
    }

    @Test(
        "a release manager's review approves what has passed and is held by nothing",
        arguments: [
            Review(isApproved: true), Review(by: "MARIA", isApproved: true), Review(by: "li"),
            Review(state: .commented), Review(state: .changesRequested), Review(state: .dismissed),
            Review(branch: "main"), Review(labels: ["lgtm"]), Review(labels: ["approved"]), Review(labels: []),
            Review(labels: ["lgtm", "approved"], isApproved: true),
            Review(labels: ["lgtm", "approved", "do-not-merge/hold"]),
            Review(labels: ["lgtm", "approved", "do-not-merge/work-in-progress"]),
            Review(labels: ["lgtm", "approved", "do-not-merge/blocked-paths"]),
            Review(labels: ["lgtm", "approved", "do-not-merge/invalid-owners-file"]),
            Review(labels: ["lgtm", "approved", "do-not-merge/contains-merge-commits"]),
            Review(labels: ["lgtm", "approved", "do-not-merge/release-note-label-needed"]),
            Review(labels: ["lgtm", "approved", "do-not-merge/invalid-bug"]),
            Review(labels: ["lgtm", "approved", "cncf-cla: no"]), Review(labels: ["lgtm", "approved", "needs-rebase"]),
            Review(labels: ["lgtm", "approved", "needs-ok-to-test"]),
            Review(statuses: ["unit": "failure"]), Review(statuses: ["unit": "success", "e2e": "error"]),
            Review(statuses: [:], isApproved: true),
        ])
    func reviewed(_ row: Review) {
        var scene = Scene(labels: row.labels, actor: row.by, branch: row.branch)
        scene.names = ["cherry-pick-approved"]
        scene.statuses(row.statuses)
        scene.settings.cherryPickApproved = [Self.rule]
        scene.history.reviews = [.init(id: 1, author: row.by, state: row.state, at: .distantPast)]
        #expect(scene.happen(.reviewed).words == (row.isApproved ? ["+\(approved)", "-\(unapproved)"] : []))
        #expect(scene.happen(.commented).words.isEmpty)
    }

    @Test("a rule may do without lgtm or approved, and is its repository's alone")
    func rules() {
        var scene = Scene(branch: "release-1.0")
        scene.names = ["cherry-pick-approved"]
        scene.statuses([:])
        scene.history.reviews = [.init(id: 1, author: "maria", state: .approved, at: .distantPast)]
        var rule = Self.rule
        rule.neededLabels = []
        scene.settings.cherryPickApproved = [rule]
        #expect(scene.happen(.reviewed).words == ["+\(approved)", "-\(unapproved)"])
        rule.repo = "dock"
        scene.settings.cherryPickApproved = [rule]
        #expect(scene.happen(.reviewed).words.isEmpty)
        scene.settings.cherryPickApproved = []
        #expect(scene.happen(.reviewed).words.isEmpty)
    }

    private static var rule: PluginSettings.CherryPickApproved {
        var rule = PluginSettings.CherryPickApproved()
        rule.org = "harbor"
        rule.repo = "crane"
        rule.approvers = ["Maria"]
        return rule
    }

    @Test(
        "/cherrypick",
        arguments: [
            ("/cherrypick release-1.0", "maria", false, ["pick release-1.0 for maria", "answer"]),
            (
                "/cherry-pick release-1.0 release-2.0", "maria", true,
                ["pick release-1.0 release-2.0 for maria"]
            ),
            (
                "/cherrypick release-1.0\n/cherrypick release-2.0", "maria", true,
                ["pick release-1.0 release-2.0 for maria"]
            ),
            ("/cherrypick release-1.0 nowhere", "maria", true, ["pick release-1.0 for maria", "answer"]),
            ("/cherrypick nowhere", "maria", true, ["answer"]), ("/cherrypick", "maria", true, ["answer"]),
            ("/cherrypick release-1.0", "ola", true, ["answer"]),
            ("/cherrypick release-1.0", "ola", false, ["answer"]), ("/cherrypick main", "maria", true, ["answer"]),
            ("/cherrypick main release-1.0", "maria", true, ["pick release-1.0 for maria", "answer"]),
        ])
    func cherryPick(_ comment: String, _ actor: String, isMerged: Bool, words: [String]) {
        var scene = Scene(actor: actor)
        scene.pull.isMerged = isMerged
        scene.pull.isOpen = !isMerged
        #expect(scene.say(comment).words == words)
    }

    @Test("what was closed without being merged is not picked")
    func closed() {
        var scene = Scene()
        scene.pull.isOpen = false
        #expect(scene.say("/cherrypick release-1.0").words == ["answer"])
        scene.pull.labels = ["cherrypick/release-1.0"]
        scene.names = ["cherrypick"]
        #expect(scene.happen(.closed).words.isEmpty)
    }

    @Test("labels pick for the author, once it is merged")
    func labels() {
        var scene = Scene(labels: ["cherrypick/release-1.0", "kind/bug", "cherrypick/nowhere"], actor: "ola")
        scene.names = ["cherrypick"]
        #expect(scene.happen(.labeled("kind/bug")).words.isEmpty)
        #expect(scene.happen(.labeled("cherrypick/release-1.0")).words == ["notice"])
        #expect(scene.happen(.opened).words.isEmpty)
        scene.pull.isOpen = false
        scene.pull.isMerged = true
        #expect(scene.happen(.closed).words == ["notice", "pick release-1.0 for noor"])
        scene.pull.labels = ["cherrypick/release-1.0", "cherrypick/main"]
        #expect(scene.happen(.labeled("cherrypick/release-1.0")).words == ["unsay", "pick release-1.0 for noor"])
        scene.facts.members = [:]
        #expect(scene.happen(.closed).words == ["notice"])
        scene.pull.labels = []
        #expect(scene.happen(.unlabeled("cherrypick/release-1.0")).words == ["unsay"])
    }

    @Test(
        "a branch's milestone: when it is opened, but on the default branch when it is merged",
        arguments: [
            (PullEvent.opened, "release-1.0", false, ["milestone v1.0"]), (.opened, "trunk", false, []),
            (.closed, "release-1.0", true, ["milestone v1.0"]), (.closed, "trunk", true, ["milestone v2.0"]),
            (.closed, "trunk", false, []), (.closed, "release-1.0", false, []), (.edited, "release-1.0", false, []),
            (.reopened, "release-1.0", false, []), (.pushed, "release-1.0", false, []), (.opened, "docs", false, []),
            (.closed, "docs", true, []), (.opened, "lost", false, []),
        ])
    func milestones(_ event: PullEvent, _ branch: String, isMerged: Bool, words: [String]) {
        var scene = Scene(branch: branch)
        scene.names = ["milestoneapplier"]
        scene.pull.defaultBranch = "trunk"
        scene.pull.isMerged = isMerged
        scene.settings.milestonesOfBranches = [
            "harbor/crane": ["release-1.0": "v1.0", "trunk": "v2.0", "lost": "v9.0"], "harbor/dock": ["docs": "v1.0"],
        ]
        #expect(scene.happen(event).words == words)
        scene.pull.milestone = words.first?.split(separator: " ").last.map(String.init)
        #expect(scene.happen(event).words.isEmpty)
    }

    @Test(
        "the branch of what was merged is deleted, unless it is somebody else's or is to be kept",
        arguments: [
            ("oil", "harbor/crane", true, true), ("oil", "harbor/crane", false, false),
            ("oil", "noor/crane", true, false),
            ("oil", nil, true, false), ("main", "harbor/crane", true, false), ("master", "harbor/crane", true, false),
            ("release-1.0", "harbor/crane", true, false), ("kept", "harbor/crane", true, false),
            ("kept-too", "harbor/crane", true, false), ("kept-elsewhere", "harbor/crane", true, true),
        ])
    func branches(_ head: String, _ repository: String?, isMerged: Bool, isDeleted: Bool) {
        var scene = Scene(branch: "release-1.0")
        scene.names = ["branchcleaner"]
        scene.pull.headRef = head
        scene.pull.headRepository = repository
        scene.pull.isOpen = false
        scene.pull.isMerged = isMerged
        scene.settings.preservedBranches = [
            "harbor": ["kept"], "harbor/crane": ["kept-too"], "harbor/dock": ["kept-elsewhere"],
        ]
        #expect(scene.happen(.closed).words == (isDeleted ? ["delete branch"] : []))
        #expect(scene.happen(.pushed).words.isEmpty)
    }
}
