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
        Said("  /hold  ", "+\(hold)"), Said("/hold\r\n", "+\(hold)"), Said("/hold until monday", "+\(hold)"),
        Said("/hold for @maria", "+\(hold)"), Said("/hold", by: "ola", "+\(hold)"),
        Said("/hold cancel", on: [hold], "-\(hold)"), Said("/hold cancel", "-\(hold)"),
        Said("/hold CANCEL", on: [hold], "-\(hold)"), Said("/unhold", on: [hold], "-\(hold)"),
        Said("/remove-hold", on: [hold], "-\(hold)"), Said("/hold cancel", on: [hold], by: "ola", "-\(hold)"),
        Said("/hold\n/hold cancel", "-\(hold)"), Said("/hold cancel\n/hold", on: [hold], "-\(hold)"),
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
        Said("/kind bug", by: "ola", "+kind/bug"), Said("/kind bug", on: ["kind/bug"], "+kind/bug"),
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
        Said("/kind bug\n/area infra\n/sig node", "+kind/bug", "+area/infra", "+sig/node"),
        Said("/kind bug", on: ["needs-kind"], "+kind/bug", "-needs-kind"),
        Said("/sig node", on: ["needs-sig"], "+sig/node", "-needs-sig"),
        Said("/sig node", on: ["needs-kind"], "+sig/node"),
        Said("/priority urgent", on: ["needs-priority"], "+priority/urgent", "-needs-priority"),
        Said("/label api-review", "+api-review"), Said("/label API-REVIEW", "+api-review"),
        Said("/label api-review", by: "ola", "+api-review"), Said("/label team/katacoda", "+team/katacoda"),
        Said("/label kind/bug", "answer"), Said("/label lgtm", "answer"), Said("/label approved", "answer"),
        Said("/label"), Said("/label nothing", "answer"), Said("/label api-review team/katacoda", "answer"),
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
        Said("/remove-lifecycle", "answer"),
        Said("/close", "close"), Said("/close", by: "noor", "close"), Said("/close", by: "ola", "answer"),
        Said("/close", on: ["lifecycle/stale"], by: "ola", "close"),
        Said("/close", on: ["lifecycle/rotten"], by: "ola", "close"),
        Said("/close", on: ["lifecycle/active"], by: "ola", "answer"),
        Said("/close not-planned", "close not_planned"), Said("/close NOT-PLANNED", "close not_planned"),
        Said("/close issue", "close"), Said("/reopen"), Said("/stage alpha", "+stage/alpha"),
        Said("/stage beta", on: ["stage/alpha"], "-stage/alpha", "+stage/beta"), Said("/stage gamma"),
        Said("/remove-stage alpha", on: ["stage/alpha"], "-stage/alpha"),
        Said("/stage stable", by: "ola", "+stage/stable"),
    ])
    func decides(_ said: Said) {
        #expect(Scene(labels: said.labels, actor: said.actor).say(said.comment).words == said.words)
    }

    @Test(
        "on a closed one",
        arguments: [
            (Said("/reopen", "reopen"), false), (Said("/reopen", by: "noor", "reopen"), false),
            (Said("/reopen", by: "ola", "answer"), false), (Said("/reopen", "answer"), true),
            (Said("/close"), false), (Said("/hold"), false), (Said("/kind bug", "+kind/bug"), false),
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
        Said("/assign @li\n/unassign @noor", "assign li", "unassign noor"),
        Said("/cc", "cc maria"), Said("/cc", by: "noor", "answer"), Said("/cc @li", "cc li"), Said("/cc li", "cc li"),
        Said("/cc @maria @li", "cc maria li"), Said("/cc @noor", "answer"), Said("/cc @ola", "answer"),
        Said("/cc @ola @li", "cc li", "answer"), Said("/cc @harbor/builders", "cc harbor/builders"),
        Said("/cc @li @harbor/builders", "cc li harbor/builders"), Said("/cc @li", by: "ola", "cc li"),
        Said("/uncc", "uncc maria"), Said("/uncc @li", "uncc li"), Said("/cc @li\n/uncc @maria", "cc li", "uncc maria"),
        Said("/CC @li", "cc li"), Said("/cc @a/b/c"), Said("> /cc @li"), Said("please /assign @li"),
    ])
    func decides(_ said: Said) {
        #expect(Scene(labels: said.labels, actor: said.actor).say(said.comment).words == said.words)
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
        scene.jobs("unit", "lint?", "e2e")
        scene.statuses([
            "ci/unit": "failure", "ci/lint": "failure", "ci/e2e": "success", "travis": "error", "a b": "failure",
        ])
        scene.facts.overrides = ["ci/unit", "travis"]
        return scene
    }

    @Test(arguments: [
        Said("/override ci/unit", "override ci/unit"), Said("/override unit", "override ci/unit"),
        Said("/override travis", "override travis"), Said("/override ci/unit travis", "override ci/unit travis"),
        Said("/override unit ci/unit", "override ci/unit"), Said("/override ci/e2e", "override ci/e2e"),
        Said("/override \"a b\"", "override a b"), Said("/override 'a b' unit", "override a b ci/unit"),
        Said("/override ci/unit\n/override travis", "override ci/unit", "override travis"),
        Said("/override nothing", "answer"), Said("/override nothing ci/unit", "answer"),
        Said("/override CI/UNIT", "answer"), Said("/override", "answer"), Said("/override lint", "override ci/lint"),
        Said("/override ci/unit", by: "noor", "answer"), Said("/override ci/unit", by: "ola", "answer"),
        Said("/override ci/unit", by: "li", "answer"), Said("/override", by: "ola", "answer"),
        Said("/override-sticky ci/unit", "sticky ci/unit"),
        Said("/override-sticky unit travis", "sticky ci/unit travis"),
        Said("/override-sticky nothing", "answer"), Said("/override-sticky ci/unit", by: "ola", "answer"),
        Said("/override-sticky unit\n/override travis", "sticky ci/unit", "override travis"),
        Said("/override-cancel", "unoverride ci/unit travis"), Said("/override-cancel ci/unit", "unoverride ci/unit"),
        Said("/override-cancel unit", "unoverride ci/unit"), Said("/override-cancel ci/e2e", "answer"),
        Said("/override-cancel", by: "ola", "answer"), Said("/override-cancel ci/unit", by: "noor", "answer"),
        Said("> /override ci/unit"), Said("```\n/override ci/unit\n```"), Said("    /override ci/unit"),
        Said("please /override ci/unit"), Said("/OVERRIDE ci/unit", "override ci/unit"),
        Said("/override   ci/unit  ", "override ci/unit"), Said("/override ci/unit\r\n", "override ci/unit"),
        Said("/skip", "status ci/lint success Skipped"), Said("/skip", by: "ola", "status ci/lint success Skipped"),
    ])
    func decides(_ said: Said) { #expect(scene(said.actor).say(said.comment).words == said.words) }

    @Test("teams and administrators only; the answer says who may")
    func teams() throws {
        var scene = scene("li")
        scene.settings.override.teams = ["harbor": ["release-team"]]
        #expect(scene.say("/override unit").answers.first?.contains("`release-team`") == true)
        scene.facts.teams[.teamMember(org: "harbor", team: "release-team", login: "li")] = true
        #expect(scene.say("/override unit").words == ["override ci/unit"])
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
