import JobConfig
import Postgres
import SlipwayModel
import Synchronization

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
    func presubmits(
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
