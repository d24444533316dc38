import JobConfig
import Postgres
import Synchronization

/// The current configuration, parsed once per process and version. Asked inside a transaction it answers what that
/// transaction sees; jobs that did not change between versions are not parsed again.
final class ConfigurationCache: Sendable {
    private struct Content {
        var catalog: JobCatalog?
        var jobs: [Int64: ConfiguredJob] = [:]
    }

    private let content = Mutex(Content())

    func current(_ client: some PostgresClient) async throws -> JobCatalog {
        let version = try await client.execute(SchedulingStore.currentVersion).one().decode(Int64.self)
        if let catalog = content.withLock(\.catalog), catalog.version == version { return catalog }
        return try await load(client)
    }

    private func load(_ client: some PostgresClient) async throws -> JobCatalog {
        let (version, ids, settings, inRepository) = try await client.execute(SchedulingStore.currentJobIDs).one()
            .decode((Int64, [Int64], JSON<VersionSettings>?, JSON<InRepositoryRules>?).self)
        let known = content.withLock(\.jobs)
        var jobs: [Int64: ConfiguredJob] = [:]
        for row in try await client.execute(
            SchedulingStore.jobDefinitions, ids.filter { known[$0] == nil })
        {
            let (id, definition) = try row.decode((Int64, JSON<ConfiguredJob>).self)
            jobs[id] = definition.value
        }
        for id in ids where jobs[id] == nil { jobs[id] = known[id] }
        let catalog = JobCatalog(
            version: version, jobs: ids.compactMap { jobs[$0] }, settings: settings?.value ?? VersionSettings(),
            inRepository: inRepository?.value ?? InRepositoryRules())
        content.withLock { content in
            // Another transaction may have seen a newer version meanwhile.
            guard (content.catalog?.version ?? -1) < version else { return }
            content = Content(catalog: catalog, jobs: jobs)
        }
        return catalog
    }
}
