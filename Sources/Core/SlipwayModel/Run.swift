package import FoundationEssentials

/// Where a run stands. `waiting → dispatched → running → success | failure | aborted | error`.
package enum RunState: String, Sendable, Codable, CaseIterable {
    case waiting, dispatched, running, success, failure, aborted, error

    package var isFinished: Bool {
        switch self {
        case .waiting, .dispatched, .running: false
        case .success, .failure, .aborted, .error: true
        }
    }

    /// Prow's name of the state, as its clients know it.
    package var prowName: String {
        switch self {
        case .waiting: "triggered"
        case .dispatched, .running: "pending"
        default: rawValue
        }
    }
}

/// Why a run exists. Older duplicates are aborted only within one origin.
package enum RunOrigin: String, Sendable, Codable, CaseIterable {
    case trigger, command, periodic, merging, rehearsal, aggregate, rerun
}

/// Whether an earlier result may stand in for a run.
package enum ReusePolicy: Hashable, Sendable, Codable {
    case never
    case tree
    /// Seconds.
    case maximumAge(Double)
}

/// One claimed attempt, all an agent needs to execute it.
package struct ClaimedRun: Sendable, Codable {
    package var runID: RunID
    package var buildID: BuildID
    package var job: ResolvedJob
    package var refs: Refs?
    /// The folder in the artifact store below which the attempt has one of its own, named by its build id.
    package var artifactFolder: String
    package var attempt: Int
    /// The instant the request for the run was stored, by the database's clock.
    package var requestedAt: Date
    /// The instant its cluster had room for it; nil where nobody knows any more.
    package var dispatchedAt: Date?
    package var claimedAt: Date
    package var configVersion: Int64?
    package var traceparent: String?
    /// What it holds while it runs; nil where its job needs nothing.
    package var leased: [LeasedResource]?
    /// The instant it was given that, for which it waited first of all.
    package var leasedAt: Date?

    package init(
        runID: RunID, buildID: BuildID, job: ResolvedJob, refs: Refs?, artifactFolder: String, attempt: Int,
        requestedAt: Date, dispatchedAt: Date? = nil, claimedAt: Date, configVersion: Int64?, traceparent: String?,
        leased: [LeasedResource]? = nil, leasedAt: Date? = nil
    ) {
        self.runID = runID
        self.buildID = buildID
        self.job = job
        self.refs = refs
        self.artifactFolder = artifactFolder
        self.attempt = attempt
        self.requestedAt = requestedAt
        self.dispatchedAt = dispatchedAt
        self.claimedAt = claimedAt
        self.configVersion = configVersion
        self.traceparent = traceparent
        self.leased = leased
        self.leasedAt = leasedAt
    }

    /// Prow's JOB_SPEC of this attempt; several pull requests make a presubmit a batch.
    package var spec: JobSpec {
        JobSpec(
            type: job.kind, job: job.name, buildID: buildID, runID: runID, refs: refs,
            extraRefs: job.extraRefs.isEmpty ? nil : job.extraRefs)
    }
}

/// How an attempt ended, as the agent that ran it saw it.
package struct RunOutcome: Sendable, Codable {
    package var state: RunState
    /// One sentence for people: why it ended like this.
    package var message: String
    /// The merged tree's hash, once the clone succeeded.
    package var tree: String?
    package var exitCode: Int?
    /// Seconds spent in each phase: clone, test, upload.
    package var phases: [String: Double]

    package init(
        state: RunState, message: String, tree: String? = nil, exitCode: Int? = nil, phases: [String: Double] = [:]
    ) {
        self.state = state
        self.message = message
        self.tree = tree
        self.exitCode = exitCode
        self.phases = phases
    }
}
