import Forge
import Foundation
import LocalForge
import Signatures
import SlipwayModel
import Synchronization
import Testing

@Suite("A client that is a GitHub App")
struct AppTests {
    private let repository = TestForge.repository

    /// A clock that the test moves.
    private final class Clock: Sendable {
        private let offset = Mutex(TimeInterval(0))

        func pass(_ seconds: TimeInterval) { offset.withLock { $0 += seconds } }
        var now: Date { Date().addingTimeInterval(offset.withLock { $0 }) }
    }

    @Test("it works as its installation in each organisation")
    func installations() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let other = RepositoryName(org: "shipyard", repo: "dock")
            let clone = try await forge.makeRepository(other)
            let client = try forge.app()
            #expect(try await client.repository(repository).fullName == "harbor/crane")
            let sha = try await clone.head()
            try await client.createStatus(other, sha: sha, CommitStatus(state: "success", context: "unit"))
            #expect(try await client.statuses(other, ref: sha).first?.creator?.login == "slipway-bot")
            #expect(try await client.isMember("shipyard", "noor"))
            // A call that names no organisation is made as any of them.
            #expect(try await client.currentUser().login == "slipway-bot")
        }
    }

    @Test("one token serves an hour, and is replaced before it expires")
    func life() async throws {
        let clock = Clock()
        try await TestForge.run(now: { clock.now }) { forge in
            _ = try await forge.makeRepository()
            let client = try forge.app(now: { clock.now })
            func calls(_ body: () async throws -> Void) async rethrows -> Int {
                let before = forge.server.meter.counts.calls
                try await body()
                return forge.server.meter.counts.calls - before
            }
            // The installation, its token, the call itself.
            #expect(try await calls { _ = try await client.repository(repository) } == 3)
            clock.pass(50 * 60)
            #expect(try await calls { _ = try await client.repository(repository) } == 1)
            clock.pass(6 * 60)
            // The installation is known by now.
            #expect(try await calls { _ = try await client.repository(repository) } == 2)
        }
    }

    @Test("however many ask at once, one token is fetched")
    func singleFlight() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let client = try forge.app()
            forge.server.faults.inject(.delay(.milliseconds(50)), path: "/access_tokens")
            let before = forge.server.meter.counts.calls
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<20 {
                    group.addTask { _ = try await client.isMember("harbor", "user-\(index)") }
                }
                try await group.waitForAll()
            }
            #expect(forge.server.meter.counts.calls - before == 22)
        }
    }

    @Test("a token that is revoked in flight is replaced, once, also for what must not be repeated")
    func revoked() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            try await clone.commit(["a": "1"], "a")
            try await clone.push("feature")
            let client = try forge.app(retry: .never)
            _ = try await client.repository(repository)
            forge.server.faults.inject(.revokeToken, method: "POST", path: "/pulls")
            let pull = try await client.openPull(repository, title: "A", head: "feature", base: "main")
            #expect(pull.number == 1)
            #expect(forge.server.faults.hits == 1)

            // A forge that refuses every token is not asked for ever.
            forge.server.faults.inject(.revokeToken, path: "/repos/harbor/crane", times: 10)
            let error = try await #require(throws: ForgeError.self) { try await client.repository(repository) }
            #expect(error.status == 401 && !error.isPermanent)
            #expect(forge.server.faults.hits == 3)
        }
    }

    @Test("an App that is removed says where to install it, asks seldom, and works again once it is installed")
    func removed() async throws {
        let clock = Clock()
        try await TestForge.run(now: { clock.now }) { forge in
            _ = try await forge.makeRepository()
            let client = try forge.app(now: { clock.now })
            _ = try await client.repository(repository)
            struct Installation: Decodable {
                var id: Int64
            }
            let installation = try #require(try await client.list("/app/installations", of: Installation.self).first)
            try await client.perform("DELETE", "/app/installations/\(installation.id)", idempotent: true)

            let error = try await #require(throws: ForgeError.self) { try await client.repository(repository) }
            #expect(error.kind == .notInstalled && !error.isPermanent)
            #expect(error.description.contains("the App 7 is not installed in 'harbor'"))
            let before = forge.server.meter.counts.calls
            await #expect(throws: ForgeError.self) { try await client.repository(repository) }
            #expect(forge.server.meter.counts.calls == before)

            try await forge.admin.perform("PUT", "/orgs/harbor/installation", idempotent: true)
            clock.pass(61)
            #expect(try await client.repository(repository).fullName == "harbor/crane")
        }
    }

    @Test("a key that is another App's is refused with the forge's words")
    func wrongKey() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let error = try await #require(throws: ForgeError.self) {
                try await forge.app(key: .generate(), retry: .never).repository(repository)
            }
            #expect(error.status == 401 && error.message == "A JSON web token could not be decoded")
            let fast = try await #require(throws: ForgeError.self) {
                try await forge.app(retry: .never, now: { Date().addingTimeInterval(600) }).repository(repository)
            }
            #expect(fast.status == 401 && fast.message.contains("'exp'"))
        }
    }

    @Test("an installation writes in its own organisation only")
    func bounds() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            _ = try await forge.makeRepository(RepositoryName(org: "shipyard", repo: "dock"))
            let client = try forge.app()
            struct Token: Decodable {
                var token: String
            }
            struct Installation: Decodable {
                var id: Int64
            }
            let first = try #require(try await client.list("/app/installations", of: Installation.self).first)
            let token: Token = try await client.send(
                "POST", "/app/installations/\(first.id)/access_tokens", ForgeClient.Empty(), idempotent: true)
            let harbor = ForgeClient(address: forge.address, token: token.token, retry: .never)
            let error = try await #require(throws: ForgeError.self) {
                try await harbor.createStatus(
                    RepositoryName(org: "shipyard", repo: "dock"), sha: "main",
                    CommitStatus(state: "success", context: "a"))
            }
            #expect(error.status == 403)
        }
    }
}
