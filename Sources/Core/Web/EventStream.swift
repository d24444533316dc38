import HTTPTypes
package import Hummingbird
import ServiceLifecycle
import Synchronization

/// Server-sent events (the HTML standard, 9.2) to one listener.
package struct EventWriter {
    private var writer: any ResponseBodyWriter
    private let closing: ClosingFlag
    private var lastWrite = ContinuousClock.now

    fileprivate init(_ writer: any ResponseBodyWriter, _ closing: ClosingFlag) {
        self.writer = writer
        self.closing = closing
    }

    /// False once the gateway is shutting down: return then, and the listener comes back to another.
    package var isOpen: Bool { !closing.isSet && !Task.isCancelled }

    /// - Parameters:
    ///   - event: the type a listener registers for; `message` where nil.
    ///   - id: what the listener sends back as `Last-Event-ID` when it reconnects.
    package mutating func send(_ data: String, event: String? = nil, id: String? = nil) async throws {
        var text = ""
        if let event { text += "event: \(event)\n" }
        if let id { text += "id: \(id)\n" }
        for line in data.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            text += "data: \(line)\n"
        }
        try await write(text + "\n")
    }

    /// A comment, if nothing was sent for 15 s: keeps proxies from closing the stream, and notices that nobody listens.
    package mutating func keepAlive() async throws {
        if lastWrite.duration(to: .now) >= .seconds(15) { try await write(":\n\n") }
    }

    /// How long a listener waits before it reconnects.
    mutating func setRetry(milliseconds: Int) async throws { try await write("retry: \(milliseconds)\n\n") }

    private mutating func write(_ text: String) async throws {
        lastWrite = .now
        try await writer.write(ByteBuffer(string: text))
    }

    fileprivate consuming func finish() async throws { try await writer.finish(nil) }
}

private final class ClosingFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

extension Response {
    /// A stream of server-sent events for as long as `body` runs. It is cancelled when the listener goes; an error
    /// ends the stream, and the listener reconnects.
    package static func events(
        to request: Request, _ body: @escaping @Sendable (inout EventWriter) async throws -> Void
    ) -> Response {
        let headers: HTTPFields = [
            .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache, no-transform",
        ]
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                let closing = ClosingFlag()
                var events = EventWriter(writer, closing)
                try await events.setRetry(milliseconds: 2000)
                try await withGracefulShutdownHandler {
                    try await request.body.consumeWithCancellationOnInboundClose { _ in
                        try await body(&events)
                    }
                } onGracefulShutdown: {
                    closing.set()
                }
                try await events.finish()
            })
    }
}
