package import FoundationEssentials
package import SlipwayModel

/// What reporting reads of a run, from `scheduling.runs_v1`.
package struct ReportedRun: Hashable, Sendable {
    package var runID: RunID
    package var kind: JobKind
    package var job: String
    package var context: String?
    package var isRequired: Bool
    package var skipReport: Bool
    package var rerunCommand: String?
    package var state: RunState
    package var description: String?
    package var repository: RepositoryName
    package var baseSHA: String?
    package var pulls: [Pull]
    package var requestedAt: Date
    package var finishedAt: Date?
    package var cluster: String
    package var buildID: BuildID
    package var refs: Refs?

    package init(
        runID: RunID, kind: JobKind, job: String, context: String?, isRequired: Bool, skipReport: Bool,
        rerunCommand: String?, state: RunState, description: String?, repository: RepositoryName, baseSHA: String?,
        pulls: [Pull], requestedAt: Date, finishedAt: Date?, cluster: String, buildID: BuildID, refs: Refs?
    ) {
        self.runID = runID
        self.kind = kind
        self.job = job
        self.context = context
        self.isRequired = isRequired
        self.skipReport = skipReport
        self.rerunCommand = rerunCommand
        self.state = state
        self.description = description
        self.repository = repository
        self.baseSHA = baseSHA
        self.pulls = pulls
        self.requestedAt = requestedAt
        self.finishedAt = finishedAt
        self.cluster = cluster
        self.buildID = buildID
        self.refs = refs
    }

    /// The commit that carries the status: the pull request's head, or the pushed commit. Batches and periodics have
    /// none.
    package var statusSHA: String? {
        guard !skipReport else { return nil }
        switch kind {
        case .presubmit: return pulls.count == 1 ? pulls[0].sha : nil
        case .postsubmit: return baseSHA
        case .periodic, .batch: return nil
        }
    }

    /// Grows with every change of what the context shows: a later request beats an earlier one, and within a run its
    /// progress. Taken from the run itself, so that workers which read it at different times agree on the order.
    package var version: Int64 {
        let rank: Int64
        switch state {
        case .waiting: rank = 0
        case .dispatched: rank = 1
        case .running: rank = 2
        case .success, .failure, .aborted, .error: rank = 9
        }
        return requestedAt.microseconds * 10 + rank
    }
}

extension Date {
    /// Whole microseconds since 1970.
    package var microseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }
}
