import FoundationEssentials
import Postgres
import SlipwayModel

/// Lines of the log below a folder of the artifact store that tell of a failure, at most so many.
package typealias FailureLines = @Sendable (_ folder: String, _ count: Int) async throws -> [String]

/// Runs that trains asked for: how they ended.
extension PoolDriver {
    /// Seconds that the reports of a failed run are waited for.
    private static let reportPatience = 20.0

    func openRuns(of claim: PoolClaim) async throws -> [OpenRun] {
        try await database.execute(MergingStore.openRuns, claim.poolID).map { row in
            let (
                requestID, run, tree, job, jobHash, isCancelled, refusal, runID, buildID, state, testedTree, testedHash,
                description, sinceEnd, isCancelAsked, folder
            ) = try row.decode(
                (
                    UUID, Int, String, String, String, Bool, String?, UUID?, Int64?, RunState?, String?, String?,
                    String?, Double?, Bool, String?
                ).self)
            return OpenRun(
                requestID: requestID, run: run, tree: tree, job: job, jobHash: jobHash, isCancelled: isCancelled,
                refusal: refusal, runID: runID.map(RunID.init), buildID: buildID.map(BuildID.init), state: state,
                testedTree: testedTree, testedHash: testedHash, description: description, sinceEnd: sinceEnd,
                isCancelAsked: isCancelAsked, folder: folder)
        }
    }

    /// Those that ended, with what it means; and those to be cancelled that go on.
    func endedRuns(of claim: PoolClaim) async throws -> (ended: [PoolTurn.EndedRun], cancelled: [PoolTurn.EndedRun]) {
        var ended: [PoolTurn.EndedRun] = []
        var cancelled: [PoolTurn.EndedRun] = []
        for run in try await openRuns(of: claim) {
            if let verdict = try await verdict(of: run) {
                ended.append(PoolTurn.EndedRun(run: run, verdict: verdict))
            } else if run.isCancelled, run.runID != nil, !run.isCancelAsked {
                cancelled.append(PoolTurn.EndedRun(run: run, verdict: .errored(reason: MergingText.nobodyWaits)))
            }
        }
        return (ended, cancelled)
    }

    /// Nil while it goes on.
    private func verdict(of run: OpenRun) async throws -> TrainVerdict? {
        if let refusal = run.refusal { return .outdated(reason: refusal) }
        guard let state = run.state, state.isFinished else { return nil }
        if run.isCancelled { return .errored(reason: MergingText.nobodyWaits) }
        if let hash = run.testedHash, hash != run.jobHash {
            return .outdated(reason: MergingText.jobChanged(run.job))
        }
        switch state {
        case .success:
            guard run.testedTree == run.tree else {
                return .errored(reason: MergingText.otherTree(run.job, wanted: run.tree, tested: run.testedTree))
            }
            return .passed
        case .failure:
            // It never got to its tests: the clone failed, or the refs are gone.
            guard run.testedTree == run.tree else {
                return .errored(
                    reason: run.description ?? MergingText.otherTree(run.job, wanted: run.tree, tested: nil))
            }
            guard let build = run.buildID else { return .failed(TrainFailure(job: run.job)) }
            let isIngested = try await database.execute(MergingStore.isIngested, build).one().decode(Bool.self)
            guard isIngested || run.sinceEnd ?? 0 > Self.reportPatience else { return nil }
            return .failed(try await failure(of: run, build))
        default: return .errored(reason: run.description ?? state.rawValue)
        }
    }

    private func failure(of run: OpenRun, _ build: BuildID) async throws -> TrainFailure {
        var failure = TrainFailure(job: run.job, run: run.runID?.description)
        var ids: [Int64] = []
        for row in try await database.execute(MergingStore.failedTests, build) {
            let (id, suite, name, message, output) = try row.decode((Int64, String, String, String, String).self)
            ids.append(id)
            failure.tests.append(suite.isEmpty ? name : "\(suite).\(name)")
            failure.lines += MergingText.telling(message: message, output: output)
        }
        failure.lines = Array(failure.lines.prefix(MergingText.linesOfFailure))
        if !ids.isEmpty {
            let flaky = try await database.execute(MergingStore.knownFlakes, ids, build).map {
                try $0.decode(Int64.self)
            }
            failure.isKnownFlake = Set(flaky).isSuperset(of: ids)
        }
        if failure.lines.isEmpty, let folder = run.folder {
            // A store in trouble costs the comment its lines, not the train its verdict.
            failure.lines = (try? await failureLines(folder, MergingText.linesOfFailure)) ?? []
        }
        if failure.lines.isEmpty, let description = run.description, !description.isEmpty {
            failure.lines = [description]
        }
        failure.lines = failure.lines.map(MergingText.shortened)
        return failure
    }
}
