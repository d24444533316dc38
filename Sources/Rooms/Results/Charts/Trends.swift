import FoundationEssentials
import Web

/// How the fleet fared over a span of time: runs, the share that failed, the wait for an agent. Pure.
struct Trends: Sendable {
    enum Span: String, CaseIterable {
        case day = "24h"
        case week = "7d"

        var seconds: Double { self == .day ? 86_400 : 7 * 86_400 }
        /// Seconds that one bar stands for.
        var step: Double { self == .day ? 1800 : 4 * 3600 }
        var label: String { self == .day ? "24 hours" : "7 days" }
    }

    let span: Span
    /// One per step, oldest first, those without a run among them.
    let steps: [PaceRow]

    init(_ rows: [PaceRow], span: Span, now: Date) {
        self.span = span
        let end = (now.timeIntervalSince1970 / span.step).rounded(.up) * span.step
        let count = Int(span.seconds / span.step)
        var steps = (0..<count).map {
            PaceRow(beginsAt: Date(timeIntervalSince1970: end - Double(count - $0) * span.step))
        }
        for row in rows {
            let position =
                Int(
                    ((row.beginsAt.timeIntervalSince1970 - end) / span.step).rounded(.down)) + count
            if steps.indices.contains(position) {
                let begin = steps[position].beginsAt
                steps[position] = steps[position] + row
                steps[position].beginsAt = begin
            }
        }
        self.steps = steps
    }

    var total: PaceRow { steps.reduce(PaceRow(beginsAt: .distantFuture), +) }

    private var ends: (String, String) { ("\(span.label) ago", "now") }

    var runs: BarChart {
        chart(.count, "Runs that ended, per \(HumanTime.duration(span.step))") { step in
            (
                [
                    ("bar-success", Double(step.passed)), ("bar-failure", Double(step.failed)),
                    ("bar-aborted", Double(step.aborted)),
                ],
                "\(step.passed) passed, \(step.failed) failed, \(step.aborted) aborted"
            )
        }
    }

    var failures: BarChart {
        chart(.percent, "Share of runs that failed") { step in
            let share = step.judged == 0 ? 0 : 100 * Double(step.failed) / Double(step.judged)
            return ([("bar-failure", share)], "\(Int(share.rounded())) % of \(step.judged) failed")
        }
    }

    var waits: BarChart {
        chart(.seconds, "Median wait for an agent") { step in
            let median = WaitClasses.median(step.waits) ?? 0
            return ([("bar-wait", median)], "waited \(HumanTime.duration(median))")
        }
    }

    private func chart(
        _ unit: BarChart.Unit, _ label: String, _ bar: (PaceRow) -> ([(style: String, value: Double)], String)
    ) -> BarChart {
        let bars = steps.map { step in
            let (parts, words) = bar(step)
            return BarChart.Bar(
                parts,
                title:
                    "\(HumanTime.instant(step.beginsAt).dropLast(7)) UTC: \(step.finished == 0 ? "nothing ended" : words)"
            )
        }
        var chart = BarChart(bars, unit: unit, label: label, ends: ends)
        chart.isSmall = true
        return chart
    }
}
