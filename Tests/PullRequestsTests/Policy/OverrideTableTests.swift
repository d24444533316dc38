import Forge
import JobConfig
import PullRequests
import Testing

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

    @Test(
        "a check run that failed is overridden by its name, by an App",
        arguments: [
            Said("/override build", "checks build", "answer"),
            Said("/override \"Unit Tests\"", "checks Unit Tests", "answer"),
            Said("/override build ci/unit", "override ci/unit", "checks build", "answer"),
            Said("/override build build", "checks build", "answer"),
            Said("/override-sticky build", "checks build", "answer"),
            Said("/override late", "checks late", "answer"), Said("/override stopped", "checks stopped", "answer"),
            Said("/override travis", "override travis", "checks travis", "answer"),
            Said("/override docs", "answer"), Said("/override slow", "answer"), Said("/override neutral", "answer"),
            Said("/override skipped", "answer"), Said("/override BUILD", "answer"), Said("/override Unit", "answer"),
            Said("/override build nothing", "answer"), Said("/override build", by: "ola", "answer"),
            Said("/override-cancel build", "unoverride check:build", "answer"),
            Said("/override-cancel", "unoverride ci/unit travis check:build", "answer"),
            Said("/override-cancel\n/override-cancel nothing", "unoverride ci/unit travis check:build", "answer"),
            Said("/override-cancel docs", "answer"),
        ])
    func checkRuns(_ said: Said) {
        var scene = scene(said.actor)
        scene.checks([
            "build": "failure", "Unit Tests": "timed_out", "docs": "success", "slow": "", "neutral": "neutral",
            "skipped": "skipped", "late": "action_required", "stopped": "cancelled", "travis": "failure",
        ])
        scene.facts.writesChecks = true
        scene.facts.overriddenChecks = ["build"]
        #expect(scene.say(said.comment).words == said.words)
    }

    @Test("what the branch's protection waits for, and nobody has reported, can be overridden")
    func required() throws {
        var scene = scene("maria")
        scene.facts.requiredContexts = ["legal", "ci/e2e", "build"]
        scene.checks(["build": "success"])
        #expect(scene.questions("/override legal").contains(.requiredContexts("main")))
        #expect(scene.say("/override legal").words == ["override legal", "answer"])
        #expect(scene.say("/override ci/e2e").words == ["answer"])
        #expect(scene.say("/override build").words == ["answer"])
        let answer = try #require(scene.say("/override").answers.first)
        #expect(answer.contains("`legal`") && !answer.contains("`build`") && !answer.contains("ci/e2e"))
    }

    @Test("without an App a check run cannot be overridden, which is said; a status of that name can")
    func checkRunsByToken() throws {
        var scene = scene("maria")
        scene.checks(["build": "failure", "travis": "failure"])
        let turn = scene.say("/override build ci/unit")
        #expect(turn.words == ["answer"] && turn.answers.first?.contains("`build` is a check run") == true)
        #expect(scene.say("/override travis").words == ["override travis", "answer"])
        #expect(scene.say("/override").answers.first?.contains("build") == false)
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
