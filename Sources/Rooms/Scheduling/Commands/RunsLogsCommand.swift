package import ArgumentParser
import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
package import RoomKit
import SlipwayModel

extension RunsCommand {
    package struct Logs: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Print the log of a run.",
            discussion: """
                Reads from the gateway, so nothing but its address is needed. With --follow the log is printed as it is \
                written; at its end the run's state is said on standard error, and the exit code is 1 unless the run \
                succeeded.
                """)

        @OptionGroup package var options: CommandOptions
        @Flag(name: [.customShort("f"), .long], help: "Go on until the run has ended.")
        package var follow = false
        @Option(help: "Address of the gateway; gateway.public_url of the settings by default.")
        package var gateway: String?
        @Argument(help: "Run id or build id.")
        package var run: String

        package init() {}

        package func run() async throws {
            var address = try gateway ?? options.settings().pageURL
            while address.hasSuffix("/") { address.removeLast() }
            let log = RemoteLog(gateway: address)
            let path = try await log.path(of: run)
            guard follow else { return try await log.print(path) }
            let ended = try await log.follow(path)
            Terminal.complain("The run ended: \(ended.state)" + (ended.text.isEmpty ? "." : ". \(ended.text)"))
            guard ended.state == RunState.success.rawValue else { throw ExitCode(1) }
        }
    }
}

/// The log of a run, by the gateway's HTTP addresses.
struct RemoteLog: Sendable {
    let gateway: String

    /// How long a gateway may be away in the middle of a log.
    private static let patience: Duration = .seconds(60)

    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    struct End: Sendable {
        var state = ""
        var text = ""
    }

    /// `/runs/<id>`, for a run's id or for the build id of any of its attempts.
    func path(of run: String) async throws -> String {
        if let id = RunID(run) { return "/runs/\(id)" }
        guard let build = BuildID(run) else { throw NoSuchRun(name: run) }
        let found = try await get("/search?q=\(build)", accept: "text/html")
        // The gateway leads from an id to what it names.
        guard let url = found.url, url.path.hasPrefix("/runs/") else { throw NoSuchRun(name: run) }
        return url.path
    }

    /// Prints what there is.
    func print(_ path: String) async throws {
        let response = try await get("\(path)/log", accept: "application/json")
        guard response.status == .ok else { throw await refusal(response) }
        for try await piece in response.body { Terminal.output(piece.readableBytesView) }
    }

    /// Prints the log as it grows, until the run has ended.
    func follow(_ path: String) async throws -> End {
        var end = End()
        var position = ""
        var awaySince: ContinuousClock.Instant?
        while true {
            do {
                let response = try await get("\(path)/log/stream?format=text", accept: "text/event-stream", position)
                guard response.status == .ok else {
                    if response.status.code >= 500 { throw await refusal(response) }
                    throw Stop(error: await refusal(response))
                }
                var reader = EventReader()
                for try await piece in response.body {
                    awaySince = nil
                    for event in reader.feed(piece.readableBytesView) {
                        if let id = event.id { position = id }
                        if let isLast = take(event, &end) {
                            if isLast { return end }
                            position = ""
                            Terminal.complain("The attempt was lost; another one follows.")
                        }
                    }
                }
            } catch let stop as Stop {
                throw stop.error
            } catch {
                let since = awaySince ?? .now
                if awaySince == nil { Terminal.complain("\(gateway) does not answer; trying again (\(error))") }
                awaySince = since
                guard since.duration(to: .now) < Self.patience else { throw error }
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// - Returns: nil where the log goes on; otherwise whether the run has ended with it.
    private func take(_ event: EventReader.Event, _ end: inout End) -> Bool? {
        guard case .object(let fields)? = try? JSONDecoder().decode(JSONValue.self, from: Data(event.data.utf8)) else {
            return nil
        }
        switch event.type {
        case "text": Terminal.output((fields["text"]?.stringValue ?? "").utf8)
        case "state":
            end = End(
                state: fields["state"]?.stringValue ?? "", text: fields["description"]?.stringValue ?? "")
        case "end": return fields["continues"] != .bool(true)
        default: break
        }
        return nil
    }

    private func get(_ path: String, accept: String, _ position: String = "") async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: gateway + path)
        request.headers.add(name: "Accept", value: accept)
        if !position.isEmpty { request.headers.add(name: "Last-Event-ID", value: position) }
        return try await HTTPClient.shared.execute(request, timeout: .hours(24))
    }

    private func refusal(_ response: HTTPClientResponse) async -> Refusal {
        struct Body: Decodable {
            var error: String
        }
        let bytes = (try? await response.body.collect(upTo: 1 << 20)).map { Data($0.readableBytesView) } ?? Data()
        let sentence = try? JSONDecoder().decode(Body.self, from: bytes).error
        return Refusal(description: sentence ?? "\(gateway) answered \(response.status.code); is it Slipway's gateway?")
    }

    /// An answer that another try does not change.
    private struct Stop: Error {
        let error: Refusal
    }
}

/// Cuts server-sent events (the HTML standard, 9.2.6) out of a stream of bytes.
package struct EventReader {
    package struct Event: Hashable, Sendable {
        package var type = "message"
        package var data = ""
        package var id: String?
    }

    /// Bytes of a line that are read at most; the rest of a longer one is dropped.
    private static let lineLimit = 1 << 20

    private var line: [UInt8] = []
    private var event = Event()
    private var lines: [String] = []

    package init() {}

    /// The events that are complete with these bytes.
    package mutating func feed(_ bytes: some Sequence<UInt8>) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                if line.count < Self.lineLimit { line.append(byte) }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty {
                if !lines.isEmpty {
                    event.data = lines.joined(separator: "\n")
                    events.append(event)
                }
                event = Event()
                lines = []
            } else {
                take(String(decoding: line, as: UTF8.self))
            }
            line = []
        }
        return events
    }

    private mutating func take(_ line: String) {
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        var value = colon == line.endIndex ? "" : line[line.index(after: colon)...]
        if value.first == " " { value.removeFirst() }
        switch line[..<colon] {
        case "event": event.type = String(value)
        case "data": lines.append(String(value))
        case "id": event.id = String(value)
        default: break
        }
    }
}
