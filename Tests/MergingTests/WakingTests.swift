import Fleet
import Forge
import Foundation
import Merging
import Postgres
import SlipwayModel
import Testing

/// What has a pool looked at before its next turn by itself.
@Suite struct WakingTests {
    struct Ended: Sendable, CustomTestStringConvertible {
        var origin = RunOrigin.trigger
        var kind = JobKind.presubmit
        var state = RunState.success
        var branch: String? = "main"
        var isHeard = false
        var testDescription: String { "\(kind) by \(origin) against \(branch ?? "nothing"): \(state)" }
    }

    @Test(arguments: [
        Ended(isHeard: true), Ended(origin: .command, isHeard: true), Ended(origin: .rerun, isHeard: true),
        Ended(origin: .merging), Ended(kind: .batch), Ended(kind: .postsubmit), Ended(state: .failure),
        Ended(state: .aborted), Ended(branch: "docs"), Ended(branch: nil),
    ])
    func aRunThatPassed(row: Ended) async throws {
        try await MergingHarness.run { harness in
            let number = try await harness.forge.open([("one", ["one": "1\n"])])[0]
            try await harness.steps(until: "it lands") { try await harness.areMerged([number]) }
            try await harness.pump()
            _ = try await harness.bus.database.query(
                "update merging.pools set due_at = 'infinity', claim = null, claimed_until = '-infinity'")
            let refs = Refs(
                repository: MergingHarness.repository, baseRef: row.branch, baseSHA: "b",
                pulls: [Pull(number: number, author: "noor", sha: "h", title: "Oil", headRef: "oil")])
            let ended = RunFinished(
                runID: RunID(), buildID: BuildID(7), requestID: UUID(), origin: row.origin, kind: row.kind,
                job: "unit", jobHash: "", refs: refs, tree: nil, state: row.state, requestedAt: Date(),
                startedAt: nil, finishedAt: Date(), configVersion: nil, artifactFolder: "")
            if let passed = PresubmitPassed(ended) { try await harness.emit(passed) }
            try await harness.pump()
            let due = try await harness.bus.database.query("select due_at <= now() from merging.pools").map {
                try $0.decode(Bool.self)
            }
            #expect(due == [row.isHeard])
        }
    }
}
