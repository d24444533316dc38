import ArtifactStore
import FoundationEssentials
import SlipwayModel
import Web

/// The part of a run's page that shows its log.
struct LogPart {
    let log: RunLog
    let maps: LogMaps
    let run: RunID
    let build: BuildID
    let state: RunState
    /// Whether the page shows an earlier attempt, whose links must say so.
    let isEarlier: Bool

    /// Lines around the one that was asked for.
    private static let context = 60
    /// Lines before the failing one: it is on top of the page's log, with what led to it.
    private static let lead = 12
    static let windowLines = 240

    private var isLive: Bool { state == .running && !isEarlier }

    func values(line: Int?) async throws -> [String: PageValue] {
        var values: [String: PageValue] = [
            "rawPath": .text("/runs/\(run)/log" + suffix([])),
            "isLive": .flag(isLive),
            "empty": .text(state.isFinished || isEarlier ? ResultsText.noLog : ResultsText.noLogYet),
            "streamPath": .text("/runs/\(run)/log/stream" + suffix([])),
            "linesPath": .text("/runs/\(run)/log/lines" + suffix([])),
            "position": "0-1",
        ]
        guard let content = try await log.open() else { return values }
        let failed = state == .failure || state == .error
        let map = try await maps.map(of: build, content: content, findsFailure: failed && !isEarlier)
        let failing = map.failingLine
        let first =
            if let line {
                line - Self.context
            } else if let failing {
                failing - Self.lead
            } else {
                map.lines - Self.windowLines + 1
            }
        let window = try await LogWindow.read(content.file, map: map, first: first, count: Self.windowLines)
        let marked = line ?? failing
        values["lines"] = .markup(lines(window.lines, first: window.first, marked: marked))
        values["hasLines"] = .flag(!window.lines.isEmpty)
        values["total"] = .number(map.lines)
        values["size"] = .text(HumanTime.size(map.size))
        values["position"] = .text("\(window.end)-\(window.last + 1)")
        values["failing"] = .optional(failing.map { String($0) })
        if let failing { values["failingPath"] = .text(linePath(failing)) }
        if window.first > 1 {
            values["earlier"] = .number(window.first - 1)
            values["earlierPath"] = .text(linePath(max(1, window.first - Self.context)))
        }
        if window.last < map.lines {
            values["later"] = .number(map.lines - window.last)
            values["laterPath"] = .text(linePath(min(map.lines, window.last + Self.context)))
            values["endPath"] = .text(linePath(map.lines))
        }
        values["isAtEnd"] = .flag(window.last >= map.lines)
        return values
    }

    /// Lines as they stand on the page; also what the script fetches.
    func lines(_ lines: [Markup], first: Int, marked: Int?) -> Markup {
        var html: Markup = ""
        for (index, line) in lines.enumerated() {
            let number = first + index
            let mark: Markup = number == marked ? " hit" : ""
            html +=
                "<div class=\"l\(mark)\" id=\"L\(number)\"><a href=\"\(linePath(number))\">\(number)</a><span>\(line)</span></div>\n"
        }
        return html
    }

    private func linePath(_ line: Int) -> String { "/runs/\(run)" + suffix([("line", String(line))]) + "#L\(line)" }

    private func suffix(_ query: [(String, String?)]) -> String {
        Link.query((isEarlier ? [("build", build.description)] : []) + query)
    }
}
