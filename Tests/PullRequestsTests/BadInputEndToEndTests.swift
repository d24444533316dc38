import Fleet
import Forge
import ForgeTesting
import Foundation
import JobConfig
import LocalForge
import Postgres
import PullRequests
import SlipwayModel
import SlipwayTesting
import Testing

/// What nobody should send, and what happens between two events.
@Suite("Bad input on pull requests, end to end")
struct BadInputEndToEndTests {
    private static let repository = ForgeFixture.repository
    private static let hold = "do-not-merge/hold"

    @Test("a comment of ten thousand lines is read like any other")
    func longComment() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say(String(repeating: "line\n", count: 9_999) + "/hold", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.labels(number) == [Self.hold])
        }
    }

    @Test("of five hundred commands in one comment fifty are carried out, and one answer says so")
    func manyCommands() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            let flood = (0..<499).map { "/assign @nobody\($0)\n" }.joined() + "/hold\n"
            try await harness.say(flood, on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.labels(number).isEmpty)
            let words = try await harness.words(number).filter { $0.contains("more than 50 commands") }
            #expect(words.count == 1 && words[0].count < 2000)
            let rows = try await harness.bus.database.query("select count(*) from pull_requests.commands").one()
                .decode(Int.self)
            #expect(rows == 50)
        }
    }

    @Test("letters and slashes that only look alike command nothing, and are echoed harmlessly")
    func lookAlikes() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say(
                "\u{FF0F}hold\n/h\u{043E}ld\n/\u{04BB}old\n/hold\u{0301}\n\u{202E}/hold", on: number, by: "maria")
            try await harness.say("/kind b\u{0443}g\u{202E}`@maria <b>", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.labels(number).isEmpty)
            let answer = try #require(try await harness.words(number).last)
            #expect(!answer.contains("`@maria") || answer.contains("'@maria"))
        }
    }

    @Test("a base branch that is deleted: commands act, and OWNERS are those of the commit it was opened on")
    func deletedBase() async throws {
        try await PullRequestsHarness.run(files: OwnersEndToEndTests.owners, plugins: OwnersEndToEndTests.plugins) {
            harness in
            try await harness.forge.git("push", "--quiet", "origin", "main:refs/heads/old")
            _ = try await harness.forge.push("arm", ["cranes/arm.c": "1\n"])
            let number = try await harness.forge.user("noor").openPull(
                Self.repository, title: "Arm", head: "arm", base: "old"
            ).number
            try await harness.quiet()
            try await harness.forge.git("push", "--quiet", "origin", "--delete", "old")
            try await harness.say("/lgtm\n/approve", on: number, by: "dora")
            try await harness.quiet()
            // The OWNERS files of the commit it was opened on are still there, and count.
            #expect(try await harness.labels(number) == ["lgtm", "approved"])
        }
    }

    @Test("a branch of its own that is deleted: commands act, and /reopen says why it cannot")
    func deletedHead() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say("/close", on: number, by: "noor")
            try await harness.quiet()
            try await harness.forge.git("push", "--quiet", "origin", "--delete", "feature")
            try await harness.say("/reopen\n/hold", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await !harness.forge.bot.pull(Self.repository, number).isOpen)
            #expect(try await harness.labels(number) == ["do-not-merge/hold"])
            #expect(try await harness.words(number).contains { $0.contains("its branch `feature` is gone") })
        }
    }

    @Test("reviews of the forge approve, and take back")
    func reviews() async throws {
        var plugins = OwnersEndToEndTests.plugins
        plugins.lgtm = [PluginSettings.LGTM()]
        plugins.lgtm[0].repos = ["harbor"]
        plugins.lgtm[0].reviewActsAsLGTM = true
        try await PullRequestsHarness.run(files: OwnersEndToEndTests.owners, plugins: plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            _ = try await harness.forge.user("li").review(Self.repository, number, event: "COMMENT", body: "Hm.")
            try await harness.quiet()
            #expect(try await harness.labels(number).isEmpty)
            _ = try await harness.forge.user("dora").review(Self.repository, number, event: "APPROVE")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm", "approved"])
            _ = try await harness.forge.user("dora").review(
                Self.repository, number, event: "REQUEST_CHANGES", body: "No.")
            try await harness.quiet()
            #expect(try await harness.labels(number).isEmpty)
            // A command in a review speaks for itself.
            _ = try await harness.forge.user("dora").review(
                Self.repository, number, event: "APPROVE", body: "/approve cancel\n/hold")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
        }
    }

    @Test("a repository that is not configured: its deliveries are taken, and nothing is said there")
    func notConfigured() async throws {
        var plugins = PluginSettings()
        plugins.plugins["elsewhere"] = .init(names: ["trigger", "hold", "lgtm", "approve", "size", "label"])
        try await PullRequestsHarness.run(plugins: plugins) { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"], body: "/hold")
            try await harness.say("/hold\n/lgtm\n/hodl\n/test all", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.forge.bot.labels(Self.repository, number).isEmpty)
            #expect(try await harness.words(number).isEmpty)
            let stored = try await harness.bus.database.query("select count(*) from triggers.deliveries_v1").one()
                .decode(Int.self)
            #expect(stored > 0)
        }
    }

    @Test("labels that the repository lacks are made with a look; one that is there keeps its own")
    func looks() async throws {
        try await PullRequestsHarness.run { harness in
            try await harness.forge.bot.defineLabel(
                Self.repository, "do-not-merge/hold", color: "123456", description: "Ours")
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.say("/hold\n/lifecycle stale", on: number, by: "maria")
            try await harness.quiet()
            let labels = try await harness.forge.bot.labels(of: Self.repository)
            let hold = try #require(labels.first { $0.name == Self.hold })
            #expect(hold.color == "123456" && hold.description == "Ours")
            for name in ["lifecycle/stale", "size/XS"] {
                let made = try #require(labels.first { $0.name == name })
                let look = try #require(LabelLooks.look(of: name))
                #expect(made.color == look.color && made.description == look.description)
            }
        }
    }

    @Test("a label that the forge refuses is given up, and everything else goes on")
    func refusedLabel() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            harness.forge.server.faults.inject(
                .answer(422, message: "Validation Failed"), method: "POST", path: "/issues/\(number)/labels")
            try await harness.say("/hold", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.labels(number).isEmpty)
            try await harness.say("/lifecycle stale", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lifecycle/stale"])
        }
    }

    @Test("who took part can be assigned, who did not cannot")
    func participants() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.say("/assign @sam", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.forge.bot.pull(Self.repository, number).assignees?.isEmpty == true)
            try await harness.say("/assign", on: number, by: "sam")
            try await harness.quiet()
            #expect(try await harness.forge.bot.pull(Self.repository, number).assignees?.map(\.login) == ["sam"])
        }
    }

    @Test("an alias that came to the base meanwhile is known when OWNERS are verified")
    func aliasOfBase() async throws {
        try await PullRequestsHarness.run(files: OwnersEndToEndTests.owners, plugins: OwnersEndToEndTests.plugins) {
            harness in
            _ = try await harness.forge.push("arm", ["new/OWNERS": "approvers: [crane-crew]\n"])
            _ = try await harness.forge.push("main", ["OWNERS_ALIASES": "aliases:\n  crane-crew: [dora]\n"])
            let number = try await harness.forge.user("noor").openPull(
                Self.repository, title: "Arm", head: "arm", base: "main"
            ).number
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("do-not-merge/invalid-owners-file"))
        }
    }
}
