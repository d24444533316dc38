import Forge
import Foundation
import LocalForge
import SlipwayModel
import Testing

@Suite("LocalForge: what is on disk after any end")
struct LocalForgeJournalTests {
    private let repository = TestForge.repository
    private let root = NSTemporaryDirectory() + "/forge-root-\(UUID().uuidString)"
    private var state: String { "\(root)/repos/harbor/crane.json" }
    private var journal: String { "\(root)/repos/harbor/crane.journal" }

    /// Makes a pull request with comments, of which one was edited and one deleted, and gives it a label and takes one.
    private func talk(_ bodies: [String]) async throws {
        try await TestForge.run(root: root, isHooked: false) { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            try await clone.commit(["f": "1"], "f")
            try await clone.push("feature")
            _ = try await forge.user("noor").openPull(repository, title: "F", head: "feature", base: "main")
            var ids: [Int64] = []
            for body in bodies { ids.append(try await forge.bot.createComment(repository, 1, body: body).id) }
            if ids.count > 2 {
                _ = try await forge.bot.updateComment(repository, id: ids[1], body: "edited")
                try await forge.bot.deleteComment(repository, id: ids[0])
            }
            try await forge.bot.addLabels(repository, 1, ["kept", "taken"])
            try await forge.bot.removeLabel(repository, 1, "taken")
        }
    }

    private func bodies() async throws -> [String] {
        try await TestForge.run(root: root, isHooked: false) { forge in
            #expect(try await forge.bot.labels(repository, 1).map(\.name) == ["kept"])
            return try await forge.bot.comments(repository, 1).map { $0.body ?? "" }
        }
    }

    @Test("changes, in their order, and what they took away are known after a start")
    func order() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await talk(["one", "two", "three"])
        #expect(try await bodies() == ["edited", "three"])
        // A second start, which appends to what the first one read.
        #expect(try await bodies() == ["edited", "three"])
    }

    @Test("a change costs its own line, and not the state")
    func cost() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let long = String(repeating: "x", count: 20_000)
        try await talk([long])
        let before = try FileManager.default.attributesOfItem(atPath: journal)[.size] as? Int ?? 0
        try await TestForge.run(root: root, isHooked: false) { forge in
            _ = try await forge.bot.createComment(repository, 1, body: "short")
        }
        let after = try FileManager.default.attributesOfItem(atPath: journal)[.size] as? Int ?? 0
        #expect(before > long.count && after > before && after - before < 10_000)
    }

    @Test(
        "a line that a kill cut off is dropped, and what follows is read",
        arguments: [#"{"comments":{"#, #"{"defaultBranch":"main","nextID":1,"nextNumber":9}"#, "\0\0\0\0"])
    func torn(_ rest: String) async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await talk(["one", "two", "three"])
        let file = try #require(FileHandle(forWritingAtPath: journal))
        try file.seekToEnd()
        try file.write(contentsOf: Data(rest.utf8))
        try file.close()
        try await TestForge.run(root: root, isHooked: false) { forge in
            _ = try await forge.bot.createComment(repository, 1, body: "four")
        }
        #expect(try await bodies() == ["edited", "three", "four"])
    }

    @Test("a journal that outweighs the state becomes the state")
    func compaction() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await talk(["one", "two", "three"])
        let small = try Data(contentsOf: URL(filePath: state)).count
        let long = String(repeating: "x", count: 60_000)
        try await TestForge.run(root: root, isHooked: false) { forge in
            // More than 4 MB of lines.
            for number in 1...80 { _ = try await forge.bot.createComment(repository, 1, body: "\(number) \(long)") }
        }
        let (whole, lines) = try (Data(contentsOf: URL(filePath: state)), Data(contentsOf: URL(filePath: journal)))
        #expect(whole.count > 4 << 20 && small < 10_000)
        #expect(lines.count < 2 << 20)
        let read = try await bodies()
        #expect(read.prefix(2) == ["edited", "three"])
        #expect(read.dropFirst(2).map { $0.prefix { $0 != " " } } == (1...80).map { "\($0)" })
    }

    @Test("a journal that the state has already taken in changes nothing")
    func again() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await talk(["one", "two", "three"])
        let lines = try Data(contentsOf: URL(filePath: journal))
        // Killed after the state was written, before the next line took the journal's place.
        try (lines + lines).write(to: URL(filePath: journal))
        #expect(try await bodies() == ["edited", "three"])
    }

    @Test("the one state file of an earlier version is read")
    func earlier() async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await TestForge.run(root: root, isHooked: false) { forge in
            _ = try await forge.admin.createRepository(repository)
        }
        // It held everything, and had no journal beside it.
        #expect(!FileManager.default.fileExists(atPath: journal))
        var content = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: state))) as? [String: Any])
        content["labels"] = ["kept": ["id": 1, "name": "kept", "color": "ededed"]]
        try JSONSerialization.data(withJSONObject: content).write(to: URL(filePath: state))
        let labels = try await TestForge.run(root: root, isHooked: false) { forge in
            try await forge.bot.labels(of: repository).map(\.name)
        }
        #expect(labels == ["kept"])
    }

    @Test(
        "what cannot be read is said with its place and what to do",
        arguments: [
            ("crane.journal", "nonsense\n", "crane.journal, line 1,", "delete that line"),
            ("crane.json", "{}", "crane.json holds no state", "begin that repository anew"),
        ])
    func unreadable(_ file: String, _ content: String, _ place: String, _ remedy: String) async throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await TestForge.run(root: root, isHooked: false) { forge in _ = try await forge.makeRepository() }
        try content.write(toFile: "\(root)/repos/harbor/\(file)", atomically: true, encoding: .utf8)
        let error = await #expect(throws: UnreadableState.self) {
            try await TestForge.run(root: root, isHooked: false) { _ in }
        }
        let sentence = try "\(#require(error))"
        #expect(sentence.contains(place) && sentence.contains(remedy))
    }
}
