import ArtifactStore
import FoundationEssentials
import Glibc
import SlipwayModel
import Testing

@Suite struct ArtifactPathTests {
    @Test(arguments: [
        ("a/b/c.txt", true), ("", true), (".log/00000001", true), ("pr-logs/pull/a_b/1/job/7", true),
        ("a/…/ü", true), ("/a", false), ("a/", false), ("a//b", false), ("..", false), ("a/../b", false),
        ("./a", false), ("a/.", false), ("a\0b", false), ("a/\u{301}b", true),
        (String(repeating: "x", count: 255), true), (String(repeating: "x", count: 256), false),
        (Array(repeating: "abcdefg", count: 128).joined(separator: "/"), true),
        (Array(repeating: "abcdefg", count: 129).joined(separator: "/"), false),
    ])
    func acceptsOnlyWhatIsSafe(text: String, isValid: Bool) {
        let path = try? ArtifactPath(text)
        #expect((path != nil) == isValid)
        if let path { #expect(path.description == text) }
    }

    @Test func aComponentCannotSmuggleASlash() {
        #expect(throws: ArtifactPathError.forbiddenByte) { try ArtifactPath(components: ["a", "b/../c"]) }
        #expect(throws: ArtifactPathError.dotComponent("..")) { try ArtifactPath("a").appending("b/../c") }
    }

    @Test func decodingChecksToo() throws {
        #expect(throws: DecodingError.self) {
            try ArtifactDocument.decode([ArtifactPath].self, from: Array(#"["a/../b"]"#.utf8))
        }
        let paths = try ArtifactDocument.decode([ArtifactPath].self, from: Array(#"["a/b"]"#.utf8))
        #expect(paths == [try ArtifactPath("a/b")])
        #expect(try ArtifactPath("a/b").isWithin(ArtifactPath("a")))
        #expect(try !ArtifactPath("ab").isWithin(ArtifactPath("a")))
    }
}

/// A store in a folder of its own, removed with it.
final class TemporaryStore: Sendable {
    let folder: String
    let store: LocalArtifactStore

    init(minimumFreeBytes: Int64 = 0) throws {
        var template = Array("/tmp/slipway-artifacts-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ArtifactStoreError.unusableRoot("/tmp", reason: "mkdtemp") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        store = try LocalArtifactStore(folder: folder + "/store", minimumFreeBytes: minimumFreeBytes)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

@Suite struct LocalArtifactStoreTests {
    struct Broken: Error {}

    @Test func writesReadsListsRemoves() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let path = try ArtifactPath("logs/job/7/build-log.txt")
        try await store.put(path, "hello log", durable: true)
        try await store.put(try ArtifactPath("logs/job/7/artifacts/junit_1.xml"), "<a/>")
        try await store.put(try ArtifactPath("logs/job/7/artifacts/deep/junit_2.xml"), "<b/>")
        #expect(try await store.get(path) == Array("hello log".utf8))
        #expect(try await store.get(path, range: 6..<100) == Array("log".utf8))
        #expect(try await store.get(path, range: 100..<200) == [])
        let entry = try #require(try await store.entry(path))
        #expect(entry.size == 9 && !entry.isFolder && entry.name == "build-log.txt")
        #expect(abs(entry.modified.timeIntervalSinceNow) < 3600)

        let page = try await store.list(try ArtifactPath("logs/job/7"), after: nil, limit: 100)
        #expect(page.entries.map(\.name) == ["artifacts", "build-log.txt"])
        #expect(page.next == nil)
        #expect(try await store.list(.root, after: nil, limit: 100).entries.map(\.name) == ["logs"])
        let (files, isComplete) = try await store.files(below: try ArtifactPath("logs"))
        #expect(
            files.map(\.path.description) == [
                "logs/job/7/artifacts/deep/junit_2.xml", "logs/job/7/artifacts/junit_1.xml", path.description,
            ])
        #expect(isComplete)
        #expect(try await store.files(below: .root, limit: 2).isComplete == false)

        try await store.remove(try ArtifactPath("logs/job/7"))
        #expect(try await !store.exists(path))
        try await store.remove(path)
        await #expect(throws: ArtifactStoreError.notFound(path)) { try await store.get(path) }
    }

    @Test func pagesAreBoundedAndInByteOrder() async throws {
        let temporary = try TemporaryStore()
        for name in ["b", "a", "Z", "ä", "10", "9"] {
            try await temporary.store.put(try ArtifactPath("f/\(name)"), name)
        }
        var names: [[String]] = []
        var after: String?
        repeat {
            let page = try await temporary.store.list(try ArtifactPath("f"), after: after, limit: 4)
            names.append(page.entries.map(\.name))
            after = page.next
        } while after != nil
        #expect(names == [["10", "9", "Z", "a"], ["b", "ä"]])
        let missing = try await temporary.store.list(try ArtifactPath("none"), after: nil, limit: 4)
        #expect(missing.entries.isEmpty)
    }

    @Test func aWriteThatFailsChangesNothing() async throws {
        let temporary = try TemporaryStore()
        let path = try ArtifactPath("a/finished.json")
        try await temporary.store.put(path, "old")
        var pieces = 0
        await #expect(throws: Broken.self) {
            try await temporary.store.put(path, durable: false) {
                pieces += 1
                if pieces == 3 { throw Broken() }
                return Array("new".utf8)
            }
        }
        #expect(try await temporary.store.get(path) == Array("old".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.folder + "/store/.incoming").isEmpty)
    }

    @Test func aReaderKeepsWhatItOpened() async throws {
        let temporary = try TemporaryStore()
        let path = try ArtifactPath("log")
        let old = [UInt8](repeating: 1, count: 200_000)
        try await temporary.store.put(path, old)
        let file = try await temporary.store.open(path)
        try await temporary.store.put(path, "new")
        var read: [UInt8] = []
        for try await piece in file.pieces(size: 65_536) { read += piece }
        #expect(read == old)
        read = []
        for try await piece in file.pieces(of: 100..<150_100, size: 65_536) { read += piece }
        #expect(read.count == 150_000)
        await #expect(throws: ArtifactStoreError.tooLarge(path, size: 3, maximum: 2)) {
            try await temporary.store.get(path, maximum: 2)
        }
    }

    /// A job may leave links behind; a wrong mount or a mistake may put them anywhere else.
    @Test func linksAreNeverFollowed() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(try ArtifactPath("a/file"), "inside")
        #expect(symlink("/etc", temporary.folder + "/store/a/etc") == 0)
        #expect(symlink("/etc/passwd", temporary.folder + "/store/a/passwd") == 0)
        #expect(mkfifo(temporary.folder + "/store/a/pipe", 0o600) == 0)
        let through = try ArtifactPath("a/etc/passwd")
        await #expect(throws: ArtifactStoreError.notAFolder(through)) { try await store.get(through) }
        await #expect(throws: ArtifactStoreError.notAFolder(through)) { try await store.put(through, "x") }
        await #expect(throws: ArtifactStoreError.notAFolder(through)) { try await store.remove(through) }
        let link = try ArtifactPath("a/passwd")
        await #expect(throws: ArtifactStoreError.notAFile(link)) { try await store.get(link) }
        let pipe = try ArtifactPath("a/pipe")
        await #expect(throws: ArtifactStoreError.notAFile(pipe)) { try await store.get(pipe) }
        let page = try await store.list(try ArtifactPath("a"), after: nil, limit: 10)
        #expect(page.entries.map(\.name) == ["file"])
        // Writing to where a link stands replaces the link, removing removes it; its target stays.
        try await store.put(link, "ours")
        #expect(try await store.get(link) == Array("ours".utf8))
        try await store.remove(try ArtifactPath("a/etc"))
        try await store.remove(try ArtifactPath("a"))
        #expect(access("/etc/passwd", R_OK) == 0)
    }

    @Test func saysWhenTheDiskIsFull() async throws {
        let temporary = try TemporaryStore(minimumFreeBytes: .max)
        let path = try ArtifactPath("a")
        let error = await #expect(throws: ArtifactStoreError.self) { try await temporary.store.put(path, "x") }
        guard case .full(path, let reason) = error else {
            Issue.record("expected .full, got \(String(describing: error))")
            return
        }
        #expect(reason.contains("must stay free"))
    }

    @Test func saysWhyARootIsUnusable() throws {
        let error = #expect(throws: ArtifactStoreError.self) { try LocalArtifactStore(folder: "/dev/null/store") }
        #expect(error?.description.contains("'/dev/null/store' cannot be used: Not a directory") == true)
    }

    @Test func aFileInTheWayOfAFolderIsNamed() async throws {
        let temporary = try TemporaryStore()
        try await temporary.store.put(try ArtifactPath("a"), "file")
        let below = try ArtifactPath("a/b")
        await #expect(throws: ArtifactStoreError.notAFolder(below)) { try await temporary.store.put(below, "x") }
        try await temporary.store.put(try ArtifactPath("f/x"), "x")
        await #expect(throws: ArtifactStoreError.self) { try await temporary.store.put(try ArtifactPath("f"), "x") }
    }
}
