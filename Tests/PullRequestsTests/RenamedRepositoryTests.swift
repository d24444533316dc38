import Fleet
import Forge
import ForgeTesting
import Foundation
import LocalForge
import Postgres
import SlipwayModel
import SlipwayTesting
import Testing

/// A repository that was `harbor/derrick` is `harbor/crane` from now on.
@Suite("Renamed repositories")
struct RenamedRepositoryTests {
    private static let hold = "do-not-merge/hold"
    private static let now = ForgeFixture.repository
    private static let former = RepositoryName(org: "harbor", repo: "derrick")
    private static let naming = RepositoryNamed(repository: now, former: former, deliveryID: "naming")

    /// A pull request on hold that is known under the former name alone.
    private func run(_ body: @Sendable @escaping (PullRequestsHarness, Int) async throws -> Void) async throws {
        try await PullRequestsHarness.run { harness in
            let number = try await harness.forge.open("feature", ["feature.txt": "x\n"])
            try await harness.quiet()
            try await harness.say("/hold\n/cherrypick main", on: number, by: "maria")
            try await harness.say("/override unit", on: number, by: "maria")
            try await harness.quiet()
            _ = try await harness.bus.database.query("update pull_requests.pulls set repo = 'derrick'")
            harness.forge.server.faults.inject(
                .renamed(from: Self.former, to: Self.now), path: "/harbor/derrick", times: 1000)
            try await body(harness, number)
        }
    }

    private func tell(_ event: some Event, _ harness: PullRequestsHarness) async throws {
        try await harness.bus.commit { effects in effects.emit(event) }
        try await harness.quiet()
    }

    private func known(_ harness: PullRequestsHarness) async throws -> [String] {
        try await harness.bus.database.query(
            """
            select distinct repo from (select repo from pull_requests.pulls union all
                select repo from pull_requests.commands union all select repo from pull_requests.overrides) as found
             order by repo
            """
        ).map { try $0.decode(String.self) }
    }

    @Test("everything that is known of it is known under its new name, and told twice it stays so")
    func moved() async throws {
        try await run { harness, number in
            for _ in 1...2 {
                try await tell(Self.naming, harness)
                #expect(try await known(harness) == ["crane"])
            }
            try await harness.say("/unhold", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains(Self.hold))
            let said = try await harness.bus.database.query(
                "select name from pull_requests.commands order by comment_id, position"
            ).map { try $0.decode(String.self) }
            #expect(said == ["hold", "cherrypick", "override", "unhold"])
        }
    }

    @Test("a delivery under the former name that waited in the queue is about the repository as it is called now")
    func queued() async throws {
        try await run { harness, number in
            try await harness.say("/unhold", on: number, by: "maria")
            try await eventually("the delivery is stored") {
                try await !harness.bus.database.query("select 1 from fleet.outbox where type = 'comment.written'")
                    .isEmpty
            }
            // As it was sent before the repository was renamed.
            let waiting = try await harness.taken().filter { $0.envelope.type == CommentWritten.type }
                .map { try $0.decode(CommentWritten.self) }
            try await tell(Self.naming, harness)
            for var comment in waiting {
                comment.repository = Self.former
                try await tell(comment, harness)
            }
            #expect(try await known(harness) == ["crane"])
            #expect(try await !harness.labels(number).contains(Self.hold))
        }
    }

    @Test("what came under the new name before anybody told of it stays, and what the forge does not know joins it")
    func overtaken() async throws {
        try await run { harness, number in
            try await harness.say("/unhold", on: number, by: "maria")
            try await harness.quiet()
            #expect(try await known(harness) == ["crane", "derrick"])
            try await tell(Self.naming, harness)
            #expect(try await known(harness) == ["crane"])
            #expect(try await !harness.labels(number).contains(Self.hold))
            let overrides = try await harness.bus.database.query("select context from pull_requests.overrides").map {
                try $0.decode(String.self)
            }
            #expect(overrides == ["unit"])
        }
    }

    @Test("another repository under the former name is itself")
    func reused() async throws {
        try await run { harness, _ in
            try await tell(Self.naming, harness)
            try await tell(RepositoryNamed(repository: Self.former, former: nil, deliveryID: "new"), harness)
            let former = try await harness.bus.database.query("select 1 from pull_requests.former_names")
            #expect(former.isEmpty)
            #expect(try await known(harness) == ["crane"])
        }
    }

    @Test("of a repository that was renamed twice both names lead to the third")
    func twice() async throws {
        try await run { harness, _ in
            let first = RepositoryName(org: "harbor", repo: "windlass")
            try await tell(RepositoryNamed(repository: Self.former, former: first, deliveryID: "first"), harness)
            try await tell(Self.naming, harness)
            let names = try await harness.bus.database.query(
                "select repo, current_repo from pull_requests.former_names order by repo"
            ).map { try $0.decode((String, String).self) }
            #expect(names.map(\.0) == ["derrick", "windlass"])
            #expect(names.allSatisfy { $0.1 == "crane" })
        }
    }
}
