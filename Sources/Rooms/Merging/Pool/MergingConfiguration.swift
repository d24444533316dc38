package import JobConfig
import Postgres
package import SlipwayModel
import Synchronization

/// The presubmits of a repository that brings jobs of its own (`.prow.yaml`), where heads are merged onto a commit of a
/// branch, or with no commit onto the branch as it stands; nil for a repository that brings none.
package typealias RepositoryPresubmits =
    @Sendable (_ repository: RepositoryName, _ branch: String, _ base: String?, _ heads: [String]) async throws ->
    [ConfiguredJob]?

/// The configuration in force, as far as merging reads it: parsed once per process and version.
final class MergingConfiguration: Sendable {
    /// One version.
    struct Version: Sendable {
        var number: Int64
        /// Nil: nothing is merged.
        var tide: TideSettings?
    }

    private struct Content {
        var version: Version?
        var presubmits: [RepositoryName: [ConfiguredJob]] = [:]
    }

    private let content = Mutex(Content())
    private let own: RepositoryPresubmits

    init(own: @escaping RepositoryPresubmits) { self.own = own }

    /// The jobs that a branch has, or that heads merged onto a commit of it have.
    func presubmits(
        of pool: PoolName, at version: Version, base: String? = nil, merging heads: [String] = [],
        _ client: some PostgresClient
    ) async throws -> [ConfiguredJob] {
        if let jobs = try await own(pool.repository, pool.branch, base, heads) { return jobs }
        return try await presubmits(of: pool.repository, at: version, client)
    }

    func current(_ client: some PostgresClient) async throws -> Version {
        let number = try await client.execute(MergingStore.currentVersion).one().decode(Int64.self)
        if let known = content.withLock(\.version), known.number == number { return known }
        guard let row = try await client.execute(MergingStore.currentSettings).first else {
            return Version(number: 0, tide: nil)
        }
        let (version, tide) = try row.decode((Int64, JSON<TideSettings>?).self)
        let found = Version(number: version, tide: tide?.value)
        content.withLock { content in
            if content.version?.number ?? -1 < version { content = Content(version: found) }
        }
        return found
    }

    /// The presubmits of a repository, of the version or a newer one.
    private func presubmits(
        of repository: RepositoryName, at version: Version, _ client: some PostgresClient
    ) async throws -> [ConfiguredJob] {
        let known = content.withLock { content in
            content.version?.number == version.number ? content.presubmits[repository] : nil
        }
        if let known { return known }
        var seen = version.number
        var jobs: [ConfiguredJob] = []
        for row in try await client.execute(MergingStore.presubmits, repository.org, repository.repo) {
            let (version, job) = try row.decode((Int64, JSON<ConfiguredJob>).self)
            seen = version
            jobs.append(job.value)
        }
        content.withLock { [jobs] content in
            if content.version?.number == seen { content.presubmits[repository] = jobs }
        }
        return jobs
    }
}
