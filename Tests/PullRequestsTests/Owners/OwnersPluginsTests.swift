import Forge
import Foundation
import JobConfig
import PullRequests
import SlipwayModel
import Testing

/// A pull request of noor's whose OWNERS facts are known, and what the plugins of OWNERS make of an event or comment.
struct OwnersScene: Sendable {
    var pull: PullSnapshot
    var actor = "li"
    var files = ["cranes/arm.c"]
    var facts = PullFacts()
    var settings = PluginSettings()
    var approve = PluginSettings.Approve()
    var lgtm = PluginSettings.LGTM()
    var history = PullHistory()
    var verification: OwnersVerification?
    var headTree: String?
    /// Seconds.
    var at = 1000.0

    init(_ labels: [String] = [], _ change: (inout OwnersScene) -> Void = { _ in }) {
        pull = PullSnapshot(
            repository: Scene.repository, number: 7, title: "Add oil", author: "noor", headRef: "oil",
            headSHA: String(repeating: "a", count: 40), baseRef: "main", baseSHA: String(repeating: "b", count: 40))
        pull.labels = labels
        facts.collaborators = ["li": true, "dora": true, "maria": true]
        facts.trusted = facts.collaborators
        change(&self)
    }

    /// Reviewers are asked when the pool says that a review is missing, which it does.
    mutating func awaits(_ says: String = "Not mergeable. Needs approved, lgtm labels.", state: String = "pending") {
        settings.blunderbuss.waitsFor = .init()
        facts.statuses = [CommitStatus(state: state, context: "tide", description: says)]
    }

    func context(_ comment: CommentReference?) -> PullContext {
        var settings = settings
        settings.plugins["harbor"] = .init(names: ["lgtm", "approve", "verify-owners", "owners-label", "blunderbuss"])
        (settings.approve, settings.lgtm) = ([approve], [lgtm])
        settings.approve[0].repos = ["harbor"]
        settings.lgtm[0].repos = ["harbor"]
        var owners = OwnersFacts(files, in: OwnersFixture.harbour, headSHA: pull.headSHA, baseSHA: pull.baseSHA)
        owners.verification = verification
        owners.headTree = headTree
        var facts = facts
        facts.owners = owners
        return PullContext(
            pull: pull, actor: actor, at: Date(timeIntervalSince1970: at), comment: comment,
            settings: RepositoryPlugins(Scene.repository, settings, defaults: []), facts: facts, history: history,
            bot: "slipway-bot")
    }

    /// What the actor's comment leads to.
    func say(_ text: String) -> [String] {
        let reference = CommentReference(kind: .comment, id: 5)
        let calls = CommandParser.commands(in: text)
        var context = context(reference)
        context.history.commands += calls.map {
            .init(actor: actor, call: $0, at: context.at, comment: reference)
        }
        var turn = PullTurn(context, plugins: OwnersPlugins.all)
        turn.decide(calls, helpURL: "")
        return turn.words.filter { $0 != "note" }
    }

    /// What an event leads to.
    func happen(_ event: PullEvent, review: PullHistory.Review.State? = nil) -> [String] {
        var context = context(review.map { _ in CommentReference(kind: .review, id: 9) })
        if let review {
            context.history.reviews.append(.init(id: 9, author: actor, state: review, at: context.at))
        }
        var turn = PullTurn(context, plugins: OwnersPlugins.all)
        turn.react(to: event)
        return turn.words.filter { $0 != "note" }
    }
}

@Suite("Plugins of OWNERS")
struct OwnersPluginsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var scene: OwnersScene
        var text: String
        var words: [String]

        init(_ text: String, on labels: [String] = [], by actor: String = "li", _ words: String...) {
            self.init(text, in: OwnersScene(labels) { $0.actor = actor }, words)
        }

        init(_ text: String, in scene: OwnersScene, _ words: [String]) {
            testDescription = "\(scene.actor): \(text) on \(scene.pull.labels)"
            self.scene = scene
            self.text = text
            self.words = words
        }
    }

    private static let cases: [Case] = [
        Case("/lgtm", "+lgtm", "unsay", "assign li"), Case("/LGTM", "+lgtm", "unsay", "assign li"),
        Case("/lgtm no-issue", "+lgtm", "unsay", "assign li"), Case("/lgtm", on: ["lgtm"], "assign li"),
        Case("/lgtm cancel", on: ["lgtm"], "-lgtm", "assign li"),
        Case("/remove-lgtm", on: ["lgtm"], "-lgtm", "assign li"), Case("/lgtm cancel", "assign li"),
        Case("/lgtm", by: "noor", "answer"), Case("/lgtm cancel", on: ["lgtm"], by: "noor", "-lgtm"),
        Case("/lgtm", by: "sam", "answer"), Case("/lgtm cancel", on: ["lgtm"], by: "sam", "answer"),
        Case("/remove-lgtm", on: ["lgtm"], by: "sam", "answer"),
        Case("/remove-lgtm", on: ["lgtm"], by: "noor", "-lgtm"), Case("/remove-lgtm", "assign li"),
        Case("/lgtm \r", "+lgtm", "unsay", "assign li"), Case("/lgtm no-issue \r", "+lgtm", "unsay", "assign li"),
        Case("/lgtm cancel \r", on: ["lgtm"], "-lgtm", "assign li"), Case("  /lgtm"), Case("/lgtm-not", "answer"),
        Case(
            "/lgtm",
            in: OwnersScene {
                $0.actor = "sam"; $0.pull.assignees = ["sam"]
            }, ["answer"]),
        Case(
            "/lgtm cancel",
            in: OwnersScene(["lgtm"]) {
                $0.lgtm.storesTreeHash = true
                $0.pull.assignees = ["dora", "noor"]
                $0.history.lgtms = [.init(login: "li", at: Date(timeIntervalSince1970: 900), tree: "t")]
            }, ["-lgtm", "cc li dora", "assign li"]),
        Case(
            "/lgtm mostly",
            in: OwnersScene {
                $0.approve.lgtmActsAsApprove = true; $0.actor = "dora"
            }, ["+approved", "notice"]),
        Case(
            "/lgtm cancel //it changed",
            in: OwnersScene(["approved"]) {
                $0.approve.lgtmActsAsApprove = true
                $0.actor = "dora"
                $0.history.commands = [
                    .init(
                        actor: "dora", call: CommandCall(name: "approve"), at: Date(timeIntervalSince1970: 900),
                        comment: CommentReference(kind: .comment, id: 4))
                ]
            }, ["-approved", "notice"]),
        Case("/lgtm mostly"), Case("/lgtm\n/lgtm cancel", on: ["lgtm"], "-lgtm", "assign li"),
        Case("/lgtm", in: OwnersScene { $0.pull.assignees = ["LI"] }, ["+lgtm", "unsay"]),
        Case("/lgtm", in: OwnersScene { $0.pull.headSince = Date(timeIntervalSince1970: 1001) }, ["answer"]),
        Case("/lgtm", in: OwnersScene { $0.pull.headSince = Date(timeIntervalSince1970: 1000) }, ["answer"]),
        Case(
            "/lgtm", in: OwnersScene { $0.pull.headSince = Date(timeIntervalSince1970: 999) },
            ["+lgtm", "unsay", "assign li"]),
        Case("/lgtm", in: OwnersScene { $0.pull.isOpen = false }, []),
        Case(
            "/lgtm",
            in: OwnersScene {
                $0.settings.owners.skipsCollaboratorsIn = ["harbor"]; $0.actor = "nils"
            }, ["+lgtm", "unsay"]),
        Case(
            "/lgtm",
            in: OwnersScene {
                $0.settings.owners.skipsCollaboratorsIn = ["harbor/crane"]; $0.actor = "bert"
            }, ["answer"]),
        Case(
            "/lgtm",
            in: OwnersScene {
                $0.approve.lgtmActsAsApprove = true; $0.actor = "dora"
            }, ["+lgtm", "unsay", "assign dora", "+approved", "notice"]),
        Case(
            "/lgtm",
            in: OwnersScene {
                $0.approve.lgtmActsAsApprove = true; $0.facts.collaborators["nils"] = true; $0.actor = "nils"
            }, ["+lgtm", "unsay", "assign nils", "-approved", "notice"]),
        Case("/approve", by: "dora", "+approved", "notice"), Case("/approve", by: "li", "+approved", "notice"),
        Case("/approve", by: "nils", "-approved", "notice"),
        Case("/approve cancel", on: ["approved"], by: "dora", "-approved", "notice"),
        Case("/remove-approve", on: ["approved"], by: "dora", "-approved", "notice"),
        Case(
            "/approve",
            in: OwnersScene {
                $0.approve.isIssueRequired = true; $0.actor = "dora"
            }, ["-approved", "notice"]),
        Case(
            "/approve no-issue",
            in: OwnersScene {
                $0.approve.isIssueRequired = true; $0.actor = "dora"
            }, ["+approved", "notice"]),
        Case("/lgtm\n/approve", by: "dora", "+lgtm", "unsay", "assign dora", "+approved", "notice"),
        Case(
            "/lgtm\n/approve",
            in: OwnersScene {
                $0.approve.needsDistinctReviewers = true; $0.actor = "dora"
            }, ["+lgtm", "unsay", "assign dora", "-approved", "notice", "-approved", "notice"]),
        Case("/verify-owners", by: "sam", "unsay"), Case("/auto-cc", by: "sam", "cc nils maria"),
    ]

    @Test(arguments: cases)
    func commands(row: Case) {
        let words = row.scene.say(row.text)
        if row.text == "/auto-cc" {
            #expect(words.count == 1 && words[0].hasPrefix("cc nils "))
        } else {
            #expect(words == row.words)
        }
    }

    struct Event: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var event: PullEvent
        var review: PullHistory.Review.State?
        var scene: OwnersScene
        var words: [String]

        init(
            _ name: String, _ event: PullEvent, review: PullHistory.Review.State? = nil, on labels: [String] = [],
            _ words: [String], _ change: (inout OwnersScene) -> Void = { _ in }
        ) {
            testDescription = name
            self.event = event
            self.review = review
            scene = OwnersScene(labels, change)
            self.words = words
        }
    }

    private static let happenings: [Event] = [
        Event("opened", .opened, ["-approved", "notice", "cc"]),
        Event("opened by an approver", .opened, ["+approved", "notice", "cc"]) { $0.pull.author = "dora" },
        Event("opened, its label known", .opened, ["-approved", "notice", "+area/cranes", "cc"]) {
            $0.facts.repositoryLabels = ["Area/Cranes"]
        },
        Event("opened, its label there", .opened, on: ["area/cranes"], ["-approved", "notice", "cc"]) {
            $0.facts.repositoryLabels = ["area/cranes"]
        },
        Event("opened, with /cc in its text", .opened, ["-approved", "notice"]) { $0.pull.body = "/cc @li" },
        Event("opened by somebody who is left alone", .opened, ["-approved", "notice"]) {
            $0.settings.blunderbuss.ignoredAuthors = ["Noor"]
        },
        Event("a draft", .opened, ["-approved", "notice", "cc"]) { $0.pull.isDraft = true },
        Event("a draft, drafts left alone", .opened, ["-approved", "notice"]) {
            $0.pull.isDraft = true
            $0.settings.blunderbuss.ignoresDrafts = true
        },
        Event("ready", .readyForReview, ["cc"]),
        Event("opened, a status awaited", .opened, ["-approved", "notice"]) { $0.awaits() },
        Event("ready, a status awaited", .readyForReview, []) { $0.awaits() },
        Event("the status awaited is there", .statusTold("tide"), ["cc"]) { $0.awaits() },
        Event("there, with /cc in its text", .statusTold("tide"), ["cc"]) {
            $0.awaits()
            $0.pull.body = "/cc @li"
        },
        Event("another status", .statusTold("ci/unit"), []) { $0.awaits() },
        Event("the status, nobody waits for it", .statusTold("tide"), []) {
            $0.awaits()
            $0.settings.blunderbuss.waitsFor = nil
        },
        Event("the status says that more is missing", .statusTold("tide"), []) {
            $0.awaits("Not mergeable. Needs lgtm, ok-to-test labels.")
        },
        Event("the status is in another state", .statusTold("tide"), []) { $0.awaits(state: "success") },
        Event("the status has gone again", .statusTold("tide"), []) {
            $0.awaits()
            $0.facts.statuses = []
        },
        Event("there, somebody asked already", .statusTold("tide"), []) {
            $0.awaits()
            $0.pull.requestedReviewers = ["zoe"]
        },
        Event("there, a draft left alone", .statusTold("tide"), []) {
            $0.awaits()
            $0.pull.isDraft = true
            $0.settings.blunderbuss.ignoresDrafts = true
        },
        Event("there, somebody who is left alone", .statusTold("tide"), []) {
            $0.awaits()
            $0.settings.blunderbuss.ignoredAuthors = ["noor"]
        },
        Event("the repository asks nobody", .opened, ["-approved", "notice"]) {
            $0.settings.blunderbussOf["harbor/crane"] = .init()
            $0.settings.blunderbussOf["harbor/crane"]?.requestCount = 0
        },
        Event("the organization asks nobody, the repository does", .readyForReview, ["cc"]) {
            $0.settings.blunderbussOf = ["harbor": .init(), "harbor/crane": .init()]
            $0.settings.blunderbussOf["harbor"]?.requestCount = 0
        },
        Event("a comment was deleted", .withdrawn, ["-approved", "notice"]),
        Event("asked already", .readyForReview, []) {
            $0.pull.requestedReviewers = ["nils", "maria", "otto", "dora", "li"]
        },
        Event("closed", .closed, []), Event("a comment", .commented, []),
        Event("edited", .edited, ["-approved", "notice"]),
        Event("pushed", .pushed, ["-approved", "notice"]),
        Event("pushed while reviewed", .pushed, on: ["lgtm"], ["-lgtm", "notice", "-approved", "notice"]),
        Event("pushed by the sticky team", .pushed, on: ["lgtm"], ["-approved", "notice"]) {
            $0.lgtm.stickyTeam = "keepers"
            $0.facts.teams[.teamMember(org: "harbor", team: "keepers", login: "noor")] = true
        },
        Event("pushed by another team", .pushed, on: ["lgtm"], ["-lgtm", "notice", "-approved", "notice"]) {
            $0.lgtm.stickyTeam = "keepers"
        },
        Event("pushed the same tree", .pushed, on: ["lgtm"], ["-approved", "notice"]) {
            $0.lgtm.storesTreeHash = true
            $0.headTree = "t"
            $0.history.lgtms = [.init(login: "li", at: Date(timeIntervalSince1970: 900), tree: "t")]
        },
        Event("pushed another tree", .pushed, on: ["lgtm"], ["-lgtm", "notice", "cc li", "-approved", "notice"]) {
            $0.lgtm.storesTreeHash = true
            $0.headTree = "u"
            $0.history.lgtms = [.init(login: "li", at: Date(timeIntervalSince1970: 900), tree: "t")]
        },
        Event("pushed before the look", .pushed, on: ["lgtm"], ["-approved", "notice"]) {
            $0.history.lgtms = [.init(login: "li", at: Date(timeIntervalSince1970: 1001), tree: nil)]
        },
        Event("approved by hand", .labeled("approved"), on: ["approved"], ["+approved", "notice"]) {
            $0.actor = "maria"
        },
        Event("by the bot", .labeled("approved"), on: ["approved"], []) { $0.actor = "slipway-bot" },
        Event("another label", .labeled("lgtm"), on: ["lgtm"], []),
        Event("taken away by hand", .unlabeled("approved"), ["-approved", "notice"]) {
            $0.history.approvedByHand = "maria"
        },
        Event("stands by hand", .pushed, on: ["approved"], ["+approved", "notice"]) {
            $0.history.approvedByHand = "maria"
        },
        Event("a review approves", .reviewed, review: .approved, ["+approved", "notice"]) { $0.actor = "dora" },
        Event(
            "a review wants changes", .reviewed, review: .changesRequested, on: ["approved"], ["-approved", "notice"]
        ) {
            $0.actor = "dora"
        },
        Event("reviews ignored", .reviewed, review: .approved, []) {
            $0.actor = "dora"
            $0.approve.ignoresReviewState = true
        },
        Event(
            "a review that acts as lgtm", .reviewed, review: .approved,
            ["+lgtm", "unsay", "assign dora", "+approved", "notice"]
        ) {
            $0.actor = "dora"
            $0.lgtm.reviewActsAsLGTM = true
        },
        Event(
            "a review that takes it back", .reviewed, review: .changesRequested, on: ["lgtm"],
            ["-lgtm", "assign dora", "-approved", "notice"]
        ) {
            $0.actor = "dora"
            $0.lgtm.reviewActsAsLGTM = true
        },
        Event("a review that comments", .reviewed, review: .commented, ["-approved", "notice"]) {
            $0.lgtm.reviewActsAsLGTM = true
        },
        Event("a stranger's review", .reviewed, review: .approved, ["answer", "-approved", "notice"]) {
            $0.actor = "sam"
            $0.lgtm.reviewActsAsLGTM = true
        },
        Event(
            "OWNERS that cannot be read", .pushed,
            ["-approved", "notice", "+do-not-merge/invalid-owners-file", "notice"]
        ) {
            $0.verification = Self.verification("approvers: dora")
        },
        Event(
            "OWNERS that can", .pushed, on: ["do-not-merge/invalid-owners-file"],
            ["-approved", "notice", "-do-not-merge/invalid-owners-file", "unsay"]
        ) {
            $0.verification = Self.verification("approvers: [dora]")
        },
        Event(
            "OWNERS with somebody unknown", .pushed,
            ["-approved", "notice", "+do-not-merge/invalid-owners-file", "notice"]
        ) {
            $0.verification = Self.verification("approvers: [dora, sam]")
        },
        Event("unknown, where nobody asks", .pushed, ["-approved", "notice"]) {
            $0.verification = Self.verification("approvers: [dora, sam]")
            $0.settings.owners.skipsCollaboratorsIn = ["harbor"]
        },
    ]

    @Test(arguments: happenings)
    func events(row: Event) {
        // Whom blunderbuss asks has a suite of its own.
        let words = row.scene.happen(row.event, review: row.review).map {
            $0.hasPrefix("cc ") && row.words.contains("cc") ? "cc" : $0
        }
        #expect(words == row.words)
    }

    private static func verification(_ text: String) -> OwnersVerification {
        OwnersVerification(
            [.init(path: "cranes/OWNERS", head: Array(text.utf8))], aliases: nil, layout: OwnersLayout(),
            bannedLabels: [])
    }

    @Test("every command of OWNERS is asked for what it decides from")
    func questions() {
        let context = OwnersScene().context(CommentReference(kind: .comment, id: 1))
        for plugin in OwnersPlugins.all {
            for command in plugin.commands {
                let calls = command.names.map { CommandCall(name: $0) }
                #expect(!command.needs(calls, context).isEmpty, "\(command.names)")
            }
        }
    }
}
