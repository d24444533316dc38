import ArtifactStore
import FoundationEssentials
import SlipwayModel
import Web

/// Tells one listener of a log as it grows: events `lines` (`{"first","html"}`), `state`, and at last `end`.
struct LogTail: Sendable {
    /// Where a listener is: the offset of the first byte it has not seen, and the number of the line that begins there.
    package struct Position: Hashable, Sendable, CustomStringConvertible {
        package var offset: Int64
        package var line: Int

        package static let start = Position(offset: 0, line: 1)

        package init(offset: Int64, line: Int) {
            self.offset = offset
            self.line = line
        }

        /// `<offset>-<line>`, as event ids have it.
        package init?(_ text: some StringProtocol) {
            let parts = text.split(separator: "-")
            guard parts.count == 2, let offset = Int64(parts[0]), let line = Int(parts[1]), offset >= 0, line >= 1
            else {
                return nil
            }
            self.init(offset: offset, line: line)
        }

        package var description: String { "\(offset)-\(line)" }
    }

    let log: RunLog
    let part: LogPart
    let position: Position
    /// Of the attempt that is listened to; nil when its run is gone.
    let state: @Sendable () async throws -> (state: RunState, description: String)?
    var interval: Duration = .milliseconds(500)

    /// Lines of one event.
    private static let batch = 300

    private struct LinesEvent: Encodable {
        var first: Int
        var html: String
    }

    private struct StateEvent: Encodable {
        var state: String
        var label: String
        var description: String
    }

    /// Runs until the attempt has ended and its last line was told, or the listener goes.
    func run(_ events: inout EventWriter) async throws {
        var position = position
        var told = ""
        while events.isOpen {
            // The state is read first: what the log holds afterwards is then all of it.
            let current = try await state()
            let hasEnded = current?.state.isFinished ?? true
            if let content = try await log.open(), content.file.size > position.offset {
                position = try await tell(content.file, from: position, isAll: hasEnded, &events)
            }
            if let current, "\(current.state) \(current.description)" != told {
                told = "\(current.state) \(current.description)"
                try await events.send(
                    json(
                        StateEvent(
                            state: current.state.rawValue, label: ResultsText.label(current.state),
                            description: current.description)), event: "state")
            }
            if hasEnded {
                try await events.send("{}", event: "end")
                return
            }
            try await events.keepAlive()
            try await Task.sleep(for: interval)
        }
    }

    private func tell(
        _ file: any ArtifactFile, from start: Position, isAll: Bool, _ events: inout EventWriter
    ) async throws -> Position {
        var position = start
        var splitter = LineSplitter(offset: start.offset)
        var text = TerminalText()
        var pending: [Markup] = []
        var end = start.offset
        func flush(_ events: inout EventWriter) async throws {
            guard !pending.isEmpty else { return }
            let html = part.lines(pending, first: position.line, marked: nil).html
            let first = position.line
            position = Position(offset: end, line: first + pending.count)
            pending = []
            try await events.send(
                json(LinesEvent(first: first, html: html)), event: "lines", id: position.description)
        }
        for try await piece in file.pieces(of: start.offset..<file.size) {
            for line in splitter.feed(piece) {
                pending.append(text.render(line.bytes, omitted: line.omitted))
                end = line.end
                if pending.count == Self.batch { try await flush(&events) }
            }
        }
        if isAll, let line = splitter.finish() {
            pending.append(text.render(line.bytes, omitted: line.omitted))
            end = line.end
        }
        try await flush(&events)
        return position
    }

    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
