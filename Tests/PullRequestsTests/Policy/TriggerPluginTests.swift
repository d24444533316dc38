import JobConfig
import PullRequests
import SlipwayModel
import Testing

@Suite("Tests that comments start, and who may")
struct TriggerPluginTests {
    @Test("a stranger's pull request says so")
    func okToTest() {
        var scene = Scene(actor: "ola")
        scene.names = ["trigger"]
        #expect(scene.happen(.opened).words.isEmpty)
        scene.facts.trusted = ["maria": true]
        #expect(scene.happen(.opened).words == ["+needs-ok-to-test"])
        scene.pull.labels = ["needs-ok-to-test"]
        #expect(scene.happen(.labeled("ok-to-test")).words == ["-needs-ok-to-test"])
        #expect(scene.say("/ok-to-test").words == ["answer"])
        scene.actor = "maria"
        #expect(scene.say("/ok-to-test").words == ["+ok-to-test", "-needs-ok-to-test", "schedule"])
        #expect(scene.say("/ok-to-test please").words == ["answer"])
        #expect(scene.say("/ok-to-test cancel").words == ["-ok-to-test", "+needs-ok-to-test"])
        scene.facts.trusted["noor"] = true
        #expect(scene.say("/ok-to-test cancel").words == ["-ok-to-test"])
        scene.facts.trusted["noor"] = nil
        scene.pull.labels = ["ok-to-test", "needs-ok-to-test"]
        for event in [PullEvent.pushed, .reopened, .readyForReview, .edited, .commented, .labeled("ok-to-test")] {
            #expect(scene.happen(event).words == ["-needs-ok-to-test"])
        }
        scene.pull.labels = []
        scene.settings.triggers = [
            {
                var trigger = PluginSettings.Trigger()
                trigger.repos = ["harbor"]
                trigger.ignoresOkToTest = true
                return trigger
            }()
        ]
        #expect(scene.say("/ok-to-test").words == ["answer"])
        #expect(scene.happen(.opened).words.isEmpty)
    }

    @Test("a trigger need not look like a command")
    func triggers() {
        var scene = Scene()
        scene.jobs("unit")
        scene.facts.jobs += Scene.job(
            "weather", trigger: "(?m)^Nice weather, isn't it[?]$", rerun: "Nice weather, isn't it?")
        let turn = scene.say("Well.\nNice weather, isn't it?\n/hold")
        #expect(turn.triggering == ["Nice weather, isn't it?"])
        #expect(turn.words == ["+do-not-merge/hold"])
        #expect(scene.say("Nice weather.").triggering.isEmpty)
        #expect(scene.say("/test unit").triggering.isEmpty)
        #expect(scene.say("> Nice weather, isn't it?").triggering.isEmpty)
        scene.pull.isOpen = false
        #expect(scene.say("Nice weather, isn't it?").triggering.isEmpty)
    }
}
