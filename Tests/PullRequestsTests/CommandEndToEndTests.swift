import Fleet
import Forge
import ForgeTesting
import Foundation
import JobConfig
import Postgres
import PullRequests
import SlipwayModel
import SlipwayTesting
import Testing

/// From the comment at the forge to what the forge shows.
@Suite("Commands, end to end")
struct CommandEndToEndTests {
    private static let repository = ForgeFixture.repository
    private static let hold = "do-not-merge/hold"

    @Test("a comment that is delivered three times acts once")
    func delivered() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say("/hold\n/hodl", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.labels(number).contains(Self.hold))
            // Somebody takes the label away; the comment, delivered anew, must not bring it back.
            try await harness.forge.user("maria").removeLabel(Self.repository, number, Self.hold)
            let hook = try #require(try await harness.forge.bot.hooks(Self.repository).first)
            let delivery = try #require(
                try await harness.forge.bot.deliveries(Self.repository, hook: hook.id).last {
                    $0.event == "issue_comment"
                })
            for _ in 1...2 {
                try await harness.forge.bot.redeliver(Self.repository, hook: hook.id, delivery: delivery.id)
            }
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains(Self.hold))
            #expect(try await harness.words(number).count { $0.contains("did you mean") } == 1)
            let rows = try await harness.bus.database.query("select count(*) from pull_requests.commands").one()
                .decode(Int.self)
            #expect(rows == 2)
        }
    }

    @Test("of two comments the later one decides, in whatever order they are handled")
    func outOfOrder() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say("/hold", on: number, by: "maria")
            try await harness.say("/hold cancel", on: number, by: "noor")
            try await eventually("both are stored") {
                try await harness.bus.database.query(
                    "select count(*) from fleet.outbox where type = 'comment.written'"
                ).one().decode(Int.self) == 2
            }
            let messages = try await harness.taken()
            for message in messages.reversed() { try await harness.handOn([message]) }
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains(Self.hold))
        }
    }

    @Test("two commands that race leave one consistent state")
    func race() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            for round in 0..<6 {
                try await harness.say(round.isMultiple(of: 2) ? "/hold" : "/hold cancel", on: number, by: "maria")
            }
            try await eventually("all are stored") {
                try await harness.bus.database.query(
                    "select count(*) from fleet.outbox where type = 'comment.written'"
                ).one().decode(Int.self) == 6
            }
            let messages = try await harness.taken()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for message in messages { group.addTask { try await harness.handOn([message]) } }
                try await group.waitForAll()
            }
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains(Self.hold))
            let mirrored = try await harness.bus.database.query(
                "select labels from pull_requests.pulls_v1 where number = \(number)"
            ).one().decode([String].self)
            #expect(Set(mirrored.filter { !$0.hasPrefix("size/") }) == (try await harness.labels(number)))
        }
    }

    @Test("people, title, state and milestone reach the forge")
    func everythingElse() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say(
                "/assign @maria\n/cc @maria\n/retitle New lamp\n/lifecycle stale\n/close", on: number, by: "noor")
            try await harness.quiet()
            let shown = try await harness.forge.bot.pull(Self.repository, number)
            #expect(shown.assignees?.map(\.login) == ["maria"])
            #expect(shown.requestedReviewers?.map(\.login) == ["maria"])
            #expect(shown.title == "New lamp")
            #expect(!shown.isOpen)
            #expect(shown.labelNames.contains("lifecycle/stale"))
            try await harness.say("/reopen\n/unassign @maria", on: number, by: "noor")
            try await harness.until("it is open again, and nobody's") {
                try await harness.keep()
                let again = try await harness.forge.bot.pull(Self.repository, number)
                return again.isOpen && again.assignees?.isEmpty == true
            }
        }
    }

    @Test("a comment that arrives before the delivery of what it answers is about the state it was written in")
    func overtaking() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.forge.user("maria").setOpenness(Self.repository, number, isOpen: false)
            try await harness.say("/reopen", on: number, by: "maria")
            try await eventually("both are stored") {
                try await harness.bus.database.query(
                    "select type from fleet.outbox where type in ('comment.written', 'pull.changed')"
                ).count >= 2
            }
            let messages = try await harness.taken()
            try await harness.handOn(messages.filter { $0.envelope.type == CommentWritten.type })
            try await harness.handOn(messages.filter { $0.envelope.type != CommentWritten.type })
            try await harness.quiet()
            #expect(try await harness.forge.bot.pull(Self.repository, number).isOpen)
        }
    }

    @Test("a conflict with the base is told, and goes with it")
    func needsRebase() async throws {
        try await PullRequestsHarness.run(files: ["lamp.txt": "dark\n"]) { harness in
            let number = try await harness.forge.open("oil", ["lamp.txt": "oil\n"])
            try await harness.quiet()
            _ = try await harness.forge.push("main", ["lamp.txt": "gas\n"])
            try await harness.until("the conflict is told") {
                try await harness.keep()
                return try await harness.labels(number).contains("needs-rebase")
            }
            try await harness.quiet()
            try await harness.say("/why", on: number, by: "noor")
            try await harness.quiet()
            let answer = try #require(
                try await harness.words(number).last { $0.contains("keeps it from being merged") })
            #expect(answer.contains("It conflicts with `main`."))
            #expect(answer.contains("@noor rebases it"))
        }
    }

    @Test("a merged change is picked onto another branch, once")
    func cherryPick() async throws {
        try await PullRequestsHarness.run(files: ["lamp.txt": "dark\n"]) { harness in
            _ = try await harness.forge.git("checkout", "--quiet", "-b", "release-1.0", "main")
            _ = try await harness.forge.git("push", "--quiet", "origin", "release-1.0")
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say("/cherrypick release-1.0", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.words(number).contains { $0.contains("once it is merged") })
            _ = try await harness.forge.git("checkout", "--quiet", "main")
            _ = try await harness.forge.git("merge", "--quiet", "--no-ff", "feature", "-m", "Merge")
            _ = try await harness.forge.git("push", "--quiet", "origin", "main")
            try await harness.until("the pick is open") {
                try await harness.keep()
                return try await harness.forge.bot.pulls(Self.repository, base: "release-1.0").count == 1
            }
            try await harness.keep()
            try await harness.quiet()
            let picks = try await harness.forge.bot.pulls(Self.repository, base: "release-1.0")
            #expect(picks.map(\.title) == ["[release-1.0] Change feature"])
        }
    }

    @Test("an override is noted with who and why, and ends with its base")
    func override() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            let head = try await harness.forge.bot.pull(Self.repository, number).head.sha
            try await harness.say("The lamp is known to be dark.\n/override unit", on: number, by: "maria")
            try await harness.say("/override unit", on: number, by: "noor")
            try await harness.quiet()
            let status = try await harness.forge.bot.combinedStatus(Self.repository, ref: head).statuses
                .first { $0.context == "unit" }
            #expect(status?.state == "success")
            #expect(status?.description?.hasPrefix("Overridden by maria") == true)
            let row = try await harness.bus.database.query(
                "select actor, reason, ended_by from pull_requests.overrides_v1"
            ).one().decode((String, String, String?).self)
            #expect(row.0 == "maria" && row.1 == "The lamp is known to be dark." && row.2 == nil)
            _ = try await harness.forge.push("main", ["other.txt": "x\n"])
            try await harness.quiet()
            let ended = try await harness.bus.database.query("select ended_by from pull_requests.overrides_v1").one()
                .decode(String?.self)
            #expect(ended?.hasPrefix("the base moved") == true)
        }
    }

    @Test(
        "an App overrides a check run: a newer one of its name succeeds, whatever the base does, until it is taken back"
    )
    func overrideCheckRun() async throws {
        try await PullRequestsHarness.run(isApp: true) { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            let forge = harness.forge.bot
            let head = try await forge.pull(Self.repository, number).head.sha
            try await forge.createCheckRun(
                Self.repository, sha: head, name: "build", conclusion: "failure", title: "Build", summary: "It broke.")
            try await harness.say("/override build", on: number, by: "noor")
            try await harness.quiet()
            #expect(try await forge.checkRuns(Self.repository, ref: head)?.map(\.state) == ["failure"])
            try await harness.say("/override build", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await forge.checkRuns(Self.repository, ref: head)?.map(\.state) == ["success"])
            _ = try await harness.forge.push("main", ["other.txt": "x\n"])
            try await harness.quiet()
            let ended = try await harness.bus.database.query("select ended_by from pull_requests.overrides_v1").one()
                .decode(String?.self)
            #expect(ended == nil)
            try await harness.say("/override-cancel build", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await forge.checkRuns(Self.repository, ref: head)?.map(\.state) == ["failure"])
        }
    }

    @Test("commands of Scheduling go there; those of strangers are no command to label")
    func scheduled() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say("/test unit\n/hold", on: number, by: "maria")
            try await eventually("it is stored") {
                try await !harness.bus.database.query("select 1 from fleet.outbox where type = 'comment.written'")
                    .isEmpty
            }
            try await harness.handOn(try await harness.taken())
            let issued = try await harness.taken().filter { $0.envelope.type == CommandIssued.type }
                .map { try $0.decode(CommandIssued.self) }
            #expect(issued.map(\.body) == ["/test unit"])
            #expect(issued.first?.actor == "maria")
        }
    }

    @Test(
        "a pull request nobody knows yet is read from the forge"
    )
    func unknown() async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            _ = try await harness.bus.database.query("delete from pull_requests.pulls")
            try await harness.say("/hold", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await harness.labels(number).contains(Self.hold))
        }
    }
}
