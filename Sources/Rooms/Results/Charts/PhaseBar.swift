package import FoundationEssentials
import SlipwayModel
package import Web

/// Where the time of a run went, as one horizontal bar.
package struct PhaseBar: Sendable {
    package struct Segment: Hashable, Sendable {
        /// Also the CSS class: queue, start, clone, test, upload, rest.
        package var name: String
        package var seconds: Double
    }

    package let segments: [Segment]

    /// - Parameter now: stands in for the end of a run that has none yet.
    package init(_ run: RunDetail, now: Date) {
        let summary = run.summary
        let end = summary.finishedAt ?? now
        var segments: [Segment] = []
        func add(_ name: String, _ seconds: Double) {
            if seconds > 0 { segments.append(Segment(name: name, seconds: seconds)) }
        }
        let dispatched = run.dispatchedAt ?? summary.startedAt ?? end
        add("queue", dispatched.timeIntervalSince(summary.requestedAt))
        if let started = summary.startedAt {
            add("start", started.timeIntervalSince(dispatched))
            var rest = end.timeIntervalSince(started)
            for name in ["clone", "test", "upload"] {
                let seconds = min(run.phases[name] ?? 0, max(0, rest))
                add(name, seconds)
                rest -= seconds
            }
            add(summary.state.isFinished ? "rest" : "running", rest)
        } else if run.dispatchedAt != nil {
            add("start", end.timeIntervalSince(dispatched))
        }
        self.segments = segments
    }

    package var total: Double { segments.reduce(0) { $0 + $1.seconds } }

    /// The bar alone; every part has a title. Its words stand in the legend beside it.
    package var svg: Markup {
        let width = 1000.0
        let scale = total > 0 ? width / total : 0
        var x = 0.0
        var parts: [Markup] = []
        for segment in segments {
            let length = segment.seconds * scale
            parts.append(
                "<rect class=\"phase-\(segment.name)\" x=\"\(Self.number(x))\" width=\"\(Self.number(max(length, 1)))\" height=\"16\"><title>\(Self.title(segment))</title></rect>"
            )
            x += length
        }
        let label = segments.map(Self.title).joined(separator: ", ")
        return
            "<svg class=\"phases\" viewBox=\"0 0 1000 16\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Time per phase: \(label)\">\(Markup(joining: parts))</svg>"
    }

    package static func title(_ segment: Segment) -> String {
        "\(label(segment.name)) \(HumanTime.duration(segment.seconds))"
    }

    static func label(_ name: String) -> String {
        switch name {
        case "queue": "waited"
        case "start": "queued"
        case "rest": "between"
        case "running": "running"
        default: name
        }
    }

    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
    }
}
