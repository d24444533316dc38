package import FoundationEssentials
package import JobConfig
import Postgres
package import SlipwayModel

/// A repository that has jobs, or the periodics where both names are empty.
package struct ConfiguredRepository: Sendable, Hashable {
    package var repository: RepositoryName?
    package var presubmits: Int
    package var postsubmits: Int
    package var periodics: Int
}

/// A configuration that was put into force.
package struct ConfigurationVersion: Sendable, Hashable {
    package var version: Int64
    package var hash: String
    package var appliedAt: Date
    package var appliedBy: String
    package var source: String
    package var jobs: Int
    /// Jobs that began and ended with it.
    package var begun: Int
    package var ended: Int
}

/// A job on one side of two versions.
package struct ChangedJob: Sendable {
    package var name: String
    package var kind: JobKind
    package var repository: RepositoryName?
    /// In force at the older version and no longer at the newer; else the other way round.
    package var isOld: Bool
    package var definition: ConfiguredJob
}

extension ResultsStore {
    /// Repositories with configured jobs by name, the periodics last.
    package func configuredRepositories() async throws -> [ConfiguredRepository] {
        try await database.execute(Self.listConfiguredRepositories).map { row throws(PostgresError) in
            let (org, repo, presubmits, postsubmits, periodics) = try row.decode(
                (String?, String?, Int, Int, Int).self)
            return ConfiguredRepository(
                repository: Self.name(org, repo), presubmits: presubmits, postsubmits: postsubmits,
                periodics: periodics)
        }
    }

    /// The configured jobs of a repository, or the periodics, by name; from behind `after`, one more than `limit`.
    package func configuredJobs(
        of repository: RepositoryName?, after: String = "", limit: Int
    ) async throws -> [ConfiguredJob] {
        try await database.execute(
            Self.listConfiguredJobs, repository?.org, repository?.repo, after, limit + 1
        ).map { row throws(PostgresError) in try row.decode(JSON<ConfiguredJob>.self).value }
    }

    /// What is wrong with a repository's own configuration, by branch.
    package func problems(of repository: RepositoryName) async throws -> [(branch: String, problems: [String])] {
        try await database.execute(Self.listProblems, repository.org, repository.repo).map {
            row throws(PostgresError) in
            let (branch, problems) = try row.decode((String, [String]).self)
            return (branch, problems)
        }
    }

    /// What the current configuration says of a job: one definition per repository and set of branches.
    package func definitions(of job: String, limit: Int) async throws -> [ConfiguredJob] {
        try await database.execute(Self.listDefinitions, job, limit).map { row throws(PostgresError) in
            try row.decode(JSON<ConfiguredJob>.self).value
        }
    }

    /// Newest first, one more than `limit`, those before `before` where it is given.
    package func configurationVersions(before: Int64?, limit: Int) async throws -> [ConfigurationVersion] {
        try await database.execute(Self.listVersions, before, limit + 1).map { row throws(PostgresError) in
            try Self.version(row)
        }
    }

    package func configurationVersion(_ version: Int64) async throws -> ConfigurationVersion? {
        try await database.execute(Self.selectVersion, version).first.map { row throws(PostgresError) in
            try Self.version(row)
        }
    }

    /// Definitions that are in force at one of two versions and not at the other, at most `limit`.
    package func changedJobs(from old: Int64, to new: Int64, limit: Int) async throws -> [ChangedJob] {
        try await database.execute(Self.listChangedJobs, old, new, limit).map { row throws(PostgresError) in
            let (name, kind, org, repo, isOld, definition) = try row.decode(
                (String, JobKind, String?, String?, Bool, JSON<ConfiguredJob>).self)
            return ChangedJob(
                name: name, kind: kind, repository: Self.name(org, repo), isOld: isOld, definition: definition.value)
        }
    }

    private static func name(_ org: String?, _ repo: String?) -> RepositoryName? {
        org.flatMap { org in repo.map { RepositoryName(org: org, repo: $0) } }
    }

    private static func version(_ row: Row) throws(PostgresError) -> ConfigurationVersion {
        let (version, hash, appliedAt, appliedBy, source, jobs, begun, ended) = try row.decode(
            (Int64, String, Date, String, String, Int, Int, Int).self)
        return ConfigurationVersion(
            version: version, hash: hash, appliedAt: appliedAt, appliedBy: appliedBy, source: source, jobs: jobs,
            begun: begun, ended: ended)
    }

    static let configurationStatements = [
        listConfiguredRepositories, listConfiguredJobs, listDefinitions, listVersions, selectVersion, listChangedJobs,
        listProblems,
    ]

    private static let listProblems = Statement(
        "results.list_problems",
        """
        select branch, problems from scheduling.repository_branches_v1
         where org = $1 and repo = $2 and problems <> '{}' order by branch limit 20
        """)

    private static let listConfiguredRepositories = Statement(
        "results.list_configured_repositories",
        """
        select org, repo, count(*) filter (where kind = 'presubmit'), count(*) filter (where kind = 'postsubmit'),
               count(*) filter (where kind = 'periodic')
          from scheduling.current_jobs_v1 group by org, repo order by org nulls last, repo
        """)

    private static let listConfiguredJobs = Statement(
        "results.list_configured_jobs",
        """
        select definition from scheduling.current_jobs_v1
         where org is not distinct from $1::text and repo is not distinct from $2::text and name > $3
         order by name, kind, source limit $4
        """)

    private static let listDefinitions = Statement(
        "results.list_definitions",
        "select definition from scheduling.current_jobs_v1 where name = $1 order by org, repo, kind, source limit $2")

    private static let versionColumns = """
        version, hash, applied_at, applied_by, source, jobs,
        (select count(*) from scheduling.job_versions_v1 as job where job.since = config.version),
        (select count(*) from scheduling.job_versions_v1 as job where job.until = config.version)
        """

    private static let listVersions = Statement(
        "results.list_versions",
        """
        select \(versionColumns) from scheduling.config_versions_v1 as config
         where $1::bigint is null or version < $1 order by version desc limit $2
        """)

    private static let selectVersion = Statement(
        "results.select_version",
        "select \(versionColumns) from scheduling.config_versions_v1 as config where version = $1")

    private static let listChangedJobs = Statement(
        "results.list_changed_jobs",
        """
        select name, kind, org, repo, since <= $1::bigint and (until is null or until > $1), definition
          from scheduling.job_versions_v1
         where (since <= $1 and (until is null or until > $1)) <> (since <= $2::bigint and (until is null or until > $2))
         order by name, kind, org, repo, since limit $3
        """)
}
