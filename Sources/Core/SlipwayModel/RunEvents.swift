package import FoundationEssentials

/// Asks for one run; idempotent by `requestID`. Answered by `run.accepted` or `run.refused`, ended by `run.finished`.
package struct RunRequested: Event {
    package static let type = "run.requested"
    package var requestID: UUID
    package var origin: RunOrigin
    package var kind: JobKind
    /// The job's name in the current configuration (with the repository of `refs` for presubmits and postsubmits).
    package var job: String
    package var refs: Refs?
    /// Higher goes first; 0 is the default.
    package var priority: Int
    package var reuse: ReusePolicy
    package var leases: [String]
    /// Refused, or aborted while still waiting, after this instant.
    package var deadline: Date?
    /// Who declared it passed: it succeeds without being executed.
    package var overriddenBy: String?

    package init(
        requestID: UUID = .version7(), origin: RunOrigin, kind: JobKind, job: String, refs: Refs? = nil,
        priority: Int = 0, reuse: ReusePolicy = .never, leases: [String] = [], deadline: Date? = nil,
        overriddenBy: String? = nil
    ) {
        self.requestID = requestID
        self.origin = origin
        self.kind = kind
        self.job = job
        self.refs = refs
        self.priority = priority
        self.reuse = reuse
        self.leases = leases
        self.deadline = deadline
        self.overriddenBy = overriddenBy
    }

    /// What the description of a run begins with that somebody declared passed; Prow's words.
    package static let overridden = "Overridden by "

    package var subject: String { "request/\(requestID.lowercased)" }
}

package struct RunAccepted: Event {
    package static let type = "run.accepted"
    package var requestID: UUID
    package var runID: RunID

    package init(requestID: UUID, runID: RunID) {
        self.requestID = requestID
        self.runID = runID
    }

    package var subject: String { "request/\(requestID.lowercased)" }
}

package struct RunRefused: Event {
    package static let type = "run.refused"
    package var requestID: UUID
    /// A sentence: why, and what to do.
    package var reason: String

    package init(requestID: UUID, reason: String) {
        self.requestID = requestID
        self.reason = reason
    }

    package var subject: String { "request/\(requestID.lowercased)" }
}

/// Asks to abort a run, in whatever state it is.
package struct RunCancel: Event {
    package static let type = "run.cancel"
    package var runID: RunID
    package var by: String
    package var reason: String

    package init(runID: RunID, by: String, reason: String) {
        self.runID = runID
        self.by = by
        self.reason = reason
    }

    package var subject: String { "run/\(runID)" }
}

/// Tells the agents that an attempt they may be executing must stop: its run was aborted.
package struct RunCancelled: Event {
    package static let type = "run.cancelled"
    package var runID: RunID
    package var buildID: BuildID
    package var reason: String

    package init(runID: RunID, buildID: BuildID, reason: String) {
        self.runID = runID
        self.buildID = buildID
        self.reason = reason
    }

    package var subject: String { "run/\(runID)" }
}

/// Attempts were put into their cluster's queue.
package struct RunsDispatched: Event {
    package static let type = "run.dispatched"
    // The first version carried one attempt.
    package static let version = 2
    package var cluster: String
    package var builds: [BuildID]

    package init(cluster: String, builds: [BuildID]) {
        self.cluster = cluster
        self.builds = builds
    }

    private enum CodingKeys: CodingKey { case cluster, builds, buildID }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        cluster = try container.decode(String.self, forKey: .cluster)
        builds =
            try container.decodeIfPresent([BuildID].self, forKey: .builds)
            ?? [container.decode(BuildID.self, forKey: .buildID)]
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(cluster, forKey: .cluster)
        try container.encode(builds, forKey: .builds)
    }

    package var subject: String { "cluster/\(cluster)" }

    /// How many of one burst a message carries where the smallest agent executes `capacity` runs at once: few enough
    /// that a burst spreads over the agents, and that what one of them has no room for is little.
    package static func together(capacity: Int) -> Int { max(1, capacity / 16) }
}

/// An agent claimed a run.
package struct RunStarted: Event {
    package static let type = "run.started"
    package var runID: RunID
    package var buildID: BuildID
    package var cluster: String

    package init(runID: RunID, buildID: BuildID, cluster: String) {
        self.runID = runID
        self.buildID = buildID
        self.cluster = cluster
    }

    package var subject: String { "run/\(runID)" }
    package var subjectVersion: Int64 { buildID.number }
}

/// A run reached its final state; sent once, by the fenced completer.
package struct RunFinished: Event {
    package static let type = "run.finished"
    package var runID: RunID
    package var buildID: BuildID
    package var requestID: UUID
    package var origin: RunOrigin
    package var kind: JobKind
    package var job: String
    package var jobHash: String
    package var refs: Refs?
    package var tree: String?
    package var state: RunState
    package var requestedAt: Date
    package var startedAt: Date?
    package var finishedAt: Date
    package var configVersion: Int64?
    /// The folder in the artifact store below which each attempt has one of its own, named by its build id.
    package var artifactFolder: String

    package init(
        runID: RunID, buildID: BuildID, requestID: UUID, origin: RunOrigin, kind: JobKind, job: String,
        jobHash: String, refs: Refs?, tree: String?, state: RunState, requestedAt: Date, startedAt: Date?,
        finishedAt: Date, configVersion: Int64?, artifactFolder: String
    ) {
        self.runID = runID
        self.buildID = buildID
        self.requestID = requestID
        self.origin = origin
        self.kind = kind
        self.job = job
        self.jobHash = jobHash
        self.refs = refs
        self.tree = tree
        self.state = state
        self.requestedAt = requestedAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.configVersion = configVersion
        self.artifactFolder = artifactFolder
    }

    package var subject: String { "run/\(runID)" }
    package var subjectVersion: Int64 { buildID.number }
}

/// A presubmit succeeded that merging did not ask for: the pool of its branch may go on. Apart from `run.finished`, of
/// which merging would have to hear every one.
package struct PresubmitPassed: Event {
    package static let type = "presubmit.passed"
    package var repository: RepositoryName
    package var branch: String

    package init(repository: RepositoryName, branch: String) {
        self.repository = repository
        self.branch = branch
    }

    /// Nil where the run is none of these.
    package init?(_ run: RunFinished) {
        guard run.kind == .presubmit, run.state == .success, run.origin != .merging, let refs = run.refs,
            let branch = refs.baseRef
        else { return nil }
        self.init(repository: refs.repository, branch: branch)
    }

    package var subject: String { "ref/\(repository)/\(branch)" }
}

/// The tests of a finished run are in rows.
package struct ResultsIngested: Event {
    package static let type = "results.ingested"
    package var runID: RunID
    package var buildID: BuildID
    package var passed: Int
    package var failed: Int
    package var flaky: Int
    package var skipped: Int

    package init(runID: RunID, buildID: BuildID, passed: Int, failed: Int, flaky: Int, skipped: Int) {
        self.runID = runID
        self.buildID = buildID
        self.passed = passed
        self.failed = failed
        self.flaky = flaky
        self.skipped = skipped
    }

    package var subject: String { "run/\(runID)" }
    package var subjectVersion: Int64 { buildID.number }
}
