import Postgres

extension SchedulingStore {
    static let configurationStatements = [
        currentVersion, currentJobIDs, jobDefinitions, lockConfiguration, currentConfiguration, currentDigests,
        insertVersion, endJobs, insertJobs, insertDefinitions, configurationVersions, changedJobs, jobsOfVersion,
        changedPresubmits, openPullsOfChange, openPullsOfBranch,
    ]

    /// 0 where nothing was ever applied.
    static let currentVersion = Statement(
        "scheduling.current_version", "select coalesce(max(version), 0) from scheduling.config_versions")

    /// The version, the jobs and the settings in force, from one snapshot.
    static let currentJobIDs = Statement(
        "scheduling.current_job_ids",
        """
        select (select coalesce(max(version), 0) from scheduling.config_versions),
               coalesce((select array_agg(id order by id) from scheduling.jobs where until is null), '{}'),
               (select settings from scheduling.config_versions order by version desc limit 1),
               (select in_repository from scheduling.config_versions order by version desc limit 1)
        """)

    static let jobDefinitions = Statement(
        "scheduling.job_definitions", "select id, definition from scheduling.jobs where id = any($1::bigint[])")

    static let lockConfiguration = Statement(
        "scheduling.lock_configuration",
        "select pg_advisory_xact_lock(hashtextextended('scheduling.configuration', 0))")

    static let currentConfiguration = Statement(
        "scheduling.current_configuration",
        "select version, hash from scheduling.config_versions order by version desc limit 1")

    static let currentDigests = Statement(
        "scheduling.current_digests", "select id, digest, name from scheduling.jobs where until is null")

    static let insertVersion = Statement(
        "scheduling.insert_version",
        """
        insert into scheduling.config_versions (hash, applied_by, source, files, jobs, settings, in_repository)
        values ($1, $2, $3, $4::jsonb, $5::integer, $6::jsonb, $7::jsonb)
        returning version
        """)

    static let endJobs = Statement(
        "scheduling.end_jobs", "update scheduling.jobs set until = $1 where id = any($2::bigint[])")

    static let insertJobs = Statement(
        "scheduling.insert_jobs",
        """
        insert into scheduling.jobs (since, name, kind, org, repo, hash, digest, source, definition)
        select $1::bigint, name, kind, org, repo, hash, digest, source, definition
          from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[])
               as job (name, kind, org, repo, hash, digest, source, definition)
        """)

    static let insertDefinitions = Statement(
        "scheduling.insert_definitions",
        """
        insert into scheduling.definitions (hash, definition)
        select distinct on (hash) hash, definition
          from unnest($1::text[], $2::jsonb[]) as job (hash, definition)
         order by hash
        on conflict (hash) do nothing
        """)

    static let configurationVersions = Statement(
        "scheduling.configuration_versions",
        """
        select version, hash, applied_at, applied_by, source, jobs
          from scheduling.config_versions
         order by version desc
         limit $1
        """)

    /// Definitions that are in force at one of two versions and not at the other.
    static let changedJobs = Statement(
        "scheduling.changed_jobs",
        """
        select name, kind, org, repo, since <= $1::bigint and (until is null or until > $1::bigint), definition
          from scheduling.jobs
         where (since <= $1::bigint and (until is null or until > $1::bigint))
               <> (since <= $2::bigint and (until is null or until > $2::bigint))
         order by kind, org, repo, name, id
        """)

    /// A repository's presubmits that are in force at one of two versions and not at the other.
    static let changedPresubmits = Statement(
        "scheduling.changed_presubmits",
        """
        select since <= $1::bigint and (until is null or until > $1::bigint), definition
          from scheduling.jobs
         where kind = 'presubmit' and org = $3 and repo = $4
           and (since <= $1::bigint and (until is null or until > $1::bigint))
               <> (since <= $2::bigint and (until is null or until > $2::bigint))
         order by id
        """)

    /// Open pull requests of the repositories whose presubmits two versions do not share.
    static let openPullsOfChange = Statement(
        "scheduling.open_pulls_of_change",
        """
        select pull.org, pull.repo, pull.number
          from scheduling.pulls as pull
         where pull.is_open
           and (pull.org, pull.repo) in (
               select org, repo
                 from scheduling.jobs
                where kind = 'presubmit'
                  and (since <= $1::bigint and (until is null or until > $1::bigint))
                      <> (since <= $2::bigint and (until is null or until > $2::bigint)))
         order by pull.org, pull.repo, pull.number
        """)

    static let openPullsOfBranch = Statement(
        "scheduling.open_pulls_of_branch",
        """
        select number
          from scheduling.pulls
         where org = $1 and repo = $2 and base_ref = $3 and is_open
         order by number
        """)

    static let jobsOfVersion = Statement(
        "scheduling.jobs_of_version",
        """
        select definition
          from scheduling.jobs
         where since <= $1::bigint and (until is null or until > $1::bigint)
         order by kind, org, repo, name, id
        """)
}
