import Execution
import FoundationEssentials
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct ExecutionCensorTests {
    private static let secret = "hunter2-and-more"

    @Test(arguments: [
        ("token=hunter2-and-more;", "token=****************;"), ("hunter2-and-mor", "hunter2-and-mor"),
        ("hunter2-and-morehunter2-and-more", String(repeating: "*", count: 32)), ("", ""),
        ("hunter2-hunter2-and-more", "hunter2-****************"),
    ])
    func replacesByAsManyAsterisks(input: String, output: String) {
        #expect(text(Censor.censor(bytes(input), SecretSet([Self.secret]))) == output)
    }

    /// Every cut of the stream into two and every cut into single bytes give the same.
    @Test func cutsDoNotMatter() {
        let secrets = SecretSet([Self.secret, "hunter2-and-more-still", "ore-still"])
        let input = bytes("a hunter2-and-more-still b hunter2-and-more c hunter2-and-mor d hunter2")
        let whole = Censor.censor(input, secrets)
        #expect(!text(whole).contains("hunter2-and-more"))
        for cut in 0...input.count {
            var censor = Censor(secrets)
            let pieces = censor.feed(Array(input[..<cut])) + censor.feed(Array(input[cut...])) + censor.finish()
            #expect(pieces == whole)
        }
        var censor = Censor(secrets)
        var single: [UInt8] = []
        for byte in input { single += censor.feed([byte]) }
        #expect(single + censor.finish() == whole)
    }

    @Test func overlappingSecretsAreAllGone() {
        let secrets = SecretSet(["abcdefgh", "efghijkl"])
        var censor = Censor(secrets)
        let output =
            censor.feed(bytes("-abcdef")) + censor.feed(bytes("ghij")) + censor.feed(bytes("kl-")) + censor.finish()
        #expect(text(output) == "-************-")
    }

    @Test func aQuietLineIsNotHeldBack() {
        var censor = Censor(SecretSet([Self.secret]))
        #expect(text(censor.feed(bytes("waiting for the server\n"))) == "waiting for the server\n")
        // Only the beginning of a secret is.
        #expect(text(censor.feed(bytes("hunter"))) == "")
        #expect(text(censor.feed(bytes("s\n"))) == "hunters\n")
        #expect(text(censor.feed(bytes("hunter"))) == "")
        #expect(text(censor.finish(isCut: true)) == "******")
    }

    @Test func findsEveryFormOfASecret() throws {
        let secret = "p/s+word:€?x=1"
        let secrets = SecretSet([secret])
        let forms = [
            secret, Data(bytes(secret)).base64EncodedString(), Data(bytes("user:" + secret)).base64EncodedString(),
            Data(bytes("u:" + secret + "\n")).base64EncodedString(),
            Data(bytes("xyz" + secret + "zz")).base64EncodedString(),
            "p%2Fs%2Bword%3A%E2%82%AC%3Fx%3D1",
        ]
        for form in forms {
            let output = text(Censor.censor(bytes("see \(form) here"), secrets))
            #expect(output.contains("*******"), "not found: \(form)")
            // At most the digits that share bits with their neighbours stay.
            #expect(output.filter { $0 != "*" }.count <= "see  here".count + 10, "too little was masked: \(output)")
        }
    }

    @Test func linesOfAKeyStandForTheKey() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n-----END KEY-----\n"
        let indented = key.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        let output = text(Censor.censor(bytes(indented), SecretSet([key])))
        #expect(!output.contains("MIIE") && !output.contains("AASC"))
        #expect(output.contains("BEGIN KEY"))
    }

    @Test(arguments: ["", "a", "guest", "  short\n"])
    func shortWordsAreNoSecrets(word: String) {
        #expect(SecretSet([word]).isEmpty)
    }
}

@Suite struct ExecutionLogRecorderTests {
    private static let start = ContinuousClock.now

    @Test func chunksAreLargeOrOld() {
        var recorder = LogRecorder(
            secrets: SecretSet([String]()), limits: .init(head: 1000, tail: 100, chunk: 10, age: .seconds(1)))
        #expect(recorder.deadline == nil)
        recorder.append(bytes("123"), at: Self.start)
        #expect(recorder.takeChunk(at: Self.start) == nil)
        #expect(recorder.deadline == Self.start + .seconds(1))
        #expect(recorder.takeChunk(at: Self.start + .seconds(1)) == bytes("123"))
        recorder.append(bytes("123456789012345"), at: Self.start)
        #expect(recorder.takeChunk(at: Self.start) == bytes("1234567890"))
        #expect(recorder.takeChunk(at: Self.start) == nil)
        #expect(recorder.finish() == [bytes("12345")])
    }

    /// Sizes around the limits: nothing is lost up to head and tail together, and one sentence stands for the rest.
    @Test(arguments: [0, 1, 99, 100, 101, 119, 120, 121, 1000])
    func keepsHeadAndTail(size: Int) {
        let input = (0..<size).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        var recorder = LogRecorder(
            secrets: SecretSet([String]()), limits: .init(head: 100, tail: 20, chunk: 50, age: .seconds(1)))
        var output: [UInt8] = []
        for start in stride(from: 0, to: size, by: 7) {
            recorder.append(Array(input[start..<min(start + 7, size)]), at: Self.start)
            while let chunk = recorder.takeChunk(at: Self.start) { output += chunk }
        }
        output += recorder.finish().joined()
        if size <= 120 {
            #expect(output == input)
        } else {
            #expect(output.starts(with: input[..<100]))
            #expect(Array(output.suffix(20)) == Array(input.suffix(20)))
            #expect(text(output).contains("slipway: \(size - 120) bytes are left out here"))
            #expect(text(output).contains("slipway: the log is longer than 100 bytes"))
        }
        #expect(recorder.total == size)
    }

    @Test func secretsAreGoneAtEverySeam() {
        let secret = "topsecretvalue"
        for offset in 80...125 {
            var recorder = LogRecorder(
                secrets: SecretSet([secret]), limits: .init(head: 100, tail: 20, chunk: 16, age: .seconds(1)))
            var input = [UInt8](repeating: UInt8(ascii: "."), count: 300)
            input.replaceSubrange(offset..<offset + secret.utf8.count, with: bytes(secret))
            input.replaceSubrange(282..<282 + secret.utf8.count, with: bytes(secret))
            var output: [UInt8] = []
            for byte in input {
                recorder.append([byte], at: Self.start)
                while let chunk = recorder.takeChunk(at: Self.start) { output += chunk }
            }
            output += recorder.finish().joined()
            #expect(!text(output).contains("topsec"), "at offset \(offset)")
        }
    }

    @Test func aGigabyteNeedsLittleMemory() {
        var recorder = LogRecorder(
            secrets: SecretSet(["topsecretvalue"]),
            limits: .init(head: 1 << 20, tail: 64 << 10, chunk: 256 << 10, age: .seconds(1)))
        let piece = [UInt8](repeating: UInt8(ascii: "y"), count: 64 << 10)
        var stored = 0
        for _ in 0..<(1 << 30) / piece.count {
            recorder.append(piece, at: Self.start)
            while let chunk = recorder.takeChunk(at: Self.start) { stored += chunk.count }
        }
        for chunk in recorder.finish() { stored += chunk.count }
        #expect(recorder.total == 1 << 30)
        #expect(stored < (1 << 20) + (64 << 10) + 1024)
    }
}
