import JobConfig
import PullRequests
import Testing

@Suite("Commands that are none")
struct MisspellingTests {
    @Test(
        "one answer, with the nearest command",
        arguments: [
            ("/hodl", "/hold"), ("/tset unit", "/test"), ("/retset", "/retest"), ("/asign", "/assign"),
            ("/overide ci/unit", "/override"), ("/cherypick main", "/cherrypick"), ("/mielstone v1", "/milestone"),
            ("/ok-to-tests", "/ok-to-test"), ("/lifecyle stale", "/lifecycle"),
        ])
    func suggests(_ comment: String, _ command: String) throws {
        let turn = Scene().say(comment)
        #expect(turn.words == ["answer"])
        #expect(try #require(turn.answers.first).contains("did you mean `\(command)`?"))
    }

    @Test(
        "prose, paths and other people's commands are left alone",
        arguments: [
            "/usr/bin/foo", "/etc is where it lies", "/usr", "/tmp", "/joke", "/meow", "/", "/a", "//hold", "/-x",
            "/i think that we should", "and /frobnicate", "> /hodl", "`/hodl`", "/2",
        ])
    func silent(_ comment: String) { #expect(Scene().say(comment).words.isEmpty) }

    @Test("a command of nobody is answered, unless others may answer to it")
    func external() throws {
        var scene = Scene()
        #expect(try #require(scene.say("/frobnicate").answers.first).contains("`/frobnicate` is no command."))
        scene.settings.externalPlugins = ["harbor": ["refresh"]]
        #expect(scene.say("/frobnicate").words.isEmpty)
        #expect(scene.say("/refresh").words.isEmpty)
        #expect(scene.say("/hodl").words == ["answer"])
    }

    @Test("commands of plugins that are not active here are left alone")
    func inactive() {
        var scene = Scene()
        scene.names = ["hold"]
        #expect(scene.say("/kind bug").words.isEmpty)
        #expect(scene.say("/hold").words == ["+do-not-merge/hold"])
    }

    @Test("bots are not answered")
    func bots() { #expect(Scene(actor: "renovate[bot]").say("/rebase").words.isEmpty) }

    @Test("a job's own trigger is a command")
    func jobs() {
        var scene = Scene()
        scene.jobs("unit")
        #expect(scene.say("/test unit").scheduled.map(\.name) == ["test"])
    }

    @Test("ten thousand lines, five hundred commands")
    func bounds() {
        let flood = Scene().say(String(repeating: "/hold\n", count: 500))
        #expect(flood.handled.count == 50)
        #expect(flood.answers.first?.contains("more than 50 commands") == true)
        #expect(Scene().say(String(repeating: "a line\n", count: 10_000) + "/hold").handled.isEmpty)
        #expect(Scene().say(String(repeating: "x\n", count: 10_000) + "/hold").words == ["+do-not-merge/hold"])
    }

    @Test(arguments: [
        ("hold", "hold", 0), ("hodl", "hold", 1), ("hol", "hold", 1), ("holds", "hold", 1), ("", "ab", 2),
    ])
    func distance(_ left: String, _ right: String, _ distance: Int) {
        #expect(Misspelling.distance(left, right) == distance)
    }
}
