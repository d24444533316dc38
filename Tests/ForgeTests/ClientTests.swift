import Forge
import LocalForge
import SlipwayModel
import Synchronization
import Testing

@Suite("The client against a forge that misbehaves")
struct ClientTests {
    private let repository = TestForge.repository

    @Test("a call that may be repeated is, until the forge answers")
    func retries() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            forge.server.faults.inject(.answer(502), method: "GET", path: "/repos/harbor/crane", times: 2)
            forge.server.faults.inject(.dropRequest, method: "GET", path: "/repos/harbor/crane")
            let found = try await forge.bot.repository(repository)
            #expect(found.fullName == "harbor/crane")
            #expect(forge.server.faults.hits == 3)
        }
    }

    @Test("a call that may not be repeated is made once")
    func noRepetition() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            try await clone.commit(["a": "1"], "a")
            try await clone.push("feature")
            let pull = try await forge.user("noor").openPull(
                repository, title: "A", head: "feature", base: "main")
            forge.server.faults.inject(.dropAnswer, method: "POST", path: "/comments")
            let error = try await #require(throws: ForgeError.self) {
                try await forge.bot.createComment(repository, pull.number, body: "once")
            }
            #expect(error.kind == .unreachable)
            #expect(!error.isPermanent)
            #expect(try await forge.bot.comments(repository, pull.number).map(\.body) == ["once"])
        }
    }

    @Test("a status whose answer was lost is written again, and counts once")
    func statusRepetition() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            let sha = try await clone.head()
            forge.server.faults.inject(.dropAnswer, method: "POST", path: "/statuses/")
            try await forge.bot.createStatus(
                repository, sha: sha, CommitStatus(state: "pending", context: "unit", description: "Job triggered."))
            let combined = try await forge.bot.combinedStatus(repository, ref: sha)
            #expect(combined.statuses.map(\.context) == ["unit"])
            #expect(try await forge.bot.statuses(repository, ref: "main").count == 2)
        }
    }

    @Test("the rate limit is waited for where it is short, and raised where it is long")
    func rateLimit() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let waits = Mutex<[Duration]>([])
            let client = ForgeClient(
                address: forge.address, token: TestForge.botToken,
                retry: ForgeClient.RetryPolicy(sleep: { duration in waits.withLock { $0.append(duration) } }))
            forge.server.faults.inject(.answer(429, headers: ["Retry-After": "3"]), times: 1)
            forge.server.faults.inject(
                .answer(403, message: "You have exceeded a secondary rate limit", headers: ["Retry-After": "4"]))
            _ = try await client.repository(repository)
            #expect(waits.withLock { $0 } == [.seconds(3), .seconds(4)])

            forge.server.faults.inject(.answer(429, headers: ["Retry-After": "3600"]))
            let error = try await #require(throws: ForgeError.self) { try await client.repository(repository) }
            guard case .rateLimited(let until) = error.kind else { throw error }
            #expect(until != nil)
            #expect(!error.isPermanent)
        }
    }

    @Test("an error names the call and the forge's words, and never the token")
    func errors() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let missing = try await #require(throws: ForgeError.self) {
                try await forge.bot.pull(repository, 99)
            }
            #expect(missing.isNotFound && missing.isPermanent)
            #expect(
                missing.description
                    == "GET /repos/harbor/crane/pulls/99 at the forge was answered 404: Not Found")

            forge.server.faults.inject(.answer(500, message: "no \(TestForge.botToken) here"), times: 4)
            let leaking = try await #require(throws: ForgeError.self) { try await forge.bot.currentUser() }
            #expect(!leaking.description.contains(TestForge.botToken))
            #expect(leaking.description.contains("[redacted]"))

            let wrong = ForgeClient(address: forge.address, token: "wrong", retry: .never)
            let refused = try await #require(throws: ForgeError.self) { try await wrong.currentUser() }
            #expect(refused.status == 401)
            #expect(!refused.isPermanent)
        }
    }

    @Test("a forge that is not there")
    func unreachable() async throws {
        let client = ForgeClient(address: try ForgeAddress(url: "http://127.0.0.1:1"), token: nil, retry: .never)
        let error = try await #require(throws: ForgeError.self) { try await client.currentUser() }
        #expect(error.kind == .unreachable)
        #expect(error.description.hasPrefix("GET /user at the forge got no answer: "))
    }

    @Test("lists are read to their last page")
    func pages() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            var files: [String: String] = [:]
            for index in 0..<250 { files["files/\(index)"] = "\(index)\n" }
            try await clone.commit(files, "many")
            try await clone.push("feature")
            let pull = try await forge.user("noor").openPull(
                repository, title: "Many", head: "feature", base: "main")
            let listed = try await forge.bot.pullFiles(repository, pull.number)
            #expect(Set(listed.map(\.filename)) == Set(files.keys))
            #expect(listed.count == 250)
        }
    }
}
