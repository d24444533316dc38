import Fleet
import Forge
import ForgeTesting
import Foundation
import LocalForge
import Postgres
import Reporting
import SlipwayModel
import SlipwayTesting
import Testing

@Suite("Reporting to a forge")
struct ReportingServiceTests {
    @Test("a run's status follows the run")
    func status() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            let run = try await harness.store("unit", .waiting, pull)
            try await harness.tell(run, finished: false)
            try await harness.report()
            let pending = try #require(try await harness.statuses(pull).first)
            #expect(pending.state == "pending" && pending.context == "ci/unit")
            #expect(pending.description?.hasPrefix("Job triggered. ") == true)
            #expect(pending.description?.hasSuffix(" BaseSHA:\(pull.base.sha)") == true)
            #expect(pending.targetURL == "http://ci.example.org/runs/\(run)")
            #expect(pending.creator?.login == "slipway-bot")

            try await harness.finish(run, "unit", .success, pull)
            try await harness.report()
            #expect(try await harness.statuses(pull).map(\.state) == ["success"])
            #expect(try await harness.comments(pull).isEmpty)
        }
    }

    @Test("what the forge shows already is not sent again")
    func unchanged() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            let run = try await harness.store("unit", .waiting, pull)
            try await harness.tell(run, finished: false)
            try await harness.report()
            _ = try await harness.store("unit", .running, pull, runID: run)
            // The same message twice, and a newer state that reads the same.
            try await harness.tell(run, finished: false)
            try await harness.tell(run, finished: false)
            try await harness.report()
            let all = try await harness.forge.bot.statuses(ForgeFixture.repository, ref: pull.head.sha)
            #expect(all.count == 1)
        }
    }

    @Test("several changes before a round become one call")
    func coalesced() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            let run = try await harness.store("unit", .waiting, pull)
            try await harness.tell(run, finished: false)
            try await harness.finish(run, "unit", .failure, pull)
            try await harness.report()
            let all = try await harness.forge.bot.statuses(ForgeFixture.repository, ref: pull.head.sha)
            #expect(all.map(\.state) == ["failure"])
        }
    }

    @Test("jobs that report nothing report nothing")
    func skipReport() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            let run = try await harness.store("quiet", .failure, pull, skipReport: true)
            try await harness.tell(run, finished: true)
            try await harness.report()
            #expect(try await harness.statuses(pull).isEmpty)
            #expect(try await harness.comments(pull).isEmpty)
        }
    }

    @Test(
        "below the table stands the template of the repository, else of its organisation, else of everybody",
        arguments: [
            (["*": "all", "ORG": "org", "ORG/REPO": "{{.Spec.Refs.Org}}"], "ORG"), (["*": "all", "ORG": "org"], "org"),
            (["*": "all", "other": "other"], "all"), (["other": "other"], nil),
        ] as [([String: String], String?)])
    func template(templates: [String: String], expected: String?) async throws {
        try await ReportingHarness.run { harness in
            let name = ForgeFixture.repository
            func named(_ text: String) -> String {
                text.replacingOccurrences(of: "ORG", with: name.org).replacingOccurrences(of: "REPO", with: name.repo)
            }
            let settings = ["report_templates": Dictionary(uniqueKeysWithValues: templates.map { (named($0), $1) })]
            _ = try await harness.bus.database.query(
                """
                insert into scheduling.config_versions (hash, applied_by, source, jobs, settings)
                values (\(String(repeating: "a", count: 64)), 'test', 'folder', 0, \(JSON(settings)))
                """)
            let pull = try await harness.forge.openPull()
            try await harness.tell(try await harness.store("unit", .failure, pull), finished: true)
            try await harness.report()
            let body = try #require(try await harness.comments(pull).last?.body)
            #expect(body.contains("<details>\n\n\(expected.map(named) ?? "")\n</details>") == (expected != nil))
        }
    }

    @Test("one table of failures, replaced, and taken away when all is well")
    func table() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            _ = try await harness.forge.user("noor").createComment(
                ForgeFixture.repository, pull.number, body: "mine <!-- test report -->")
            let unit = try await harness.store("unit", .failure, pull)
            try await harness.tell(unit, finished: true)
            try await harness.report()
            let first = try #require(try await harness.comments(pull).last)
            #expect(first.author == "slipway-bot" && first.body?.contains("ci/unit") == true)

            let lint = try await harness.store("lint", .failure, pull, optional: true)
            try await harness.tell(lint, finished: true)
            try await harness.report()
            let second = try #require(try await harness.comments(pull).last)
            #expect(second.id == first.id)
            #expect(second.body?.contains("2 tests failed") == true)

            for job in ["unit", "lint"] {
                let again = try await harness.store(job, .success, pull)
                try await harness.tell(again, finished: true)
            }
            try await harness.report()
            // Somebody else's comment stays, whatever it says.
            #expect(try await harness.comments(pull).map(\.author) == ["noor"])
        }
    }

    @Test("a table that somebody deleted is written anew")
    func deletedTable() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            try await harness.tell(try await harness.store("unit", .failure, pull), finished: true)
            try await harness.report()
            let first = try #require(try await harness.comments(pull).first)
            try await harness.forge.bot.deleteComment(ForgeFixture.repository, id: first.id)
            try await harness.tell(try await harness.store("lint", .failure, pull), finished: true)
            try await harness.report()
            #expect(try await harness.comments(pull).count == 1)
        }
    }

    @Test("a comment whose answer was lost is not written twice")
    func lostAnswer() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            harness.forge.server.faults.inject(.dropAnswer, method: "POST", path: "/comments")
            try await harness.tell(try await harness.store("unit", .failure, pull), finished: true)
            try await harness.report()
            let waiting = try await harness.row("comment/\(pull.number)/failures")
            #expect(!waiting.isDone && !waiting.givenUp)
            try await harness.passTime()
            try await harness.report()
            #expect(try await harness.comments(pull).count == 1)
            #expect(try await harness.row("comment/\(pull.number)/failures").isDone)
        }
    }

    @Test("what a process that died had claimed is due again within half a minute")
    func claimOfTheDead() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            try await harness.tell(try await harness.store("unit", .waiting, pull), finished: false)
            harness.forge.server.faults.inject(.delay(.seconds(60)), path: "/statuses/")
            let round = Task { try await harness.report() }
            try await eventually("the call is under way") { harness.forge.server.faults.hits == 1 }
            #expect(try await harness.claimLasts > 0)
            round.cancel()
            _ = await round.result
            #expect(try await harness.claimLasts <= 30)
        }
    }

    @Test("what the forge does not take now is tried again later and later, until it is taken")
    func retries() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            let key = "status/\(pull.head.sha)/ci/unit"
            harness.forge.server.faults.inject(.answer(503), path: "/statuses/", times: 3)
            try await harness.tell(try await harness.store("unit", .success, pull), finished: true)
            var waits: [Double] = []
            for attempt in 1...3 {
                try await harness.report()
                let row = try await harness.row(key)
                #expect(row.attempts == attempt && !row.isDone && !row.givenUp)
                #expect(row.error?.contains("was answered 503") == true)
                waits.append(row.wait)
                // Before its time nothing is sent.
                try await harness.report()
                #expect(harness.forge.server.faults.hits == attempt)
                try await harness.passTime()
            }
            #expect(waits == waits.sorted() && waits[2] > 2)
            try await harness.report()
            #expect(try await harness.statuses(pull).map(\.state) == ["success"])
            let done = try await harness.row(key)
            #expect(done.isDone && done.error == nil)
        }
    }

    @Test("what the forge asks to wait for is waited for")
    func rateLimit() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            harness.forge.server.faults.inject(.answer(429, headers: ["Retry-After": "900"]), path: "/statuses/")
            try await harness.tell(try await harness.store("unit", .success, pull), finished: true)
            try await harness.report()
            let row = try await harness.row("status/\(pull.head.sha)/ci/unit")
            #expect(row.wait > 800 && row.wait <= 900 && !row.givenUp)
        }
    }

    @Test("what the forge can never take is given up with a sentence, and a newer wish begins anew")
    func givenUp() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            let missing = String(repeating: "1", count: 40)
            let run = try await harness.store("unit", .success, pull, sha: missing)
            try await harness.tell(run, finished: true)
            try await harness.report()
            let row = try await harness.row("status/\(missing)/ci/unit")
            #expect(row.givenUp && row.error?.contains("No commit found for SHA") == true)
            try await harness.passTime()
            try await harness.report()
            #expect(try await harness.row("status/\(missing)/ci/unit").attempts == 1)

            func wish(_ number: Int, version: Int64) -> ForgeDesired {
                ForgeDesired(
                    repository: ForgeFixture.repository, target: "pull/\(number)", key: "label/kind",
                    value: .label(number: number, name: "kind/bug", present: true), version: version)
            }
            try await harness.deliver(wish(999, version: 1))
            try await harness.report()
            #expect(try await harness.row("label/kind").givenUp)
            try await harness.deliver(wish(pull.number, version: 2))
            try await harness.report()
            #expect(try await harness.row("label/kind").isDone)
            #expect(
                try await harness.forge.bot.labels(ForgeFixture.repository, pull.number).map(\.name) == ["kind/bug"])
        }
    }

    @Test("of several wishes with one key the greatest version wins, in whatever order they come")
    func order() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            func wish(_ body: String?, version: Int64) -> ForgeDesired {
                ForgeDesired(
                    repository: ForgeFixture.repository, target: "pull/\(pull.number)", key: "comment/help",
                    value: .comment(number: pull.number, tag: "<!-- help -->", body: body), version: version)
            }
            // Withdrawing what never stood writes nothing.
            try await harness.deliver(wish(nil, version: 1))
            try await harness.deliver(wish("new <!-- help -->", version: 5), wish("old <!-- help -->", version: 3))
            try await harness.deliver(wish("older <!-- help -->", version: 2))
            try await harness.report()
            #expect(try await harness.comments(pull).map(\.body) == ["new <!-- help -->"])
            try await harness.deliver(wish(nil, version: 6))
            try await harness.report()
            #expect(try await harness.comments(pull).isEmpty)
        }
    }

    @Test("a label that is gone already counts as taken away")
    func goneLabel() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            try await harness.deliver(
                ForgeDesired(
                    repository: ForgeFixture.repository, target: "pull/\(pull.number)", key: "label/lgtm",
                    value: .label(number: pull.number, name: "lgtm", present: false), version: 1))
            try await harness.report()
            #expect(try await harness.row("label/lgtm").isDone)
        }
    }

    @Test("a reporter that died in the middle loses nothing")
    func claimExpires() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            try await harness.tell(try await harness.store("unit", .success, pull), finished: true)
            try await harness.claimForNobody()
            try await harness.report()
            #expect(try await harness.statuses(pull).isEmpty)
            try await harness.passTime()
            try await harness.report()
            #expect(try await harness.statuses(pull).map(\.state) == ["success"])
        }
    }

    @Test("what was settled long ago is forgotten, what waits is not")
    func trimming() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            try await harness.tell(try await harness.store("unit", .success, pull), finished: true)
            #expect(try await harness.trim(afterDays: 100) == 1)
            try await harness.report()
            #expect(try await harness.trim(afterDays: 89) == 1)
            #expect(try await harness.trim(afterDays: 91) == 0)
        }
    }

    @Test("reporters that run at once write each thing once")
    func concurrent() async throws {
        try await ReportingHarness.run { harness in
            let pull = try await harness.forge.openPull()
            for index in 0..<12 {
                try await harness.tell(try await harness.store("job-\(index)", .failure, pull), finished: true)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await harness.report() } }
                try await group.waitForAll()
            }
            #expect(try await harness.statuses(pull).count == 12)
            let all = try await harness.forge.bot.statuses(ForgeFixture.repository, ref: pull.head.sha)
            #expect(all.count == 12)
            let comments = try await harness.comments(pull)
            #expect(comments.count == 1 && comments[0].body?.contains("12 tests failed") == true)
        }
    }
}
