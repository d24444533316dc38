import ArtifactStore
import FoundationEssentials
import SlipwayModel
import Web

/// Tells one listener of a log as it grows: events `lines` (`{"first","html"}`) for a page or `text` (`{"text"}`) for a
/// terminal, `state` (`{"state","label","description"}`), and at last `end` (`{"continues"}`: the run has another attempt,
/// with a log of its own).
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

    /// What the parameter `format` of the stream takes.
    enum Form: String, CaseIterable {
        case html, text
    }

    /// Where the attempt that is listened to stands.
    struct Standing: Sendable {
        var state: RunState
        var description: String
        /// Its run has a later attempt.
        var continues = false
    }

    let log: RunLog
    /// Makes lines into HTML; nil for text.
    let part: LogPart?
    let position: Position
    /// Nil when the run is gone.
    let state: @Sendable () async throws -> Standing?
    var interval: Duration = .milliseconds(500)

    /// Lines of one event.
    private static let batch = 300

    private struct LinesEvent: Encodable {
        var first: Int
        var html: String
    }

    private struct TextEvent: Encodable {
        var text: String
    }

    private struct EndEvent: Encodable {
        var continues: Bool
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
                position =
                    if let part {
                        try await tell(content.file, as: part, from: position, isAll: hasEnded, &events)
                    } else {
                        try await tellText(content.file, from: position, isAll: hasEnded, &events)
                    }
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
                try await events.send(json(EndEvent(continues: current?.continues ?? false)), event: "end")
                return
            }
            try await events.keepAlive()
            try await Task.sleep(for: interval)
        }
    }

    /// Bytes of one event of text.
    private static let textBytes = 64 << 10

    /// Whole lines as they are; a line that is longer than an event is told in parts.
    private func tellText(
        _ file: any ArtifactFile, from start: Position, isAll: Bool, _ events: inout EventWriter
    ) async throws -> Position {
        var position = start
        var pending: [UInt8] = []
        func send(_ count: Int, _ events: inout EventWriter) async throws {
            guard count > 0 else { return }
            position.offset += Int64(count)
            try await events.send(
                json(TextEvent(text: String(decoding: pending.prefix(count), as: UTF8.self))), event: "text",
                id: position.description)
            pending.removeFirst(count)
        }
        for try await piece in file.pieces(of: start.offset..<file.size, size: Self.textBytes) {
            pending += piece
            let whole = pending.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            try await send(whole == 0 && pending.count >= Self.textBytes ? pending.count : whole, &events)
        }
        if isAll { try await send(pending.count, &events) }
        return position
    }

    private func tell(
        _ file: any ArtifactFile, as part: LogPart, from start: Position, isAll: Bool, _ events: inout EventWriter
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
