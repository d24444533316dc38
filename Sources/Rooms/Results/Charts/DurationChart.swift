import FoundationEssentials
package import SlipwayModel
package import Web

/// The durations of a job's last runs as bars, oldest on the left; colour and shape tell the state, each leads to its
/// run.
package struct DurationChart: Sendable {
    package struct Bar: Sendable {
        package var run: RunID
        package var state: RunState
        package var seconds: Double
        package var title: String
    }

    package let bars: [Bar]

    package init(_ runs: [RunSummary]) {
        bars = runs.reversed().compactMap { run in
            guard run.state.isFinished, let start = run.startedAt, let end = run.finishedAt else { return nil }
            let seconds = max(0, end.timeIntervalSince(start))
            return Bar(
                run: run.runID, state: run.state, seconds: seconds,
                title: "\(ResultsText.label(run.state)) in \(HumanTime.duration(seconds)), \(HumanTime.instant(end))")
        }
    }

    private static let height = 88.0
    private static let width = 720.0
    private static let left = 58.0

    package var svg: Markup {
        let longest = bars.map(\.seconds).max() ?? 0
        let top = Self.roundedUp(longest)
        let step = (Self.width - Self.left) / Double(max(bars.count, 20))
        var parts: [Markup] = []
        for share in [0.5, 1.0] {
            let y = Self.height + 6 - share * Self.height
            parts.append(
                "<line class=\"grid\" x1=\"\(PhaseBar.number(Self.left))\" x2=\"\(PhaseBar.number(Self.width))\" y1=\"\(PhaseBar.number(y))\" y2=\"\(PhaseBar.number(y))\"/><text class=\"axis\" x=\"\(PhaseBar.number(Self.left - 8))\" y=\"\(PhaseBar.number(y + 4))\">\(HumanTime.duration(top * share))</text>"
            )
        }
        for (index, bar) in bars.enumerated() {
            let height = top > 0 ? max(3, bar.seconds / top * Self.height) : 3
            let x = Self.width - Double(bars.count - index) * step
            let failed = bar.state == .failure || bar.state == .error
            // A failure also has a notch of its own above the bar, for who does not see its colour.
            let mark: Markup =
                failed
                ? "<circle class=\"mark\" cx=\"\(PhaseBar.number(x + step * 0.4))\" cy=\"\(PhaseBar.number(Self.height + 13))\" r=\"2.5\"/>"
                : ""
            parts.append(
                "<a href=\"/runs/\(bar.run.description)\" aria-label=\"\(bar.title)\"><rect class=\"bar-\(bar.state.rawValue)\" x=\"\(PhaseBar.number(x))\" y=\"\(PhaseBar.number(Self.height + 6 - height))\" width=\"\(PhaseBar.number(max(1, step * 0.8)))\" height=\"\(PhaseBar.number(height))\" rx=\"1\"/>\(mark)<title>\(bar.title)</title></a>"
            )
        }
        return
            "<svg class=\"durations\" viewBox=\"0 0 720 112\" role=\"group\" aria-label=\"Durations of the last \(bars.count) runs\">\(Markup(joining: parts))</svg>"
    }

    /// The next duration that is easy to read.
    static func roundedUp(_ seconds: Double) -> Double {
        let steps: [Double] = [
            1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400,
        ]
        return steps.first { $0 >= seconds } ?? (seconds / 86_400).rounded(.up) * 86_400
    }
}
