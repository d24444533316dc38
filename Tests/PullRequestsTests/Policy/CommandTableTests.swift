import JobConfig
import PullRequests
import SlipwayModel
import Testing

/// A comment, where it is written, and what follows in words.
struct Said: Sendable, CustomTestStringConvertible {
    var comment: String
    var labels: [String]
    var actor: String
    var words: [String]
    var testDescription: String { "\(actor): \(comment) on \(labels)" }

    init(_ comment: String, on labels: [String] = [], by actor: String = "maria", _ words: String...) {
        self.comment = comment
        self.labels = labels
        self.actor = actor
        self.words = words
    }
}

private let hold = "do-not-merge/hold"

@Suite("/hold")
struct HoldTests {
    @Test(arguments: [
        Said("/hold", "+\(hold)"), Said("/hold", on: [hold], "+\(hold)"), Said("/HOLD", "+\(hold)"),
        Said("/hold  ", "+\(hold)"), Said("  /hold"), Said("/hold\r\n", "+\(hold)"),
        Said("/hold until monday", "+\(hold)"),
        Said("/hold for @maria", "+\(hold)"), Said("/hold", by: "ola", "+\(hold)"),
        Said("/hold cancel", on: [hold], "-\(hold)"), Said("/hold cancel", "-\(hold)"),
        Said("/hold CANCEL", on: [hold], "-\(hold)"), Said("/unhold", on: [hold], "-\(hold)"),
        Said("/remove-hold", on: [hold], "-\(hold)"), Said("/hold cancel", on: [hold], by: "ola", "-\(hold)"),
        Said("/hold\n/hold cancel", "-\(hold)"), Said("/hold cancel\n/hold", on: [hold], "-\(hold)"),
        Said("/hold   cancel  it has been looked at", on: [hold], "-\(hold)"),
        Said("/unhold   it has been looked at", on: [hold], "-\(hold)"), Said("/unhold", "-\(hold)"),
        Said("/remove -    hold", on: [hold]), Said("/removehold", on: [hold]),
        Said("please /hold"), Said("/holdup"), Said("> /hold"), Said("```\n/hold\n```"), Said("    /hold"),
        Said("<!-- /hold -->"), Said("/hold\n\nThis needs a second look.", "+\(hold)"),
    ])
    func decides(_ said: Said) {
        #expect(
            Scene(labels: said.labels, actor: said.actor).say(said.comment).words.filter { $0 != "answer" }
                == said.words)
    }
}

@Suite("Labels by command")
struct LabelCommandTests {
    @Test(arguments: [
        Said("/kind bug", "+kind/bug"), Said("/kind BUG", "+kind/bug"), Said("/KIND bug", "+kind/bug"),
        Said("/kind bug feature", "+kind/bug", "+kind/feature"),
        Said("/kind  bug   feature", "+kind/bug", "+kind/feature"),
        Said("/area infra", "+area/infra"), Said("/area infra api", "+area/infra", "+area/api"),
        Said("/committee steering", "+committee/steering"), Said("/language fr", "+language/fr"),
        Said("/priority urgent", "+priority/urgent"), Said("/sig node", "+sig/node"), Said("/sig api", "+sig/api"),
        Said("/wg batch", "+wg/batch"), Said("/triage needs-information", "+triage/needs-information"),
        Said("/triage accepted", "+triage/accepted"), Said("/triage accepted", by: "ola", "answer"),
        Said("/triage needs-information", by: "ola", "+triage/needs-information"),
        Said("/triage accepted", on: ["triage/accepted"], by: "ola"),
        Said("/triage needs-information accepted", by: "ola", "+triage/needs-information", "answer"),
        Said("/kind bug", by: "ola", "+kind/bug"), Said("/kind bug", on: ["kind/bug"]), Said("  /kind bug"),
        Said("/area infra api", on: ["area/api"], "+area/infra"), Said("/area infra api ", "+area/infra", "+area/api"),
        Said("/kind nothing", "answer"), Said("/kind bug nothing", "+kind/bug", "answer"),
        Said("/kind nothing nowhere", "answer"), Said("/kind"), Said("/kind upper", "+Kind/Upper"),
        Said("/area bug", "answer"), Said("/sig bug", "answer"),
        Said("/remove-kind bug", on: ["kind/bug"], "-kind/bug", "+needs-kind"),
        Said("/remove-kind bug", on: ["kind/bug", "kind/feature"], "-kind/bug"),
        Said("/remove-kind bug", "answer"), Said("/remove-kind nothing", "answer"),
        Said("/remove-area infra", on: ["area/infra"], "-area/infra"),
        Said("/remove-area infra api", on: ["area/infra", "area/api"], "-area/infra", "-area/api"),
        Said("/remove-area infra api", on: ["area/api"], "-area/api", "answer"),
        Said("/remove-sig node", on: ["sig/node"], "-sig/node", "+needs-sig"),
        Said("/remove-sig node", on: ["sig/node", "sig/api"], "-sig/node"),
        Said("/remove-priority urgent", on: ["priority/urgent"], "-priority/urgent"),
        Said("/remove-triage accepted", on: ["triage/accepted"], "-triage/accepted", "+needs-triage"),
        Said("/remove-triage accepted", on: ["triage/accepted"], by: "ola", "-triage/accepted", "+needs-triage"),
        Said("/remove-committee steering", on: ["committee/steering"], "-committee/steering"),
        Said("/remove-language fr", on: ["language/fr"], "-language/fr"),
        Said("/remove-wg batch", on: ["wg/batch"], "-wg/batch"),
        Said("/kind bug\n/remove-kind bug", on: [], "+kind/bug", "-kind/bug"),
        Said("/remove-kind bug\n/kind feature", on: ["kind/bug"], "+kind/feature", "-kind/bug"),
        Said("/remove-area infra\n/area infra", on: ["area/infra"], "-area/infra"),
        Said(
            "/remove-area infra\n/remove-kind bug\n/area api\n/kind feature", on: ["area/infra", "kind/bug"],
            "+area/api", "+kind/feature", "-area/infra", "-kind/bug"),
        Said("<!--\n/kind bug\n-->\n/area infra\n<!--\n/sig node\n-->\n/wg batch", "+area/infra", "+wg/batch"),
        Said("/kind bug\n/area infra\n/sig node", "+kind/bug", "+area/infra", "+sig/node"),
        Said("/kind bug", on: ["needs-kind"], "+kind/bug", "-needs-kind"),
        Said("/sig node", on: ["needs-sig"], "+sig/node", "-needs-sig"),
        Said("/sig node", on: ["needs-kind"], "+sig/node"),
        Said("/priority urgent", on: ["needs-priority"], "+priority/urgent", "-needs-priority"),
        Said("/label api-review", "+api-review"), Said("/label API-REVIEW", "+api-review"),
        Said("/label api-review", by: "ola", "+api-review"), Said("/label team/katacoda", "+team/katacoda"),
        Said("/label kind/bug", "answer"), Said("/label lgtm", "answer"), Said("/label approved", "answer"),
        Said("/label"), Said("/remove-label"), Said("/label api-review ", "+api-review"),
        Said("/label api-review\r\n", "+api-review"), Said("/label nothing", "answer"),
        Said("/label api-review team/katacoda", "answer"),
        Said("/remove-label api-review", on: ["api-review"], "-api-review"), Said("/remove-label api-review", "answer"),
        Said("/remove-label lgtm", on: ["lgtm"], "answer"), Said("/remove-label kind/bug", on: ["kind/bug"], "answer"),
        Said("/label cve/wontfix", "+cve/wontfix"), Said("/label cve/wontfix", by: "ola", "answer"),
        Said("/label cve/wontfix", by: "pushkarj", "+cve/wontfix"),
        Said("/remove-label cve/wontfix", on: ["cve/wontfix"], by: "ola", "answer"),
        Said("/remove-label cve/wontfix", on: ["cve/wontfix"], "-cve/wontfix"),
        Said("kind bug"), Said("some /kind bug"), Said("> /kind bug"),
        Said("```\n/kind bug\n```\n/area api", "+area/api"),
        Said("/kind bug.", "answer"), Said("/kind b\u{0443}g", "answer"),
    ])
    func decides(_ said: Said) {
        var scene = Scene(labels: said.labels, actor: said.actor)
        var rule = Scene.restricted
        rule.label = "cve/wontfix"
        scene.settings.label.restricted = ["harbor/crane": [rule]]
        scene.facts.teams[.teamMember(org: "harbor", team: "security", login: "maria")] = true
        scene.facts.repositoryLabels?.append("needs-priority")
        scene.facts.repositoryLabels?.removeAll { $0 == "needs-priority" && !said.labels.contains($0) }
        #expect(scene.say(said.comment).words == said.words)
    }

    @Test("the answer names each label once, by what is wrong with it")
    func answer() throws {
        let answers = Scene(labels: []).say("/kind nothing\n/remove-kind bug\n/label lgtm").answers
        #expect(answers.contains { $0.contains("`kind/nothing`") && $0.contains("`kind/bug` is not set") })
        #expect(answers.contains { $0.contains("may not set `lgtm`") })
    }

    @Test("who may not is told who may")
    func allowed() throws {
        var scene = Scene(actor: "ola")
        #expect(scene.say("/triage accepted").answers.first?.contains("members of **harbor** may") == true)
        var rule = Scene.restricted
        rule.label = "cve/wontfix"
        scene.settings.label.restricted = ["harbor": [rule]]
        #expect(
            scene.say("/label cve/wontfix").answers.first?.contains("members of `security`, `pushkarj` may") == true)
    }

    @Test("the rule of the repository goes before its organization's, and that before everybody's")
    func scopes() {
        var scene = Scene(actor: "pushkarj")
        var rule = Scene.restricted
        rule.label = "cve/wontfix"
        var narrow = rule
        narrow.users = ["maria"]
        scene.settings.label.restricted = ["*": [rule], "harbor": [rule], "harbor/crane": [narrow]]
        #expect(scene.say("/label cve/wontfix").words == ["answer"])
        scene.settings.label.restricted = ["*": [narrow], "harbor": [rule]]
        #expect(scene.say("/label CVE/wontfix").words == ["+cve/wontfix"])
        scene.settings.label.restricted = ["other": [narrow], "*": [narrow, rule]]
        #expect(scene.say("/label cve/wontfix").words == ["+cve/wontfix"])
    }

    @Test(
        "allow_approvers_from_owners: who can approve every changed file",
        arguments: [
            ("li", ["cranes/arm.c"], ["+cve/wontfix"]), ("LI", ["cranes/arm.c"], ["+cve/wontfix"]),
            ("maria", ["cranes/arm.c", "readme"], ["+cve/wontfix"]), ("li", ["cranes/arm.c", "readme"], ["answer"]),
            ("nils", ["cranes/arm.c"], ["answer"]), ("li", [], ["answer"]), ("maria", ["docks/a"], ["answer"]),
            ("pushkarj", ["docks/a"], ["+cve/wontfix"]),
        ])
    func approvers(_ actor: String, _ files: [String], _ words: [String]) {
        var scene = Scene(actor: actor)
        var rule = Scene.restricted
        rule.label = "cve/wontfix"
        rule.allowsApprovers = true
        scene.settings.label.restricted = ["harbor/crane": [rule]]
        #expect(scene.questions("/label cve/wontfix").contains(.owners))
        #expect(!scene.questions("/label api-review").contains(.owners))
        #expect(scene.say("/label cve/wontfix").words == (actor == "pushkarj" ? words : ["answer"]))
        scene.facts.owners = OwnersFacts(
            files, in: OwnersFixture.harbour, headSHA: scene.pull.headSHA, baseSHA: scene.pull.baseSHA)
        #expect(scene.say("/label cve/wontfix").words == words)
    }

    @Test("remove_on_new_commits, assign_on")
    func restrictedEvents() {
        var scene = Scene(labels: ["CVE/wontfix", "kind/bug"])
        var rule = Scene.restricted
        rule.label = "cve/wontfix"
        rule.assignOn = ["kind/bug"]
        scene.names = ["label"]
        scene.settings.label.restricted = ["harbor": [rule]]
        #expect(scene.happen(.pushed).words.isEmpty)
        #expect(scene.happen(.labeled("Kind/Bug")).words == ["assign pushkarj"])
        #expect(scene.happen(.labeled("kind/feature")).words.isEmpty)
        rule.endsWithPush = true
        scene.settings.label.restricted = ["harbor": [rule]]
        #expect(scene.happen(.pushed).words == ["-cve/wontfix"])
        scene.pull.isMerged = true
        #expect(scene.happen(.pushed).words.isEmpty)
        scene.pull.isMerged = false
        scene.pull.labels = ["kind/bug"]
        #expect(scene.happen(.pushed).words.isEmpty)
    }

    @Test("membership is asked for only where it decides")
    func laziness() {
        #expect(Scene().questions("/kind bug") == [.repositoryLabels])
        #expect(Scene().questions("/triage accepted") == [.repositoryLabels, .member("maria")])
        #expect(Scene().questions("/hold").isEmpty)
    }
}

@Suite("/lifecycle, /close, /reopen, /stage")
struct LifecycleTests {
    @Test(arguments: [
        Said("/lifecycle active", "+lifecycle/active"), Said("/lifecycle stale", "+lifecycle/stale"),
        Said("/lifecycle rotten", "+lifecycle/rotten"), Said("/lifecycle frozen", "answer"),
        Said("/lifecycle Stale", "+lifecycle/stale"), Said("/lifecycle", "answer"), Said("/lifecycle dead", "answer"),
        Said("/lifecycle stale", by: "ola", "+lifecycle/stale"),
        Said("/lifecycle rotten", on: ["lifecycle/stale"], "-lifecycle/stale", "+lifecycle/rotten"),
        Said(
            "/lifecycle active", on: ["lifecycle/stale", "lifecycle/rotten"], "-lifecycle/stale", "-lifecycle/rotten",
            "+lifecycle/active"),
        Said("/lifecycle stale", on: ["lifecycle/stale"], "+lifecycle/stale"),
        Said("/remove-lifecycle stale", on: ["lifecycle/stale"], "-lifecycle/stale"),
        Said("/remove-lifecycle stale", "-lifecycle/stale"),
        Said("/remove-lifecycle frozen", on: ["lifecycle/frozen"], "-lifecycle/frozen"),
        Said("/remove-lifecycle rotten", on: ["lifecycle/stale"], "-lifecycle/rotten"),
        Said("/remove-lifecycle", "answer"), Said("/remove-lifecycle dead", "answer"),
        Said("/lifecycle stale rotten", "answer"), Said("/lifecycle frozen stale", "answer"),
        Said(
            "/remove-lifecycle stale\n/remove-lifecycle rotten\n/lifecycle active",
            on: ["lifecycle/stale", "lifecycle/rotten"], "-lifecycle/stale", "-lifecycle/rotten", "-lifecycle/stale",
            "-lifecycle/rotten", "+lifecycle/active"),
        Said("/close", "close", "answer"), Said("/close", by: "noor", "close", "answer"),
        Said("/close \r", by: "noor", "close", "answer"), Said("/close", by: "ola", "answer"),
        Said("/close", on: ["lifecycle/stale"], by: "ola", "close", "answer"),
        Said("/close", on: ["lifecycle/rotten"], by: "ola", "close", "answer"),
        Said("/close", on: ["lifecycle/active"], by: "ola", "answer"),
        Said("/close not-planned", "answer"), Said("/close NOT-PLANNED", by: "noor", "answer"),
        Said("/close not-planned", by: "ola", "answer"),
        Said("/close not-planned", on: ["lifecycle/stale"], by: "ola", "answer"),
        // What makes it forgotten counts for the next comment.
        Said("/lifecycle stale\n/close", by: "ola", "answer", "+lifecycle/stale"),
        Said("/lifecycle rotten\n/close", by: "noor", "close", "answer", "+lifecycle/rotten"),
        Said("/close issue"), Said("/reopen"), Said("/stage alpha", "+stage/alpha"),
        Said("/stage beta", on: ["stage/alpha"], "-stage/alpha", "+stage/beta"), Said("/stage gamma", "answer"),
        Said("/stage", "answer"), Said("/stage alpha beta", "answer"), Said("/remove-stage", "answer"),
        Said("/remove-stage alpha", on: ["stage/alpha"], "-stage/alpha"),
        Said("/stage stable", by: "ola", "+stage/stable"),
    ])
    func decides(_ said: Said) {
        #expect(Scene(labels: said.labels, actor: said.actor).say(said.comment).words == said.words)
    }

    @Test("what has no branch any more is not reopened")
    func branchIsGone() {
        var scene = Scene()
        scene.pull.isOpen = false
        scene.facts.branches["oil"] = nil
        #expect(scene.questions("/reopen") == [.collaborator("maria"), .branch("oil")])
        #expect(scene.say("/reopen").words == ["answer"])
        // What a fork has is the fork's matter; one that is deleted has nothing.
        scene.pull.headRepository = "noor/crane"
        #expect(scene.questions("/reopen") == [.collaborator("maria")])
        #expect(scene.say("/reopen").words == ["reopen", "answer"])
        scene.pull.headRepository = nil
        #expect(scene.say("/reopen").words == ["answer"])
    }

    @Test(
        "on a closed one",
        arguments: [
            (Said("/reopen", "reopen", "answer"), false), (Said("/reopen", by: "noor", "reopen", "answer"), false),
            (Said("/reopen please"), false),
            (Said("/reopen", by: "ola", "answer"), false), (Said("/reopen", "answer"), true),
            (Said("/close"), false), (Said("/hold", "+\(hold)"), false), (Said("/kind bug", "+kind/bug"), false),
            (Said("/lifecycle active", "+lifecycle/active"), false),
            (Said("/reopen\n/close", "reopen", "answer"), false),
            (Said("/milestone v1.0", "answer"), false), (Said("/status in-review", "answer"), false),
            (Said("/hodl"), false), (Said("/why"), false),
        ])
    func closed(_ said: Said, isMerged: Bool) {
        var scene = Scene(labels: said.labels, actor: said.actor)
        scene.pull.isOpen = false
        scene.pull.isMerged = isMerged
        #expect(scene.say(said.comment).words == said.words)
    }
}

@Suite("/assign and /cc")
struct AssignTests {
    @Test(arguments: [
        Said("/assign", "assign maria"), Said("/assign", by: "noor", "assign noor"),
        Said("/assign", by: "ola", "answer"),
        Said("/assign @li", "assign li"), Said("/assign li", "assign li"), Said("/assign @LI", "assign LI"),
        Said("/assign @li @noor", "assign li noor"), Said("/assign @li, @noor", "assign li noor"),
        Said("/assign @li,@noor", "assign li noor"), Said("/assign @li @li", "assign li"),
        Said("/assign @li @Li", "assign li"), Said("/assign @ola", "answer"),
        Said("/assign @ola @li", "assign li", "answer"),
        Said("/assign @li.", "assign li"), Said("/assign @li!", "assign li"),
        Said("/assign @li\n/assign @noor", "assign li noor"), Said("/assign this to somebody (please)"),
        Said("/assign @li", by: "ola", "assign li"), Said("/unassign", "unassign maria"),
        Said("/unassign @li", "unassign li"), Said("/unassign @ola", "unassign ola"),
        Said("/unassign @li @noor", "unassign li noor"),
        Said("/assign @li\n/unassign @noor", "unassign noor", "assign li"),
        Said("/assign @li\n/unassign @li", "unassign li"), Said("/unassign @li\n/assign @Li", "assign Li"),
        Said("/assign @in$valid"), Said("/assign in$valid"), Said("/assign @li \r", "assign li"),
        Said("/assign @ola @ola @ola @li", "assign li", "answer"), Said("/unassign @ola @li", "unassign ola li"),
        Said("/cc", "cc maria"), Said("/cc", by: "noor", "answer"), Said("/cc @li", "cc li"), Said("/cc li", "cc li"),
        Said("/cc @maria @li", "cc maria li"), Said("/cc @noor", "answer"), Said("/cc @ola", "answer"),
        Said("/cc @ola @li", "cc li", "answer"), Said("/cc @harbor/builders", "cc harbor/builders"),
        Said("/cc @li @harbor/builders", "cc li harbor/builders"), Said("/cc @li", by: "ola", "cc li"),
        Said("/uncc", "uncc maria"), Said("/uncc @li", "uncc li"), Said("/cc @li\n/uncc @maria", "uncc maria", "cc li"),
        Said("/cc @li\n/uncc @li", "uncc li"), Said("/cc \n/uncc @noor ", "uncc noor", "cc maria"),
        Said("/uncc @harbor/builders", "uncc harbor/builders"), Said("/cc @in$valid"),
        Said(
            "/assign @noor\n/unassign @maria @ola\n/uncc @li \n/cc @maria", "unassign maria ola", "assign noor",
            "uncc li", "cc maria"),
        Said("/CC @li", "cc li"), Said("/cc @a/b/c"), Said("> /cc @li"), Said("please /assign @li"),
    ])
    func decides(_ said: Said) {
        #expect(Scene(labels: said.labels, actor: said.actor).say(said.comment).words == said.words)
    }

    @Test("a forge assigns ten people; who is one too many is told")
    func tooMany() {
        var scene = Scene()
        let names = (1...13).map { "user\($0)" }
        for name in names { scene.facts.assignable[name] = true }
        let turn = scene.say("/assign " + names.joined(separator: " "))
        #expect(turn.words.first == "assign " + names.prefix(10).joined(separator: " "))
        #expect(turn.answers.first?.contains("`user11`, `user12`, `user13`") == true)
        scene.pull.assignees = Array(names.prefix(9))
        #expect(scene.say("/assign @user1 @user12").words == ["assign user1 user12"])
        #expect(scene.say("/assign @user12 @user13").words == ["assign user12", "answer"])
        #expect(
            scene.say("/unassign @user1\n/assign @user12 @user13").words == ["unassign user1", "assign user12 user13"])
    }

    @Test("names that do not end are not asked about")
    func bounded() {
        let names = (0..<500).map { "@user\($0)" }.joined(separator: " ")
        #expect(Scene().questions("/assign \(names)").count == 50)
    }
}

extension Scene {
    fileprivate static var restricted: PluginSettings.Labels.Restricted {
        var rule = PluginSettings.Labels.Restricted()
        rule.teams = ["security"]
        rule.users = ["pushkarj"]
        return rule
    }
}
