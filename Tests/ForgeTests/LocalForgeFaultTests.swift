import Forge
import Foundation
import LocalForge
import SlipwayModel
import Testing

@Suite("LocalForge: bad names, lost hooks, restarts, many at once")
struct LocalForgeFaultTests {
    private let repository = TestForge.repository

    @Test("a delivery that failed stays listed, and is sent again when asked for")
    func redelivery() async throws {
        try await TestForge.run { forge in
            await forge.sink.answer(500)
            _ = try await forge.makeRepository()
            let first = try await forge.sink.first { $0.event == "create" }
            // The next one was sent, so the answer to the first is on record.
            _ = try await forge.sink.first { $0.event == "push" }
            let hook = try #require(try await forge.bot.hooks(repository).first)
            let failed = try #require(
                try await forge.bot.deliveries(repository, hook: hook.id).first { $0.guid == first.guid })
            #expect(failed.statusCode == 500 && failed.status.contains("500") && !failed.isRedelivery)

            try await forge.bot.redeliver(repository, hook: hook.id, delivery: failed.id)
            let again = try await forge.sink.second(guid: first.guid)
            #expect(again.body == first.body && again.event == "create")
        }
    }

    @Test("a forge that is started again knows everything, and hears of pushes made meanwhile")
    func restart() async throws {
        let root = NSTemporaryDirectory() + "/forge-root-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await TestForge.run(root: root) { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            let sha = try await clone.commit(["f": "1"], "f")
            try await clone.push("feature")
            _ = try await forge.user("noor").openPull(repository, title: "F", head: "feature", base: "main")
            _ = try await forge.bot.createComment(repository, 1, body: "kept")
            try await forge.bot.createStatus(repository, sha: sha, CommitStatus(state: "success", context: "unit"))
            _ = try await forge.sink.pull("opened", 1)
        }
        // Somebody writes into the folder while no forge runs.
        let bare = "\(root)/repos/harbor/crane.git"
        let clone = Clone(folder: "\(root)/clone", url: bare)
        try await clone.git(["clone", "--quiet", "--branch", "feature", bare, clone.folder], in: root)
        let pushed = try await clone.commit(["f": "2"], "meanwhile")
        try await clone.push("feature")

        try await TestForge.run(root: root) { forge in
            let moved = try await forge.sink.pull("synchronize", 1)
            #expect(moved.after == pushed)
            #expect(try await forge.bot.comments(repository, 1).map(\.body) == ["kept"])
            #expect(try await forge.bot.combinedStatus(repository, ref: moved.before ?? "").state == "success")
            #expect(try await forge.bot.isMember("harbor", "noor"))
            #expect(try await forge.bot.pull(repository, 1).title == "F")
        }
    }

    @Test(
        "names that are none are refused",
        arguments: [
            "/repos/..%2f..%2fetc/passwd", "/repos/%2e%2e/x", "/repos/-x/y", "/repos/harbor/.git",
            "/repos/harbor/nothing", "/repos/harbor/crane/git/ref/heads/..%2f..%2fconfig",
            "/repos/harbor/crane/pulls/abc", "/orgs/..%2f/members/x", "/users/%00",
        ])
    func badNames(path: String) async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let error = try await #require(throws: ForgeError.self) {
                let _: [String: String] = try await forge.bot.get(path)
            }
            #expect(error.status == 404 || error.status == 400, "\(error)")
        }
    }

    @Test("repositories and users that may not be made", arguments: ["", ".x", "-x", "a/b", "../x", "x.git", "ä"])
    func badCreations(name: String) async throws {
        try await TestForge.run { forge in
            let repository = try await #require(throws: ForgeError.self) {
                _ = try await forge.admin.createRepository(RepositoryName(org: "harbor", repo: name))
            }
            #expect(repository.status == 422)
            let user = try await #require(throws: ForgeError.self) { try await forge.admin.createUser(name) }
            #expect(user.status == 422)
            let weak = try await #require(throws: ForgeError.self) {
                _ = try await forge.bot.createRepository(RepositoryName(org: "harbor", repo: "crane"))
            }
            #expect(weak.status == 403)
        }
    }

    @Test("git over HTTP refuses who is unknown and what is not there")
    func badPushes() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            let url = forge.address.cloneURL(repository)
            for bad in [
                url, url.replacing("http://", with: "http://nobody:x@"), url.replacing("crane", with: "nothing"),
                url.replacing("harbor", with: "..%2f"),
            ] {
                await #expect(throws: Clone.Failure.self) {
                    try await clone.git(["push", "--quiet", bad, "main:other"])
                }
            }
            // Reading needs no name.
            #expect(try await clone.git(["ls-remote", url, "refs/heads/main"]).contains("refs/heads/main"))
            #expect(try await forge.bot.branchHead(repository, "other") == nil)
        }
    }

    @Test("many push at once, and every push is told once")
    func concurrency() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let heads = try await withThrowingTaskGroup(of: (String, String).self) { group in
                for index in 0..<6 {
                    group.addTask {
                        let user = index.isMultiple(of: 2) ? "maria" : "noor"
                        let clone = try await Clone.make(
                            of: repository, at: forge.address, in: forge.folder, as: user)
                        try await clone.branch("topic-\(index)")
                        let head = try await clone.commit(["topic-\(index)": "x"], "topic \(index)")
                        try await clone.push("topic-\(index)")
                        return ("refs/heads/topic-\(index)", head)
                    }
                }
                return try await group.reduce(into: [String: String]()) { $0[$1.0] = $1.1 }
            }
            for (ref, head) in heads {
                let told = try await forge.sink.first {
                    guard case .push(let push) = try $0.delivery() else { return false }
                    return push.ref == ref
                }
                guard case .push(let push) = try told.delivery() else { throw CancellationError() }
                let index = Int(ref.suffix(1)) ?? 0
                #expect(push.after == head && push.pusher?.name == (index.isMultiple(of: 2) ? "maria" : "noor"))
            }
            let pushes = await forge.sink.received.count { $0.event == "push" }
            #expect(pushes == 7)
        }
    }

    @Test("a large push and a large fetch stream through", .timeLimit(.minutes(15)))
    func large() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            var random = SystemRandomNumberGenerator()
            let noise = (0..<(1 << 18)).map { _ in String(random.next(), radix: 16) }.joined(separator: "\n")
            let head = try await clone.commit(["noise": noise], "4 MB that do not compress much")
            try await clone.push("main")
            let copy = try await Clone.make(of: repository, at: forge.address, in: forge.folder, as: "noor")
            #expect(try await copy.head() == head)
        }
    }

    @Test("a fetch whose request git compresses")
    func compressedRequest() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            let other = try await Clone.make(of: repository, at: forge.address, in: forge.folder, as: "noor")
            // Commits that only the fetching side has make its request longer than 1,024 bytes.
            for index in 0..<40 { try await other.git(["commit", "--quiet", "--allow-empty", "-m", "\(index)"]) }
            let head = try await clone.commit(["new": "x"], "new")
            try await clone.push("main")
            try await other.git(["fetch", "--quiet", "origin", "main"])
            #expect(try await other.git(["rev-parse", "FETCH_HEAD"]) == head)
        }
    }

    @Test("a delivery that was on its way when the forge was killed is made at the next start")
    func unsent() async throws {
        let root = NSTemporaryDirectory() + "/forge-root-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        let guid = try await TestForge.run(root: root) { forge in
            _ = try await forge.makeRepository()
            return try await forge.sink.first { $0.event == "push" }.guid
        }
        // As the journal stood before the outcome was recorded.
        let journal = "\(root)/repos/harbor/crane.journal"
        let lines = try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n")
        let before = lines.prefix { !($0.contains(guid) && $0.contains("outcome")) }
        try before.map { "\($0)\n" }.joined().write(toFile: journal, atomically: false, encoding: .utf8)
        try await TestForge.run(root: root) { forge in
            let again = try await forge.sink.first { $0.guid == guid }
            #expect(again.event == "push")
            #expect(await forge.sink.received.count == 1)
        }
    }

    @Test("pages escape what people write")
    func pages() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            try await clone.commit(["<b>.txt": "x"], "<script>alert(1)</script>")
            try await clone.push("feature")
            _ = try await forge.user("noor").openPull(
                repository, title: "<img src=x>", head: "feature", base: "main", body: "\"><script>")
            _ = try await forge.bot.createComment(repository, 1, body: "</pre><script>")
            for path in ["/", "/harbor/crane", "/harbor/crane/pull/1", "/harbor/crane/commit/feature"] {
                let html = try await fetch(forge.address.web + path)
                #expect(html.contains("<!doctype html>"))
                #expect(!html.contains("<script>") && !html.contains("<img"))
            }
            #expect(try await fetch(forge.address.web + "/harbor/crane/pull/1").contains("&lt;img src=x&gt;"))
        }
    }
}
