import Foundation
import SlipwayModel
import Subprocess
import SystemPackage

/// A headless browser of this machine, driven over the DevTools protocol. Its messages go through pipes, each ended by a
/// zero byte (`--remote-debugging-pipe`), so that nothing listens anywhere.
enum Chromium {
    /// Nil where none is installed.
    static let path: String? = {
        let named = ProcessInfo.processInfo.environment["SLIPWAY_CHROMIUM"].map { [$0] } ?? []
        let usual = ["chromium", "chromium-browser", "google-chrome"].map { "/usr/bin/\($0)" }
        return (named + usual).first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// How long a page may take for anything.
    static let patience = Duration.seconds(30)

    struct NotInstalled: Error {}

    /// Opens a browser with one page for the length of `body`.
    static func run(_ body: @Sendable @escaping (BrowserPage) async throws -> Void) async throws {
        guard let path else { throw NotInstalled() }
        let profile = FileManager.default.temporaryDirectory.path + "/slipway-browser-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: profile) }
        // It reads commands from descriptor 3 and answers on 4; a job's sandbox is not for root.
        let script = "exec 3<&0 4>&1 </dev/null >/dev/null 2>&1; exec \"$0\" \"$@\""
        let flags = [
            "--headless=new", "--remote-debugging-pipe", "--user-data-dir=\(profile)", "--no-first-run",
            "--disable-gpu",
            "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
            "--disable-component-update", "--window-size=1400,1000",
        ]
        let arguments = ["-c", script, path] + flags + (geteuid() == 0 ? ["--no-sandbox"] : []) + ["about:blank"]
        let (answers, sink) = try FileDescriptor.pipe()
        _ = try await Subprocess.run(
            .path("/bin/bash"), arguments: Arguments(arguments), input: .inputWriter,
            output: .fileDescriptor(sink, closeAfterSpawningProcess: true), error: .discarded
        ) { execution in
            let (outgoing, send) = AsyncStream<[UInt8]>.makeStream()
            let tools = DevTools(send)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await message in outgoing {
                        _ = try await execution.standardInputWriter.write(message + [0])
                    }
                    try await execution.standardInputWriter.finish()
                }
                group.addTask {
                    for await piece in Chromium.pieces(of: answers) { await tools.receive(piece) }
                    await tools.end()
                }
                group.addTask {
                    defer { send.finish() }
                    try await body(try await BrowserPage(tools))
                    // The answer may not come any more.
                    await tools.post("Browser.close")
                }
                try await group.waitForAll()
            }
        }
    }

    /// What comes through a pipe, as soon as it comes: read on a thread of its own.
    private static func pieces(of pipe: FileDescriptor) -> AsyncStream<[UInt8]> {
        let (pieces, continuation) = AsyncStream<[UInt8]>.makeStream()
        Thread.detachNewThread {
            while true {
                let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, filled in
                    filled = (try? pipe.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
                }
                guard !piece.isEmpty else { break }
                continuation.yield(piece)
            }
            try? pipe.close()
            continuation.finish()
        }
        return pieces
    }
}

/// Commands, answers and events of one browser.
actor DevTools {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let send: AsyncStream<[UInt8]>.Continuation
    private var lastID: Int64 = 0
    private typealias Answer = Result<JSONValue, any Error>
    private var pending: [Int64: AsyncStream<Answer>.Continuation] = [:]
    private var buffer: [UInt8] = []
    private var hasEnded = false
    /// What pages complained about: errors of scripts, of the console, of policies, of the network.
    private var problems: [String] = []
    /// The last number that a document was marked with.
    private var lastMark = 0

    init(_ send: AsyncStream<[UInt8]>.Continuation) { self.send = send }

    func nextMark() -> Int {
        lastMark += 1
        return lastMark
    }

    /// Sends a command and waits for its answer, for a while: a browser that hangs fails the test instead of holding it.
    @discardableResult
    func call(
        _ method: String, _ parameters: [String: JSONValue] = [:], session: String? = nil
    ) async throws -> JSONValue {
        guard !hasEnded else { throw Failure(description: "the browser has ended") }
        let (answers, pending) = AsyncStream<Answer>.makeStream()
        let id = post(method, parameters, session: session)
        self.pending[id] = pending
        return try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            group.addTask {
                for await answer in answers { return try answer.get() }
                throw Failure(description: "the browser has ended")
            }
            group.addTask {
                try await Task.sleep(for: Chromium.patience)
                return nil
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() ?? nil else {
                throw Failure(description: "the browser did not answer \(method) within \(Chromium.patience)")
            }
            return answer
        }
    }

    /// Sends a command without waiting for its answer.
    @discardableResult
    func post(_ method: String, _ parameters: [String: JSONValue] = [:], session: String? = nil) -> Int64 {
        lastID += 1
        var message: [String: JSONValue] = [
            "id": .integer(lastID), "method": .string(method), "params": .object(parameters),
        ]
        message["sessionId"] = session.map(JSONValue.string)
        send.yield((try? JSONEncoder().encode(JSONValue.object(message))).map { Array($0) } ?? [])
        return lastID
    }

    /// The complaints since the last look.
    func takeProblems() -> [String] {
        defer { problems = [] }
        return problems
    }

    func receive(_ bytes: [UInt8]) {
        buffer += bytes
        while let end = buffer.firstIndex(of: 0) {
            let message = try? JSONDecoder().decode(JSONValue.self, from: Data(buffer[..<end]))
            buffer.removeSubrange(...end)
            if let message { take(message) }
        }
    }

    func end() {
        hasEnded = true
        for answer in pending.values { answer.finish() }
    }

    private func take(_ message: JSONValue) {
        if let id = message["id"]?.intValue {
            let answer: Answer =
                if let error = message["error"] {
                    .failure(Failure(description: error["message"]?.stringValue ?? "\(error)"))
                } else {
                    .success(message["result"] ?? .null)
                }
            pending.removeValue(forKey: id)?.yield(answer)
            return
        }
        let event = message["params"]
        switch message["method"]?.stringValue {
        case "Runtime.exceptionThrown":
            let details = event?["exceptionDetails"]
            problems.append(
                "script: \(details?["exception"]?["description"]?.stringValue ?? details?["text"]?.stringValue ?? "")")
        case "Runtime.consoleAPICalled":
            guard let kind = event?["type"]?.stringValue, ["error", "warning", "assert"].contains(kind) else { return }
            let words = event?["args"]?.arrayValue?.compactMap { $0["value"]?.stringValue } ?? []
            problems.append("console.\(kind): \(words.joined(separator: " "))")
        case "Log.entryAdded":
            guard let entry = event?["entry"], ["error", "warning"].contains(entry["level"]?.stringValue) else {
                return
            }
            problems.append(
                "\(entry["source"]?.stringValue ?? "log"): \(entry["text"]?.stringValue ?? "") \(entry["url"]?.stringValue ?? "")"
            )
        default: break
        }
    }
}
