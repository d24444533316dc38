import FoundationEssentials
package import Postgres
package import SlipwayModel

/// What the pages read: the other rooms' views, and this room's own tables.
package struct ResultsStore: Sendable {
    let database: any PostgresClient

    package init(_ database: any PostgresClient) { self.database = database }

    // MARK: Lists

    /// Newest first, one more than `limit` so that the caller knows of a next page.
    package func runs(_ filter: RunFilter, limit: Int) async throws -> [RunSummary] {
        let (statement, parameters) = filter.statement()
        return try await database.execute(statement, parameters: parameters + [limit + 1]).map(RunSummary.init)
    }

    /// A page of a job's runs, newest first, one more than `limit`.
    package func history(of job: String, before: RunID?, limit: Int) async throws -> [RunSummary] {
        var filter = RunFilter()
        filter.job = job
        filter.before = before
        return try await runs(filter, limit: limit)
    }

    /// Clusters with something unfinished or with agents, by name.
    package func queues() async throws -> [ClusterQueue] {
        try await database.execute(Self.listQueues).map { row throws(PostgresError) in
            let (cluster, waiting, dispatched, running, since, agents, capacity) = try row.decode(
                (String, Int, Int, Int, Date?, Int, Int).self)
            return ClusterQueue(
                cluster: cluster, waiting: waiting, dispatched: dispatched, running: running, waitingSince: since,
                agents: agents, capacity: capacity)
        }
    }

    // MARK: One run

    package func run(_ id: RunID) async throws -> RunDetail? {
        try await database.execute(Self.selectRun, id).first.map(RunDetail.init)
    }

    /// Attempts that were given up, oldest first.
    package func attempts(of id: RunID) async throws -> [AttemptRow] {
        try await database.execute(Self.listAttempts, id).map { row throws(PostgresError) in
            let (build, attempt, agent, description, started, ended) = try row.decode(
                (BuildID, Int, String, String, Date, Date).self)
            return AttemptRow(
                buildID: build, attempt: attempt, agent: agent, description: description, startedAt: started,
                endedAt: ended)
        }
    }

    /// The state alone, for whoever waits for the end.
    package func state(of id: RunID) async throws -> (build: BuildID, state: RunState, description: String)? {
        guard let row = try await database.execute(Self.selectState, id).first else { return nil }
        let (build, state, description) = try row.decode((BuildID, RunState, String).self)
        return (build, state, description)
    }

    /// The run that a build belongs to, as its current or an earlier attempt.
    package func run(ofBuild build: BuildID) async throws -> RunID? {
        try await database.execute(Self.selectRunOfBuild, build).first.map { row throws(PostgresError) in
            try row.decode(RunID.self)
        }
    }

    // MARK: Jobs

    /// A job's builds from `build` on (its newest where nil), newest first, one more than `limit`.
    package func builds(of job: String, from build: BuildID?, limit: Int) async throws -> [BuildRow] {
        try await database.execute(Self.listBuilds, job, build ?? BuildID(.max), limit + 1).map {
            row throws(PostgresError) in
            let (build, state, requested, started, finished, path, refs) = try row.decode(
                (BuildID, RunState, Date, Date?, Date?, String, JSON<Refs>?).self)
            return BuildRow(
                buildID: build, state: state, requestedAt: requested, startedAt: started, finishedAt: finished,
                artifactPath: path, refs: refs?.value)
        }
    }

    /// Build ids of a job's current attempts that are newer than one of them, the nearest first.
    package func newerBuilds(of job: String, than build: BuildID, limit: Int) async throws -> [BuildID] {
        try await database.execute(Self.listNewerBuilds, job, build, limit).map { row throws(PostgresError) in
            try row.decode(BuildID.self)
        }
    }

    /// Configured jobs by name, from behind `after`, one more than `limit`.
    /// - Parameter search: a part of the name; empty for all.
    package func jobs(search: String, after: String, limit: Int) async throws -> [JobRow] {
        let pattern = "%\(Self.escapeLike(search))%"
        return try await database.execute(Self.listJobs, pattern, after, limit + 1).map { row throws(PostgresError) in
            let (name, kind, repository, repositories, run, state, at) = try row.decode(
                (String, JobKind, String?, Int, RunID?, RunState?, Date?).self)
            return JobRow(
                name: name, kind: kind, repository: repository, repositories: repositories, lastRun: run,
                lastState: state, lastRequestedAt: at)
        }
    }

    /// Whether a job of that name is configured now.
    package func isConfigured(_ job: String) async throws -> Bool {
        try await database.execute(Self.isConfigured, job).one().decode(Bool.self)
    }

    /// The newest finished state of each job whose name matches one of Prow's globs (`*` and `?`), by name.
    package func lastStates(matching globs: [String]) async throws -> [(job: String, state: RunState)] {
        let patterns = globs.map {
            Self.escapeLike($0).replacing("*", with: "%").replacing("?", with: "_")
        }
        return try await database.execute(Self.listLastStates, patterns).map { row throws(PostgresError) in
            let (job, state) = try row.decode((String, RunState).self)
            return (job, state)
        }
    }

    /// In LIKE's language, a text that stands for itself.
    static func escapeLike(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
    }
}

extension ResultsStore {
    /// Every statement, for the test that prepares them against the migrated schema.
    package static let statements: [Statement] =
        [
            listQueues, selectRun, listAttempts, selectState, selectRunOfBuild, listBuilds,
            listNewerBuilds, listJobs, isConfigured,
            listLastStates,
        ] + pullStatements + prowStatements + trendStatements + searchStatements
        + failureStatements
        + configurationStatements + fleetStatements + testStatements + filterStatements

    /// A few of the statements that filters make: each condition alone, and all together.
    private static var filterStatements: [Statement] {
        var all = RunFilter()
        var filters = [RunFilter()]
        func one(_ change: (inout RunFilter) -> Void) {
            var filter = RunFilter()
            change(&filter)
            change(&all)
            filters.append(filter)
        }
        one { $0.job = "" }
        one { $0.repository = RepositoryName(org: "", repo: "") }
        one { $0.pull = 1 }
        for kind in JobKind.allCases { one { $0.kind = kind } }
        one { $0.author = "" }
        one { $0.cluster = "default" }
        one { $0.cluster = "" }
        one { $0.before = RunID() }
        for state in RunFilter.StateChoice.allCases { one { $0.state = state } }
        return (filters + [all]).map { $0.statement().statement }
    }

    private static let listQueues = Statement(
        "results.list_queues",
        """
        with unfinished as (
            select cluster, count(*) filter (where state = 'waiting') as waiting,
                   count(*) filter (where state = 'dispatched') as dispatched,
                   count(*) filter (where state = 'running') as running,
                   min(requested_at) filter (where state = 'waiting') as waiting_since
              from scheduling.runs_v1 where state in ('waiting', 'dispatched', 'running') group by cluster
        ), present as (
            select cluster, count(*) as agents, sum(capacity) as capacity
              from scheduling.agents_v1 where seen_at > now() - interval '30 seconds' group by cluster
        )
        select cluster, coalesce(waiting, 0), coalesce(dispatched, 0), coalesce(running, 0), waiting_since,
               coalesce(agents, 0), coalesce(capacity, 0)
          from unfinished full join present using (cluster)
         order by cluster
        """)

    private static let selectRun = Statement(
        "results.select_run", "select \(RunDetail.columns) from scheduling.runs_v1 as run where run.run_id = $1")

    private static let listAttempts = Statement(
        "results.list_attempts",
        """
        select build_id, attempt, agent, description, started_at, ended_at
          from scheduling.attempts_v1 where run_id = $1 order by attempt
        """)

    private static let selectState = Statement(
        "results.select_state", "select build_id, state, description from scheduling.runs_v1 where run_id = $1")

    private static let selectRunOfBuild = Statement(
        "results.select_run_of_build",
        """
        select run_id from scheduling.runs_v1 where build_id = $1
        union all
        select run_id from scheduling.attempts_v1 where build_id = $1
        limit 1
        """)

    private static let listBuilds = Statement(
        "results.list_builds",
        """
        select build_id, state, requested_at, started_at, finished_at, artifact_path, refs
          from scheduling.runs_v1 where job = $1 and build_id <= $2
         order by run_id desc limit $3
        """)

    private static let listNewerBuilds = Statement(
        "results.list_newer_builds",
        "select build_id from scheduling.runs_v1 where job = $1 and build_id > $2 order by run_id limit $3")

    private static let listJobs = Statement(
        "results.list_jobs",
        """
        with page as (
            select name, min(kind) as kind, min(org || '/' || repo) as repository,
                   count(distinct org || '/' || repo) as repositories
              from scheduling.current_jobs_v1 where name ilike $1 and name > $2
             group by name order by name limit $3
        )
        select page.name, page.kind, page.repository, page.repositories, last.run_id, last.state, last.requested_at
          from page
          left join lateral (
              select run.run_id, run.state, run.requested_at from scheduling.runs_v1 as run
               where run.job = page.name order by run.run_id desc limit 1
          ) as last on true
         order by page.name
        """)

    private static let isConfigured = Statement(
        "results.is_configured", "select exists (select from scheduling.current_jobs_v1 where name = $1)")

    private static let listLastStates = Statement(
        "results.list_last_states",
        """
        with names as (select distinct name from scheduling.current_jobs_v1 where name like any ($1::text[]))
        select names.name, last.state from names
          cross join lateral (
              select run.state from scheduling.runs_v1 as run
               where run.job = names.name and run.state in ('success', 'failure', 'aborted', 'error')
               order by run.run_id desc limit 1
          ) as last
         order by names.name limit 500
        """)
}
