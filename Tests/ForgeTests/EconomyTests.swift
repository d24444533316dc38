import Forge
import Foundation
import LocalForge
import SlipwayModel
import Synchronization
import Testing

/// What a client spends of a forge's patience.
@Suite("ETags, rates, equal questions")
struct EconomyTests {
    private let repository = TestForge.repository

    @Test("what has not changed is asked for without cost, and what has is seen at once")
    func etags() async throws {
        try await TestForge.run { forge in
            let clone = try await onePull(forge)
            let bot = forge.bot
            let first = try await bot.pull(repository, 1)
            let charged = forge.server.meter.counts.charged
            #expect(try await bot.pull(repository, 1) == first)
            #expect(forge.server.meter.counts.charged == charged)
            let head = try await clone.commit(["b": "2"], "b")
            try await clone.push("feature")
            #expect(try await bot.pull(repository, 1).head.sha == head)
            #expect(forge.server.meter.counts.charged == charged + 1)
        }
    }

    @Test("a list that grew by a page is read whole, though its first page is the same")
    func growingList() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            let names = (1...101).map { String(format: "label-%03d", $0) }
            for name in names.prefix(100) { try await label(name, forge) }
            #expect(try await forge.bot.list("/repos/harbor/crane/labels", of: Label.self).count == 100)
            let bot = forge.bot
            #expect(try await bot.list("/repos/harbor/crane/labels", of: Label.self).count == 100)
            try await label(names[100], forge)
            #expect(try await bot.list("/repos/harbor/crane/labels", of: Label.self).count == 101)
        }
    }

    @Test("equal questions at one time are one; a write in between makes them two")
    func coalescing() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            let bot = forge.bot
            forge.server.faults.inject(.delay(.milliseconds(100)), method: "GET", path: "/pulls/1")
            let before = forge.server.meter.counts.calls
            let titles = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 { group.addTask { try await bot.pull(repository, 1).title } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(titles == ["Feature"])
            #expect(forge.server.meter.counts.calls - before == 1)

            // The question that was under way when the comment was written does not answer the one after it.
            forge.server.faults.inject(.delay(.milliseconds(300)), method: "GET", path: "/comments")
            async let slow = bot.comments(repository, 1)
            _ = try await bot.createComment(repository, 1, body: "new")
            let fresh = try await bot.comments(repository, 1)
            #expect(fresh.map(\.body) == ["new"])
            _ = try await slow
        }
    }

    @Test("who is cancelled does not take the others' answer along")
    func cancellation() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            let bot = forge.bot
            forge.server.faults.inject(.delay(.milliseconds(200)), method: "GET", path: "/pulls/1")
            let impatient = Task { try await bot.pull(repository, 1) }
            let patient = Task { try await bot.pull(repository, 1) }
            impatient.cancel()
            #expect(try await patient.value.number == 1)
            _ = try? await impatient.value
        }
    }

    @Test("a token without calls left is not used until the forge's hour is over; others are")
    func primaryLimit() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            forge.server.meter.setLimit(3)
            let bot = forge.bot.retrying(.never, timeout: .seconds(20))
            for number in 1...3 { _ = try await bot.isMember("harbor", "user-\(number)") }
            #expect(bot.rates["token"]?.remaining == 0)
            let before = forge.server.meter.counts.calls
            let error = try await #require(throws: ForgeError.self) { try await bot.isMember("harbor", "user-4") }
            guard case .rateLimited(let until?) = error.kind else { throw error }
            #expect(abs(until.timeIntervalSinceNow - 3600) < 30)
            #expect(forge.server.meter.counts.calls == before)
            _ = try await forge.user("noor").isMember("harbor", "user-4")
        }
    }

    @Test("a short wait for the reset is waited, and all who share the token wait")
    func sharedWait() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            let waits = Mutex<[Duration]>([])
            let client = ForgeClient(
                address: forge.address, token: TestForge.botToken,
                retry: ForgeClient.RetryPolicy(sleep: { duration in waits.withLock { $0.append(duration) } }))
            forge.server.faults.inject(.primaryLimit(until: Date().addingTimeInterval(5)))
            _ = try await client.repository(repository)
            _ = try await client.retrying(
                ForgeClient.RetryPolicy(sleep: { duration in waits.withLock { $0.append(duration) } }),
                timeout: .seconds(20)
            ).pull(repository, 1)
            let seen = waits.withLock { $0 }
            let isShort = seen.allSatisfy { $0 >= .seconds(3) && $0 <= .seconds(6) }
            #expect(seen.count == 2 && isShort, "\(seen)")
        }
    }

    @Test("a secondary limit that names no time means a minute, then two")
    func secondaryLimit() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            let waits = Mutex<[Duration]>([])
            let client = ForgeClient(
                address: forge.address, token: TestForge.botToken,
                retry: ForgeClient.RetryPolicy(
                    longestDelay: .seconds(600), sleep: { duration in waits.withLock { $0.append(duration) } }))
            forge.server.faults.inject(.secondaryLimit(), times: 2)
            forge.server.faults.inject(.secondaryLimit(retryAfter: 7))
            _ = try await client.repository(repository)
            #expect(waits.withLock { $0 } == [.seconds(60), .seconds(120), .seconds(7)])

            // For whoever does not wait, the error says until when.
            let other = ForgeClient(address: forge.address, token: TestForge.botToken, retry: .never)
            forge.server.faults.inject(.secondaryLimit())
            let error = try await #require(throws: ForgeError.self) { try await other.repository(repository) }
            guard case .rateLimited(let until?) = error.kind else { throw error }
            #expect(abs(until.timeIntervalSinceNow - 60) < 5)
        }
    }

    @Test("a repository that was renamed is followed, reading and writing; the token goes to no other host")
    func renamed() async throws {
        try await TestForge.run { forge in
            let clone = try await onePull(forge)
            let old = RepositoryName(org: "harbor", repo: "derrick")
            forge.server.faults.inject(.renamed(from: old, to: repository), path: "/harbor/derrick", times: 100)
            #expect(try await forge.bot.repository(old).fullName == "harbor/crane")
            let sha = try await clone.head()
            try await forge.bot.createStatus(old, sha: sha, CommitStatus(state: "success", context: "unit"))
            _ = try await forge.bot.createComment(old, 1, body: "once")
            #expect(try await forge.bot.comments(repository, 1).map(\.body) == ["once"])
            #expect(try await forge.bot.combinedStatus(repository, ref: sha).state == "success")

            forge.server.faults.clear()
            forge.server.faults.inject(.answer(301, headers: ["Location": "http://127.0.0.1:1/api/v3/user"]))
            let error = try await #require(throws: ForgeError.self) { try await forge.bot.currentUser() }
            #expect(error.status == 301 && error.message == "moved to http://127.0.0.1:1/api/v3/user")
        }
    }

    @Test("an answer that does not come in time is asked for again")
    func timeout() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            forge.server.faults.inject(.delay(.seconds(30)), path: "/pulls/1")
            let hasty = forge.bot.retrying(.fast, timeout: .seconds(3))
            #expect(try await hasty.pull(repository, 1).number == 1)
        }
    }

    @Test("only what changed since is listed, and nothing where nothing did")
    func changedPulls() async throws {
        try await TestForge.run { forge in
            _ = try await onePull(forge)
            let start = Date().addingTimeInterval(-60)
            let first = try #require(try await forge.bot.changedPulls(repository, since: start))
            #expect(first.pulls.map(\.number) == [1] && first.etag != nil)
            let charged = forge.server.meter.counts.charged
            let again = try await forge.bot.changedPulls(repository, since: start, unless: first.etag)
            #expect(again == nil)
            #expect(forge.server.meter.counts.charged == charged)
            _ = try await forge.user("noor").updatePull(repository, 1, state: "closed")
            let closed = try #require(
                try await forge.bot.changedPulls(repository, since: start, unless: first.etag))
            #expect(closed.pulls.map(\.state) == ["closed"])
            let later = try #require(
                try await forge.bot.changedPulls(repository, since: Date().addingTimeInterval(60)))
            #expect(later.pulls.isEmpty)
        }
    }

    private func label(_ name: String, _ forge: TestForge) async throws {
        let _: Label = try await forge.bot.send(
            "POST", "/repos/harbor/crane/labels", Label(name: name), idempotent: true)
    }

    @discardableResult
    private func onePull(_ forge: TestForge) async throws -> Clone {
        let clone = try await forge.makeRepository()
        try await clone.branch("feature")
        try await clone.commit(["feature.txt": "f\n"], "feature")
        try await clone.push("feature")
        _ = try await forge.user("noor").openPull(repository, title: "Feature", head: "feature", base: "main")
        return clone
    }
}
