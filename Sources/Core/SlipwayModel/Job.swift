/// What starts a job; also Prow's JOB_TYPE. A batch is a presubmit over several pull requests.
package enum JobKind: String, Sendable, Codable, CaseIterable {
    case presubmit, postsubmit, periodic, batch
}

/// A job as it is run: every preset, default and decoration already merged in. Its hash identifies what would be done.
package struct ResolvedJob: Hashable, Sendable, Codable {
    package var name: String
    package var kind: JobKind
    /// The repository a presubmit or postsubmit belongs to; nil for periodics.
    package var repository: RepositoryName?
    package var cluster: String
    package var agent: String
    package var namespace: String?
    /// The status context at the forge (presubmits, postsubmits).
    package var context: String?
    package var optional: Bool
    package var skipReport: Bool
    package var rerunCommand: String?
    /// 0 = unlimited.
    package var maxConcurrency: Int
    package var jobQueueName: String?
    package var labels: [String: String]
    package var annotations: [String: String]
    package var extraRefs: [Refs]
    /// Resources that it needs while it runs; all of them are granted before it is dispatched.
    package var leases: [LeaseItem]?
    /// A Kubernetes PodSpec, as configured.
    package var spec: JSONValue?
    package var decoration: Decoration?
    /// Where a clone of the job's own repository is put, and how deep; copied onto `Refs` when a run is made.
    package var pathAlias: String?
    package var cloneURI: String?
    package var cloneDepth: Int?
    package var skipSubmodules: Bool?
    /// Configuration file of origin, relative to the configured folder, and its line.
    package var source: String?

    package init(name: String, kind: JobKind, repository: RepositoryName? = nil) {
        self.name = name
        self.kind = kind
        self.repository = repository
        cluster = "default"
        agent = "kubernetes"
        optional = false
        skipReport = false
        maxConcurrency = 0
        labels = [:]
        annotations = [:]
        extraRefs = []
    }

    /// A required job blocks merging: it is neither optional nor unreported.
    package var isRequired: Bool { !optional && !skipReport }
}

/// How a decorated job is bounded. Prow's `decoration_config`, its time-outs in seconds.
package struct Decoration: Hashable, Sendable, Codable {
    /// Seconds until SIGINT; Prow's default is 2 h.
    package var timeout: Double
    /// Seconds between SIGINT and SIGKILL; Prow's default is 15 s.
    package var gracePeriod: Double
    package var skipCloning: Bool
    /// Further secrets to censor are named by these options, carried as configured.
    package var censoring: JSONValue?
    /// Where artifacts lie; nil: `explicit`.
    package var pathStrategy: PathStrategy?

    package init(timeout: Double = 7200, gracePeriod: Double = 15, skipCloning: Bool = false) {
        self.timeout = timeout
        self.gracePeriod = gracePeriod
        self.skipCloning = skipCloning
    }
}

/// The document a job reads from the JOB_SPEC variable, in Prow's shape (empty fields left out).
package struct JobSpec: Hashable, Sendable, Codable {
    package var type: JobKind
    package var job: String
    package var buildID: String
    package var prowJobID: String
    package var refs: Refs?
    package var extraRefs: [Refs]?
    package var decorationConfig: JSONValue?

    package init(type: JobKind, job: String, buildID: BuildID, runID: RunID, refs: Refs?, extraRefs: [Refs]?) {
        self.type = type
        self.job = job
        self.buildID = buildID.description
        self.prowJobID = runID.description
        self.refs = refs
        self.extraRefs = extraRefs
    }

    enum CodingKeys: String, CodingKey {
        case type, job, refs
        case buildID = "buildid"
        case prowJobID = "prowjobid"
        case extraRefs = "extra_refs"
        case decorationConfig = "decoration_config"
    }
}
