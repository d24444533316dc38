import Forge
package import FoundationEssentials
package import JobConfig
import Signatures
package import SlipwayModel

/// A run about to be stored.
package struct NewRun: Sendable {
    package var requestID: UUID
    package var runID: RunID
    package var origin: RunOrigin
    package var kind: JobKind
    package var job: ResolvedJob
    package var jobHash: String
    /// Where the job is written: `FILE:LINE` of the configuration, or `FILE@COMMIT:LINE` of the repository's own.
    package var source: String?
    package var refs: Refs?
    package var priority: Int
    package var deadline: Date?
    package var reuse = ReusePolicy.never
    package var traceparent: String?
    /// Who declared it passed.
    package var overriddenBy: String?
    /// What it has to be given before it is dispatched.
    package var leases: [LeaseItem]

    /// - Parameter requestID: the same for the same wish, so that a message delivered again makes no second run.
    package init(
        requestID: UUID, origin: RunOrigin, kind: JobKind, job: ResolvedJob, jobHash: String, refs: Refs?,
        priority: Int = 0, deadline: Date? = nil, reuse: ReusePolicy = .never, traceparent: String? = nil
    ) {
        self.requestID = requestID
        runID = RunID()
        self.origin = origin
        self.kind = kind
        self.job = job
        self.jobHash = jobHash
        source = job.source
        self.refs = refs.map { $0.cloned(as: job) }
        self.priority = priority
        self.deadline = deadline
        self.reuse = reuse
        self.traceparent = traceparent
        leases = job.leases ?? []
    }

    /// A run that a delivery of the forge causes.
    package init(
        delivery: String, origin: RunOrigin, kind: JobKind, job: ConfiguredJob, refs: Refs, traceparent: String?
    ) {
        self.init(
            requestID: .named("\(delivery)/\(kind.rawValue)/\(job.job.name)"), origin: origin, kind: kind,
            job: job.job, jobHash: job.hash, refs: refs, traceparent: traceparent)
    }
}

extension NewRun {
    /// Where its attempts' artifacts lie, by the job's strategy.
    package var artifactFolder: String {
        (job.decoration?.pathStrategy ?? .explicit).folder(kind: kind, job: job.name, refs: refs).joined(separator: "/")
    }

    /// Whether nothing but room for it decides when it is dispatched: no limit of its job's or queue's, no lease, and no
    /// result that could stand for it.
    var isFree: Bool {
        job.maxConcurrency == 0 && job.jobQueueName == nil && leases.isEmpty && overriddenBy == nil && reuse == .never
    }

    /// With the links of its refs.
    func linked(to forge: ForgeAddress) -> NewRun {
        var run = self
        run.refs = refs?.linked(to: forge)
        return run
    }
}

extension Refs {
    /// With the job's wishes for cloning its own repository.
    fileprivate func cloned(as job: ResolvedJob) -> Refs {
        var refs = self
        refs.pathAlias = refs.pathAlias ?? job.pathAlias
        refs.cloneURI = refs.cloneURI ?? job.cloneURI
        refs.cloneDepth = refs.cloneDepth ?? job.cloneDepth
        refs.skipSubmodules = refs.skipSubmodules ?? job.skipSubmodules
        return refs
    }
}
