import FoundationEssentials
import SlipwayModel
import Web

/// How long a job's last runs took, each a bar that leads to its run.
struct DurationChart: Sendable {
    let chart: BarChart

    /// - Parameter runs: newest first; those that never started or still run are left out.
    init(_ runs: [RunSummary], now: Date) {
        var first: Date?
        let bars = runs.reversed().compactMap { run -> BarChart.Bar? in
            guard run.state.isFinished, let start = run.startedAt, let end = run.finishedAt else { return nil }
            if first == nil { first = run.requestedAt }
            let seconds = max(0, end.timeIntervalSince(start))
            return BarChart.Bar(
                [("bar-\(run.state.rawValue)", seconds)],
                title: "\(ResultsText.label(run.state)) in \(HumanTime.duration(seconds)), \(HumanTime.instant(end))",
                link: "/runs/\(run.runID)", isMarked: run.state == .failure || run.state == .error)
        }
        var chart = BarChart(
            bars, unit: .seconds, label: "Durations of the last \(bars.count) runs",
            ends: (first.map { HumanTime.age($0, now: now) } ?? "", "newest"))
        chart.minimumSlots = 20
        self.chart = chart
    }
}
