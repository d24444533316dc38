package import Git
package import JobConfig
package import Postgres
package import SlipwayModel

/// The presubmits of repositories that bring jobs of their own (`.prow.yaml`), for rooms that have to know what a change
/// is tested with.
package struct OwnPresubmits: Sendable {
    private let database: PostgresPool
    private let configuration = ConfigurationCache()
    private let repositories: RepositoryReader

    package init(database: PostgresPool, mirrors: GitMirrors) {
        self.database = database
        repositories = RepositoryReader(mirrors: mirrors)
    }

    /// The configuration's jobs and the repository's own, where heads are merged onto a commit of a branch; nil for a
    /// repository that brings none.
    ///
    /// - Parameter base: nil for the branch as it stands now.
    package func presubmits(
        of repository: RepositoryName, branch: String, at base: String?, merging heads: [String]
    ) async throws -> [ConfiguredJob]? {
        let catalog = try await configuration.current(database)
        guard catalog.inRepository.isEnabled(repository) else { return nil }
        let own: RepositoryJobs
        if let base {
            own = try await repositories.jobs(of: repository, at: base, merging: heads, catalog)
        } else {
            own = try await repositories.jobs(of: repository, branch: branch, catalog)
        }
        return try catalog.jobs(.presubmit, of: repository, own: own)
    }
}
