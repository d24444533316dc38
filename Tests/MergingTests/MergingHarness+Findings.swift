import Fleet
import Forge
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Merging
import NIOCore
import Postgres
import RoomKit
import SlipwayModel
import SlipwayTesting
import Testing
import Web

/// What came of it: at the forge, in the database, on the pages.
extension MergingHarness {
    /// A page as anybody sees it.
    func page(_ path: String) async throws -> String {
        let answer = try await answer(path)
        #expect(answer.status == .ok, "\(answer.body)")
        return answer.body
    }

    func answer(
        _ path: String
    ) async throws -> (status: HTTPResponse.Status, headers: HTTPFields, body: String) {
        let router = WebServer.router(tokens: nil)
        room.addRoutes(to: router)
        return try await Application(router: router, logger: quietLogger).test(.router) { client in
            try await client.execute(uri: path, method: .get) { response in
                (response.status, response.headers, String(buffer: response.body))
            }
        }
    }

    /// The page that says why a pull request is not merging.
    func page(_ number: Int) async throws -> String { try await page("/merging/\(Self.repository)/\(number)") }

    func pull(_ number: Int) async throws -> PullRequest { try await forge.bot.pull(Self.repository, number) }

    func areMerged(_ numbers: [Int]) async throws -> Bool {
        let merged = try await forge.bot.pulls(Self.repository, state: "all").filter(\.wasMerged).map(\.number)
        return Set(merged).isSuperset(of: numbers)
    }

    func isMerged(_ number: Int) async throws -> Bool { try await pull(number).wasMerged }

    func status(_ number: Int, _ context: String = "tide") async throws -> CommitStatus? {
        let head = try await pull(number).head.sha
        return try await forge.bot.combinedStatus(Self.repository, ref: head).statuses.first { $0.context == context }
    }

    func comments(_ number: Int) async throws -> [String] {
        try await forge.bot.comments(Self.repository, number).compactMap(\.body)
    }

    /// Open pull requests that pools know.
    func members() async throws -> [Int] {
        try await bus.database.query("select number from merging.members order by number").map {
            try $0.decode(Int.self)
        }
    }

    /// Has every pool looked at again, as its time would.
    func dirty() async throws {
        _ = try await bus.database.query("update merging.pools set owed_looks = 2, due_at = now()")
    }

    func mergedNumbers() async throws -> Set<Int> {
        Set(try await forge.bot.pulls(Self.repository, state: "all").filter(\.wasMerged).map(\.number))
    }

    /// Pull requests that were put out, each with the reason.
    func ejected() async throws -> [Int: String] {
        var found: [Int: String] = [:]
        for row in try await bus.database.query(
            "select number, ejection from merging.members where ejection is not null")
        {
            let (number, reason) = try row.decode((Int, String).self)
            found[number] = reason
        }
        return found
    }

    /// Trees on which a job succeeded.
    func testedTrees(_ job: String = "unit") async throws -> Set<String> {
        Set(
            try await bus.database.query(
                "select distinct tree from scheduling.runs where job = \(job) and state = 'success' and tree is not null"
            ).map { try $0.decode(String.self) })
    }

    /// Open pull requests whose newest commit passed its own run.
    func greenHeads() async throws -> Int {
        try await bus.database.query(
            """
            select count(distinct pull_numbers) from scheduling.runs
             where kind = 'presubmit' and origin <> 'merging' and state = 'success'
            """
        ).one().decode(Int.self)
    }

    /// Every tree that landed, in order, with its pull request.
    func landings() async throws -> [(number: Int, tree: String)] {
        try await bus.database.query(
            "select number, tree from merging.landings where landed_at is not null order by landed_at, number"
        ).map { try $0.decode((Int, String).self) }.map { (number: $0.0, tree: $0.1) }
    }

    func history() async throws -> [String] {
        try await bus.database.query("select action || ' ' || reason from merging.history order by id").map {
            try $0.decode(String.self)
        }
    }

    /// Whether the train has asked for a run.
    func isUnderTest() async throws -> Bool {
        try await bus.database.query("select count(*) from merging.runs").one().decode(Int.self) > 0
    }

    /// A minute goes by for landings that the forge refused for now.
    func forgetPauses() async throws {
        _ = try await bus.database.query("update merging.pools set train = train - 'landsAgainAt'")
    }

    /// Somebody comments `/retest`.
    func retest(_ number: Int) async throws {
        try await emit(
            CommandIssued(
                repository: Self.repository, number: number, actor: "maria", actorAssociation: "MEMBER", commentID: nil,
                commands: [.init(name: "retest", arguments: "")], body: "/retest", deliveryID: "retest-\(number)"))
    }

    /// For a test that fails.
    func overview() async throws -> String {
        let members = try await bus.database.query(
            "select '#' || number || ' ' || status_state || ' ' || status_text || ' ' || obstacles::text from merging.members order by number"
        ).map { try $0.decode(String.self) }
        let pools = try await bus.database.query(
            "select coalesce(problem, '') || ' ' || coalesce(train::text, '') from merging.pools"
        ).map { try $0.decode(String.self) }
        return (members + pools + (try await history())).joined(separator: "\n")
    }
}
