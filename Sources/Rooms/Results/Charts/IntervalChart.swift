import ArtifactStore
import FoundationEssentials
import SlipwayModel
import Web

/// When a run waited, was cloned, ran and was put away: a lane per interval over one scale of time.
struct IntervalChart: Sendable {
    struct Interval: Hashable, Sendable {
        /// Also the CSS class: lost, lease, queue, start, clone, test, upload, rest, running.
        var name: String
        var label: String
        /// Seconds since the run was requested.
        var begin: Double
        var seconds: Double
    }

    let intervals: [Interval]
    private let begin: Date
    private let end: Date

    /// Shares of the whole below which what no phase accounts for is not shown.
    private static let negligible = 0.02

    /// - Parameters:
    ///   - lost: attempts before this one, oldest first.
    ///   - told: what its agent told of it, once it has; without that, phases follow each other without a gap.
    ///   - now: stands in for the end of a run that has none yet.
    init(_ run: RunDetail, lost: [AttemptRow] = [], told: IntervalsDocument? = nil, now: Date) {
        let summary = run.summary
        let begin = summary.requestedAt
        let end = max(begin, summary.finishedAt ?? now)
        var intervals: [Interval] = []
        func add(_ name: String, _ label: String, from: Date, to: Date) {
            let seconds = to.timeIntervalSince(from)
            guard seconds > 0 else { return }
            intervals.append(
                Interval(name: name, label: label, begin: max(0, from.timeIntervalSince(begin)), seconds: seconds))
        }
        var waitingSince = begin
        if let leased = run.leasedAt ?? (run.awaitsLease ? end : nil) {
            add("lease", "lease", from: begin, to: leased)
            waitingSince = leased
        }
        for attempt in lost {
            add("queue", "waited", from: waitingSince, to: attempt.startedAt)
            add("lost", "attempt \(attempt.attempt)", from: attempt.startedAt, to: attempt.endedAt)
            waitingSince = attempt.endedAt
        }
        let dispatched = max(waitingSince, run.dispatchedAt ?? summary.startedAt ?? end)
        add("queue", "waited", from: waitingSince, to: dispatched)
        guard let started = summary.startedAt else {
            if run.dispatchedAt != nil { add("start", "in the queue", from: dispatched, to: end) }
            (self.intervals, self.begin, self.end) = (intervals, begin, end)
            return
        }
        add("start", "in the queue", from: dispatched, to: started)
        var at = started
        for phase in Self.phases(told) {
            add(phase.name, phase.name, from: max(started, phase.from), to: min(end, phase.to))
            at = max(at, min(end, phase.to))
        }
        for name in at == started ? ["clone", "test", "upload"] : [] {
            let seconds = min(run.phases[name] ?? 0, max(0, end.timeIntervalSince(at)))
            let next = at.addingTimeInterval(seconds)
            add(name, name, from: at, to: next)
            at = next
        }
        if summary.state.isFinished {
            if end.timeIntervalSince(at) > Self.negligible * end.timeIntervalSince(begin) {
                add("rest", "between", from: at, to: end)
            }
        } else {
            add("running", "running", from: at, to: end)
        }
        (self.intervals, self.begin, self.end) = (intervals, begin, end)
    }

    /// The phases of the attempt itself; what came before it, the database knows for all attempts.
    private static func phases(_ told: IntervalsDocument?) -> [(name: String, from: Date, to: Date)] {
        (told?.items ?? []).prefix(50).compactMap { item in
            guard item.source == IntervalsDocument.runSource,
                let phase = item.locator.keys["phase"].flatMap(IntervalsDocument.Phase.init),
                ![.lease, .wait, .queue].contains(phase)
            else { return nil }
            return (phase.rawValue, item.from, item.to)
        }
    }

    var total: Double { end.timeIntervalSince(begin) }

    var html: Markup {
        let scale = total > 0 ? 1000 / total : 0
        let lanes = intervals.map { interval -> Markup in
            let words = HumanTime.duration(interval.seconds)
            let width = max(4, interval.seconds * scale)
            let x = min(interval.begin * scale, 1000 - width)
            return """
                <li><span class="name">\(interval.label)</span>\
                <svg viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true"><rect class="phase-\(interval.name)" \
                x="\(Figure.number(x))" width="\(Figure.number(width))" height="14"/></svg>\
                <span class="number">\(words)</span></li>
                """
        }
        return """
            <ol class="lanes">\(Markup(joining: lanes))<li><span></span><span class="scale">\
            <span>\(HumanTime.instant(begin).dropFirst(11).description)</span><span>\(HumanTime.duration(total)) in all</span></span>\
            <span></span></li></ol>
            """
    }
}
