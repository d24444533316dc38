import CZlib
import FoundationEssentials
import JobConfig
import SlipwayModel
import Testing

@Suite struct LoaderTests {
    private static func file(_ path: String, _ text: String) -> SourceFile {
        SourceFile(path: path, bytes: Array(text.utf8))
    }

    @Test("Loading again gives what loading afresh would give")
    func incremental() {
        let loader = ConfigurationLoader()
        let preset = "presets: [{env: [{name: X, value: y}]}]"
        let versions: [[SourceFile]] = [
            [Self.file("a.yaml", presubmit(name: "a")), Self.file("b.yaml", presubmit(name: "b"))],
            [Self.file("a.yaml", presubmit(name: "a")), Self.file("b.yaml", presubmit("optional: true", name: "b"))],
            [Self.file("a.yaml", presubmit(name: "a")), Self.file("b.yaml", presubmit(name: "a"))],
            [Self.file("b.yaml", presubmit(name: "b")), Self.file("p.yaml", preset)],
            [Self.file("b.yaml", presubmit(name: "b"))], [],
            [Self.file("b.yaml", "presubmits: [")],
        ]
        for files in versions {
            let again = loader.load(files: files)
            let afresh = JobConfiguration.load(files: files)
            #expect(again.jobs == afresh.jobs)
            #expect(again.errors == afresh.errors)
            #expect(again.warnings == afresh.warnings)
            #expect(again.hash == afresh.hash)
        }
    }

    @Test("Ten thousand jobs with one error in them: the error is found, and where")
    func large() {
        var files = (0..<100).map { file in
            let jobs = (0..<100).map { job in
                """
                - name: job-\(file)-\(job)
                  always_run: true
                  spec: {containers: [{command: [make]}]}

                """
            }
            return Self.file(
                "file-\(file).yaml",
                "presubmits:\n  lantern/engine:\n" + jobs.map { "  " + $0.replacing("\n  ", with: "\n    ") }.joined())
        }
        let text = String(decoding: files[50].bytes, as: UTF8.self)
        files[50].bytes = Array(
            text.replacing("name: job-50-7\n    always_run: true", with: "name: job-50-7\n    branches: ['(']").utf8)
        let loaded = JobConfiguration.load(files: files)
        #expect(loaded.jobs.count == 9999)
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.file == "file-50.yaml")
        #expect(loaded.errors.first?.line == 25)
        #expect(loaded.errors.first?.job == "job-50-7")
    }

    @Test("Compressed files; damaged and endless ones")
    func gzip() throws {
        // One periodic named `packed`, by gzip.
        let packed: [UInt8] = [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2B, 0x48, 0x2D, 0xCA, 0xCC, 0x4F, 0xC9, 0x4C,
            0x2E, 0xB6, 0x52, 0x88, 0xAE, 0xCE, 0x4B, 0xCC, 0x4D, 0xB5, 0x52, 0x28, 0x48, 0x4C, 0xCE, 0x4E, 0x4D, 0xD1,
            0x51, 0xC8, 0xCC, 0x2B, 0x49, 0x2D, 0x2A, 0x4B, 0xCC, 0xB1, 0x52, 0x30, 0xCC, 0xD0, 0x51, 0x28, 0x2E, 0x48,
            0x4D, 0xB6, 0x52, 0xA8, 0x4E, 0xCE, 0xCF, 0x2B, 0x49, 0xCC, 0xCC, 0x4B, 0x2D, 0x02, 0x6B, 0x48, 0xCE, 0xCF,
            0xCD, 0x4D, 0xCC, 0x4B, 0x01, 0x32, 0x2B, 0x62, 0x6B, 0x63, 0x6B, 0x6B, 0x63, 0xB9, 0x00, 0x26, 0xA5, 0xAD,
            0x17, 0x50, 0x00, 0x00, 0x00,
        ]
        let sound = JobConfiguration.load(files: [SourceFile(path: "a.yaml", bytes: packed)])
        let cut = JobConfiguration.load(files: [SourceFile(path: "a.yaml", bytes: Array(packed.prefix(20)))])
        #expect(sound.errors.isEmpty)
        #expect(sound.jobs.map(\.job.name) == ["packed"])
        let bomb = JobConfiguration.load(files: [SourceFile(path: "a.yaml", bytes: try Self.zeros())])
        #expect(bomb.errors.first?.message.contains("decompressed it is larger than 16 MB") == true)
        #expect(cut.errors.first?.message.contains("damaged or cut; compress it again") == true)
    }

    /// 17 MB of zeros, by gzip.
    private static func zeros() throws -> [UInt8] {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        try #require(
            deflateInit2_(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK)
        defer { deflateEnd(&stream) }
        var input = [UInt8](repeating: 0, count: 17 << 20)
        var output = [UInt8](repeating: 0, count: 1 << 16)
        return try input.withUnsafeMutableBufferPointer { source in
            try output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                try #require(deflate(&stream, Z_FINISH) == Z_STREAM_END)
                return Array(target.prefix(target.count - Int(stream.avail_out)))
            }
        }
    }

    @Test(
        ".prowignore, as git ignores",
        arguments: [
            ("skip.yaml\n", ["a/skip.yaml", "skip.yaml"]),
            ("/skip.yaml\n", ["skip.yaml"]),
            ("a/\n", ["a/one.yaml", "a/skip.yaml", "a/b/two.yaml"]),
            ("*.yaml\n!one.yaml\n", ["a/skip.yaml", "a/b/two.yaml", "skip.yaml"]),
            ("a/*.yaml\n", ["a/one.yaml", "a/skip.yaml"]),
            ("a/**/two.yaml\n", ["a/b/two.yaml"]),
            ("**/b\n", ["a/b/two.yaml"]),
            ("# comment\n\n[st]*.yaml  \n", ["a/skip.yaml", "a/b/two.yaml", "skip.yaml"]),
            ("on?.yaml\n[!a]kip.yaml\n", ["a/one.yaml", "a/skip.yaml", "skip.yaml"]),
        ])
    func prowIgnore(rules: String, ignored: [String]) throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "slipway-ignore-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: "\(root)/a/b", withIntermediateDirectories: true)
        let all = ["a/b/two.yaml", "a/one.yaml", "a/skip.yaml", "skip.yaml"]
        for path in all { try Data("periodics: []".utf8).write(to: URL(filePath: "\(root)/\(path)")) }
        try Data(rules.utf8).write(to: URL(filePath: "\(root)/.prowignore"))
        #expect(JobConfiguration.load(folder: root).files.map(\.path) == all.filter { !ignored.contains($0) })
    }
}
