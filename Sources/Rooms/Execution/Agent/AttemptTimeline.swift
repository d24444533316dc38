import ArtifactStore
import FoundationEssentials
import SlipwayModel

/// What an attempt did when. Instants are the ledger's claim plus what has passed since on this machine, so that they
/// stand on one scale with those that the ledger knows, whatever this machine's clock says.
struct AttemptTimeline: Sendable {
    private struct Span {
        var phase: IntervalsDocument.Phase
        /// Seconds since the claim; nil while it goes on.
        var from: Double
        var to: Double?
    }

    private let run: ClaimedRun
    private let agent: String
    private let claim = ContinuousClock.now
    private var spans: [Span] = []

    init(_ run: ClaimedRun, agent: String) {
        self.run = run
        self.agent = agent
    }

    /// Ends what went on, and begins a phase.
    mutating func begin(_ phase: IntervalsDocument.Phase) {
        end()
        spans.append(Span(phase: phase, from: elapsed))
    }

    /// Ends what goes on.
    mutating func end() {
        guard let last = spans.indices.last, spans[last].to == nil else { return }
        spans[last].to = elapsed
    }

    private var elapsed: Double { (ContinuousClock.now - claim) / .seconds(1) }

    /// Everything up to now.
    func document(_ outcome: RunOutcome) -> IntervalsDocument {
        var items = [
            item(
                .wait, from: run.leasedAt ?? run.requestedAt, to: run.dispatchedAt ?? run.claimedAt,
                "waited until cluster \(run.job.cluster) had room"),
            item(
                .queue, from: run.dispatchedAt ?? run.claimedAt, to: run.claimedAt,
                "stood in the queue of cluster \(run.job.cluster)"),
        ]
        if let leasedAt = run.leasedAt {
            let names = (run.leased ?? []).map(\.name).joined(separator: ", ")
            items.append(
                item(.lease, from: run.requestedAt, to: leasedAt, "waited for a lease, and was given \(names)"))
        }
        for span in spans {
            var next = item(
                span.phase, from: run.claimedAt.addingTimeInterval(span.from),
                to: run.claimedAt.addingTimeInterval(span.to ?? elapsed), words(span.phase, outcome))
            if span.phase == .test {
                next.level = outcome.state == .success ? "Info" : "Error"
                next.message.cause = outcome.state.rawValue
                // The word by which readers of test timelines choose a colour.
                next.message.annotations["status"] = outcome.state == .success ? "Passed" : "Failed"
            }
            items.append(next)
        }
        return IntervalsDocument(items: items)
    }

    private func words(_ phase: IntervalsDocument.Phase, _ outcome: RunOutcome) -> String {
        switch phase {
        case .clone: "cloned and merged \(cloned)"
        case .test: outcome.message
        default: "stored the log and the artifacts"
        }
    }

    private var cloned: String {
        let all = (run.refs.map { [$0] } ?? []) + run.job.extraRefs
        let more = all.count > 1 ? " and \(all.count - 1) more" : ""
        return (all.first.map { $0.repository.description } ?? "the repositories") + more
    }

    private func item(
        _ phase: IntervalsDocument.Phase, from: Date, to: Date, _ text: String
    ) -> IntervalsDocument.Item {
        IntervalsDocument.Item(
            source: IntervalsDocument.runSource,
            locator: .init(type: "Run", keys: ["job": run.job.name, "phase": phase.rawValue]),
            message: .init(
                reason: phase.rawValue.prefix(1).uppercased() + phase.rawValue.dropFirst(), humanMessage: text,
                annotations: [
                    "run": run.runID.description, "build": run.buildID.description, "agent": agent,
                    "attempt": String(run.attempt),
                ]),
            from: from, to: to)
    }
}
