package import FoundationEssentials
import Postgres
package import SlipwayModel

/// A run as lists show it.
package struct RunSummary: Hashable, Sendable {
    package var runID: RunID
    package var buildID: BuildID
    package var kind: JobKind
    package var job: String
    package var org: String?
    package var repo: String?
    package var baseRef: String?
    package var pullNumbers: [Int]
    /// Of the first pull request.
    package var title: String?
    package var author: String?
    package var headSHA: String?
    package var state: RunState
    package var description: String
    package var cluster: String
    package var context: String?
    package var isOptional: Bool
    package var attempt: Int
    package var requestedAt: Date
    package var startedAt: Date?
    package var finishedAt: Date?

    static let columns = """
        run.run_id, run.build_id, run.kind, run.job, run.org, run.repo, run.base_ref, run.pull_numbers,
        run.pulls #>> '{0,title}', run.author, run.head_sha, run.state, run.description, run.cluster, run.context,
        run.optional, run.attempt, run.requested_at, run.started_at, run.finished_at
        """

    static let columnCount = 20

    /// From a row whose first columns are `columns`.
    init(_ row: Row) throws(PostgresError) {
        (runID, buildID, kind, job) = (try row.get(0), try row.get(1), try row.get(2), try row.get(3))
        (org, repo, baseRef, pullNumbers) = (try row.get(4), try row.get(5), try row.get(6), try row.get(7))
        (title, author, headSHA, state) = (try row.get(8), try row.get(9), try row.get(10), try row.get(11))
        (description, cluster, context) = (try row.get(12), try row.get(13), try row.get(14))
        (isOptional, attempt, requestedAt) = (try row.get(15), try row.get(16), try row.get(17))
        (startedAt, finishedAt) = (try row.get(18), try row.get(19))
    }

    package var repository: RepositoryName? {
        guard let org, let repo else { return nil }
        return RepositoryName(org: org, repo: repo)
    }
}

/// A run with everything its page shows.
package struct RunDetail: Sendable {
    package var summary: RunSummary
    package var origin: RunOrigin
    package var refs: Refs?
    package var isReported: Bool
    package var rerunCommand: String?
    package var dispatchedAt: Date?
    package var agent: String?
    package var tree: String?
    package var exitCode: Int?
    /// Seconds per phase: clone, test, upload.
    package var phases: [String: Double]
    package var configVersion: Int64?
    package var artifactPath: String
    package var priority: Int
    package var cancelReason: String?
    package var cancelledBy: String?
    /// Whether it waits for resources that it needs, or when it was given them.
    package var awaitsLease: Bool
    package var leasedAt: Date?
    /// The file and line that configure the job, with the commit where it is the repository's own file.
    package var source: String?

    static let columns =
        RunSummary.columns + """
            , run.origin, run.refs, run.skip_report, run.rerun_command, run.dispatched_at, run.agent, run.tree,
            run.exit_code, run.phases, run.config_version, run.artifact_path, run.priority, run.cancel_reason,
            run.cancelled_by, run.source, run.awaits_lease, run.leased_at
            """

    init(_ row: Row) throws(PostgresError) {
        var skipReport = false
        var decodedRefs: JSON<Refs>?
        var decodedPhases: JSON<[String: Double]>?
        summary = try RunSummary(row)
        (
            origin, decodedRefs, skipReport, rerunCommand, dispatchedAt, agent, tree, exitCode, decodedPhases,
            configVersion, artifactPath, priority, cancelReason, cancelledBy, source, awaitsLease, leasedAt
        ) = (
            try row.get(20), try row.get(21), try row.get(22), try row.get(23), try row.get(24), try row.get(25),
            try row.get(26), try row.get(27), try row.get(28), try row.get(29), try row.get(30), try row.get(31),
            try row.get(32), try row.get(33), try row.get(34), try row.get(35),
            try row.get(36)
        )
        refs = decodedRefs?.value
        phases = decodedPhases?.value ?? [:]
        isReported = !skipReport
    }
}

/// An attempt that was given up; the last attempt is the run itself.
package struct AttemptRow: Sendable {
    package var buildID: BuildID
    package var attempt: Int
    package var agent: String
    package var description: String
    package var startedAt: Date
    package var endedAt: Date
}

/// What waits and runs in one cluster.
package struct ClusterQueue: Sendable, Hashable {
    package var cluster: String
    package var waiting: Int
    package var dispatched: Int
    package var running: Int
    /// Since when the oldest waiting run waits.
    package var waitingSince: Date?
    package var agents: Int
    package var capacity: Int
}

/// A build as Prow's history of a job lists it.
package struct BuildRow: Sendable {
    package var buildID: BuildID
    package var state: RunState
    package var requestedAt: Date
    package var startedAt: Date?
    package var finishedAt: Date?
    package var artifactPath: String
    package var refs: Refs?
}

/// A configured job with its newest run.
package struct JobRow: Sendable {
    package var name: String
    package var kind: JobKind
    package var repository: String?
    package var repositories: Int
    package var lastRun: RunID?
    package var lastState: RunState?
    package var lastRequestedAt: Date?
}

/// A pull request as it was last heard of.
package struct PullRow: Sendable {
    package var org: String
    package var repo: String
    package var number: Int
    package var title: String
    package var author: String
    package var headRef: String
    package var headSHA: String
    package var baseRef: String
    package var isOpen: Bool
    package var isDraft: Bool
    package var isMerged: Bool
    package var mergeable: Bool?
    package var labels: [String]
    package var link: String?
    package var updatedAt: Date

    static let columns = """
        org, repo, number, title, author, head_ref, head_sha, base_ref, is_open, is_draft, is_merged, mergeable,
        labels, link, updated_at
        """

    init(_ row: Row) throws(PostgresError) {
        (
            org, repo, number, title, author, headRef, headSHA, baseRef, isOpen, isDraft, isMerged, mergeable, labels,
            link, updatedAt
        ) = try row.decode(
            (
                String, String, Int, String, String, String, String, String, Bool, Bool, Bool, Bool?, [String],
                String?, Date
            ).self)
    }
}

/// What the reports of one attempt amount to.
package struct TestSummary: Sendable, Hashable {
    package var passed: Int
    package var failed: Int
    package var flaky: Int
    package var skipped: Int
    package var duration: Double
    package var files: Int
    package var problems: [String]

    package var total: Int { passed + failed + flaky + skipped }
}
