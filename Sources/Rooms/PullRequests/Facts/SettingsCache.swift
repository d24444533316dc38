import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel
import Synchronization

/// What the configuration in force says to this room, read once per process and version.
final class SettingsCache: Sendable {
    struct Current: Sendable {
        /// 0 where nothing was ever applied.
        var version: Int64
        var plugins: PluginSettings?
        var ignoredOwnersFolders = IgnoredOwnersFolders()
        var tide: TideSettings?

        func plugins(of repository: RepositoryName) -> RepositoryPlugins {
            var result = RepositoryPlugins(repository, plugins, defaults: PluginCatalog.defaults)
            result.ignoredOwnersFolders = ignoredOwnersFolders.expressions(of: repository)
            result.tide = tide
            return result
        }
    }

    private struct Content {
        var current: Current?
        var jobs: [RepositoryName: (asOf: Date?, jobs: [ConfiguredJob])] = [:]
    }

    private let content = Mutex(Content())

    /// The version that a transaction sees.
    func version(_ client: some PostgresClient) async throws -> Int64 {
        try await client.execute(PullRequestsStore.currentVersion).one().decode(Int64.self)
    }

    func current(_ client: some PostgresClient) async throws -> Current {
        let version = try await version(client)
        if let known = content.withLock(\.current), known.version == version { return known }
        var loaded = Current(version: 0, plugins: nil)
        if let row = try await client.execute(PullRequestsStore.currentSettings).first {
            let (version, settings) = try row.decode((Int64, JSON<VersionSettings>).self)
            loaded = Current(
                version: version, plugins: settings.value.plugins,
                ignoredOwnersFolders: settings.value.ignoredOwnersFolders, tide: settings.value.tide)
        }
        content.withLock { content in
            guard (content.current?.version ?? -1) < loaded.version else { return }
            content = Content(current: loaded)
        }
        return loaded
    }

    /// The presubmits of a repository, those of its own files among them.
    func jobs(
        of repository: RepositoryName, in version: Int64, _ client: some PostgresClient
    ) async throws -> [ConfiguredJob] {
        // Its own files change between versions of the configuration.
        let asOf = try await client.execute(PullRequestsStore.ownFilesRead, repository.org, repository.repo).one()
            .decode(Date?.self)
        let known = content.withLock { $0.current?.version == version ? $0.jobs[repository] : nil }
        if let known, known.asOf == asOf { return known.jobs }
        let jobs = try await client.execute(PullRequestsStore.presubmits, repository.org, repository.repo).map {
            try $0.decode(JSON<ConfiguredJob>.self).value
        }
        content.withLock { if $0.current?.version == version { $0.jobs[repository] = (asOf, jobs) } }
        return jobs
    }
}
