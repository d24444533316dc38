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
        Said("/close issue"), Said("/reopen"), Said("/stage alpha", "+stage/alpha"),
        Said("/stage beta", on: ["stage/alpha"], "-stage/alpha", "+stage/beta"), Said("/stage gamma", "answer"),
        Said("/stage", "answer"), Said("/stage alpha beta", "answer"), Said("/remove-stage", "answer"),
        Said("/remove-stage alpha", on: ["stage/alpha"], "-stage/alpha"),
        Said("/stage stable", by: "ola", "+stage/stable"),
    ])
    func decides(_ said: Said) {
        #expect(Scene(labels: said.labels, actor: said.actor).say(said.comment).words == said.words)
    }

    @Test(
        "on a closed one",
        arguments: [
            (Said("/reopen", "reopen", "answer"), false), (Said("/reopen", by: "noor", "reopen", "answer"), false),
            (Said("/reopen please"), false),
            (Said("/reopen", by: "ola", "answer"), false), (Said("/reopen", "answer"), true),
            (Said("/close"), false), (Said("/hold", "+\(hold)"), false), (Said("/kind bug", "+kind/bug"), false),
            (Said("/lifecycle active", "+lifecycle/active"), false), (Said("/hodl"), false), (Said("/why"), false),
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

@Suite("/override, /skip")
struct OverrideTests {
    private func scene(_ actor: String) -> Scene {
        var scene = Scene(actor: actor)
        scene.jobs("unit", "lint?", "e2e", "never")
        scene.statuses([
            "ci/unit": "failure", "ci/lint": "failure", "ci/e2e": "success", "travis": "error", "a b": "failure",
            "hung": "pending",
        ])
        scene.facts.overrides = ["ci/unit", "travis"]
        return scene
    }

    @Test(arguments: [
        Said("/override ci/unit", "override ci/unit", "answer"), Said("/override unit", "override ci/unit", "answer"),
        Said("/override travis", "override travis", "answer"),
        Said("/override ci/unit travis", "override ci/unit travis", "answer"),
        Said("/override unit ci/unit", "override ci/unit", "answer"),
        Said("/override ci/e2e", "answer"), Said("/override e2e", "answer"), Said("/override ci/e2e unit", "answer"),
        Said("/override hung", "override hung", "answer"),
        Said("/override never", "override ci/never", "answer"),
        Said("/override \"a b\"", "override a b", "answer"),
        Said("/override 'a b' unit", "override a b ci/unit", "answer"),
        Said("/override ci/unit\n/override travis", "override ci/unit", "answer", "override travis", "answer"),
        Said("/override unit\r\nIt is known to fail.", "override ci/unit", "answer"),
        Said("/override nothing", "answer"), Said("/override nothing ci/unit", "answer"),
        Said("/override CI/UNIT", "answer"), Said("/override", "answer"),
        Said("/override lint", "override ci/lint", "answer"),
        Said("/override ci/unit", by: "noor", "answer"), Said("/override ci/unit", by: "ola", "answer"),
        Said("/override ci/unit", by: "li", "answer"), Said("/override", by: "ola", "answer"),
        Said("/override-sticky ci/unit", "sticky ci/unit", "answer"),
        Said("/override-sticky unit travis", "sticky ci/unit travis", "answer"),
        Said("/override-sticky nothing", "answer"), Said("/override-sticky ci/unit", by: "ola", "answer"),
        Said("/override-sticky unit\n/override travis", "sticky ci/unit", "answer", "override travis", "answer"),
        Said("/override-cancel", "unoverride ci/unit travis", "answer"),
        Said("/override-cancel ci/unit", "unoverride ci/unit", "answer"),
        Said("/override-cancel unit", "unoverride ci/unit", "answer"), Said("/override-cancel ci/e2e", "answer"),
        Said("/override-cancel nothing", "answer"),
        Said("/override-cancel", by: "ola", "answer"), Said("/override-cancel ci/unit", by: "noor", "answer"),
        Said("> /override ci/unit"), Said("```\n/override ci/unit\n```"), Said("    /override ci/unit"),
        Said("please /override ci/unit"), Said("/OVERRIDE ci/unit", "override ci/unit", "answer"),
        Said("/override   ci/unit  ", "override ci/unit", "answer"),
        Said("/override ci/unit\r\n", "override ci/unit", "answer"),
        Said("/skip\n/test lint", "schedule"), Said("/skip\n/retest", "schedule"), Said("/skip\n/test all", "schedule"),
        Said("/skip\n/test unit", "schedule", "status ci/lint success Skipped"), Said("/skip please"),
        Said("/skip", "status ci/lint success Skipped"), Said("/skip", by: "ola", "status ci/lint success Skipped"),
    ])
    func decides(_ said: Said) { #expect(scene(said.actor).say(said.comment).words == said.words) }

    @Test("teams and administrators only; the answer says who may")
    func teams() throws {
        var scene = scene("li")
        scene.settings.override.teams = ["harbor": ["release-team"]]
        #expect(scene.say("/override unit").answers.first?.contains("`release-team`") == true)
        scene.facts.teams[.teamMember(org: "harbor", team: "release-team", login: "li")] = true
        #expect(scene.say("/override unit").words == ["override ci/unit", "answer"])
        #expect(scene.say("/override unit").answers == ["Overrode contexts on behalf of li: ci/unit"])
        #expect(
            scene.questions("/override unit").contains(.teamMember(org: "harbor", team: "release-team", login: "li")))
    }

    @Test("what nobody could tell is a no")
    func unanswered() {
        var scene = scene("maria")
        scene.facts.permissions = [:]
        #expect(scene.say("/override unit").words == ["answer"])
    }

    @Test("nothing to skip where no optional job failed")
    func nothingToSkip() {
        var scene = scene("maria")
        scene.statuses(["ci/unit": "failure", "ci/lint": "success", "travis": "error"])
        #expect(scene.say("/skip").words.isEmpty)
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
