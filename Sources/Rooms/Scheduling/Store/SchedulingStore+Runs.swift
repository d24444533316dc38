import FoundationEssentials
import Postgres
import SlipwayModel

extension SchedulingStore {
    static let runStatements = [
        acceptRuns, refuseRequests, findUnfinishedOfPulls, findOlderDuplicates, abortRuns, latestContexts,
        findReusable, reuseResults, overrideRuns,
    ]

    /// Stores requests with their runs. A request that is known already is left out of the answer.
    ///
    /// A run that nothing holds back (`$31`) is stored as dispatched where each run that waits for its cluster, and each
    /// of these, has a place: what `dispatchRuns` would do of it, without writing it twice. This looks without the
    /// dispatcher's lock, so it fills the half of the window that the live agents can execute at once, and leaves an
    /// installation with a limit for all its runs to the dispatcher.
    ///
    /// Answers the build id of those that were dispatched, and what the smallest of their cluster's live agents executes
    /// at once.
    static let acceptRuns = Statement(
        "scheduling.accept_runs",
        """
        with asked as (
            select *
              from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                          $8::text[], $9::boolean[], $10::boolean[], $11::text[], $12::text[], $13::text[],
                          $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::jsonb[],
                          $20::integer[], $21::integer[], $22::timestamptz[], $23::text[], $25::text[], $26::text[],
                          $27::text[], $28::text[], $29::jsonb[], $30::text[], $31::boolean[])
                   as asked (request_id, run_id, origin, kind, job, job_hash, cluster, context, optional, skip_report,
                             rerun_command, org, repo, base_ref, base_sha, pull_numbers, head_sha, author, refs,
                             priority, max_concurrency, deadline, traceparent, queue, head_shas, artifact_folder,
                             source, leases, description, is_free)
        ), fresh as (
            insert into scheduling.requests (request_id, run_id)
            select request_id, run_id from asked order by request_id
            on conflict (request_id) do nothing
            returning run_id
        ), window_half as materialized (
            select touched.cluster, agents.least,
                   agents.whole
                   - (select count(*) from scheduling.runs where cluster = touched.cluster and state = 'dispatched')
                   - (select count(*)
                        from (select from scheduling.runs
                               where cluster = touched.cluster and state = 'waiting' and not is_limited
                                 and not awaits_lease
                               limit agents.whole) as waiting)
                   - (select count(*)
                        from (select from scheduling.runs
                               where cluster = touched.cluster and state = 'waiting' and is_limited
                                 and not awaits_lease
                               limit agents.whole) as waiting) as slots
              from (select distinct cluster from asked where is_free) as touched
             cross join lateral (
                   select coalesce(sum(agent.capacity), 0) as whole, min(agent.capacity) as least
                     from scheduling.agents as agent
                    where agent.cluster = touched.cluster and agent.seen_at > now() - make_interval(secs => $32)
                   ) as agents
             where not exists (
                   select from (select settings from scheduling.config_versions order by version desc limit 1) as known
                    where (known.settings ->> 'max_concurrency')::integer > 0)
        ), placed as (
            select asked.run_id, window_half.slots, window_half.least,
                   row_number() over (partition by asked.cluster order by asked.priority desc, asked.run_id) as place
              from asked
              join window_half on window_half.cluster = asked.cluster
             where asked.is_free and asked.run_id in (select run_id from fresh)
        ), dispatched as (
            select run_id, least from placed where place <= slots
        ), stored as (
            insert into scheduling.runs
                   (request_id, run_id, origin, kind, job, job_hash, cluster, context, optional, skip_report,
                    rerun_command, org, repo, base_ref, base_sha, pull_numbers, head_sha, author, refs, priority,
                    max_concurrency, deadline, traceparent, config_version, queue, head_shas, artifact_folder, source,
                    leases, awaits_lease, description, state, dispatched_at)
            select request_id, run_id, origin, kind, job, job_hash, cluster, context, optional, skip_report,
                   rerun_command, org, repo, base_ref, base_sha, pull_numbers::integer[], head_sha, author, refs,
                   priority, max_concurrency, deadline, traceparent, $24::bigint, queue, head_shas::text[],
                   artifact_folder, source, leases, leases is not null, description,
                   case when dispatched.run_id is null then 'waiting' else 'dispatched' end,
                   case when dispatched.run_id is not null then now() end
              from asked
              left join dispatched using (run_id)
             where run_id in (select run_id from fresh)
            returning run_id, build_id
        )
        select run_id, case when dispatched.run_id is not null then stored.build_id end, dispatched.least
          from stored
          left join dispatched using (run_id)
        """)

    /// Runs that nobody executes: they succeed as they are made.
    static let overrideRuns = Statement(
        "scheduling.override_runs",
        """
        update scheduling.runs as run
           set state = 'success', finished_at = now(), description = overridden.description
          from unnest($1::uuid[], $2::text[]) as overridden (run_id, description)
         where run.run_id = overridden.run_id and run.state = 'waiting'
        returning \(endedColumns)
        """)

    /// Remembers refusals; answers those that are new.
    static let refuseRequests = Statement(
        "scheduling.refuse_requests",
        """
        insert into scheduling.requests (request_id, refusal)
        select request_id, refusal
          from unnest($1::uuid[], $2::text[]) as refused (request_id, refusal)
         order by request_id
        on conflict (request_id) do nothing
        returning request_id
        """)

    /// Presubmits of pull requests that have not ended, those of the head to keep left out.
    static let findUnfinishedOfPulls = Statement(
        "scheduling.find_unfinished_of_pulls",
        """
        select run.run_id
          from unnest($1::text[], $2::text[], $3::integer[], $4::text[]) as pull (org, repo, number, kept_head)
          join scheduling.runs as run
            on run.org = pull.org and run.repo = pull.repo and run.pull_numbers = array[pull.number]
         where run.kind = 'presubmit' and run.state in ('waiting', 'dispatched', 'running')
           and run.pull_numbers <> '{}' and run.head_sha is distinct from pull.kept_head
        """)

    /// Unfinished presubmits that the given new ones replace: of the same job, base and pull request, whatever their
    /// commits. Runs that a pull request's own events, comments and reruns asked for replace each other, because they
    /// report under one context; every other origin keeps to itself.
    static let findOlderDuplicates = Statement(
        "scheduling.find_older_duplicates",
        """
        select older.run_id, newer.run_id
          from scheduling.runs as newer
          join scheduling.runs as older
            on older.org = newer.org and older.repo = newer.repo and older.pull_numbers = newer.pull_numbers
           and older.job = newer.job and older.base_ref = newer.base_ref
         where newer.run_id = any($1::uuid[]) and newer.kind = 'presubmit'
           and older.run_id <> all($1::uuid[]) and older.kind = 'presubmit'
           and older.pull_numbers <> '{}' and older.state in ('waiting', 'dispatched', 'running')
           and (older.origin = newer.origin
                or older.origin in ('trigger', 'command', 'rerun') and newer.origin in ('trigger', 'command', 'rerun'))
        """)

    /// Aborts what has not ended: at once where no agent has it yet; otherwise marks it for its agent, the first time.
    static let abortRuns = Statement(
        "scheduling.abort_runs",
        """
        with asked as (
            select distinct on (run_id) run_id, cancelled_by, reason
              from unnest($1::uuid[], $2::text[], $3::text[]) as asked (run_id, cancelled_by, reason)
        ), target as (
            select run.run_id, asked.cancelled_by, asked.reason
              from scheduling.runs as run
              join asked on asked.run_id = run.run_id
             where run.state in ('waiting', 'dispatched') or run.state = 'running' and run.cancel_reason is null
             order by run.build_id
               for no key update of run
        )
        update scheduling.runs as run
           set state = case when run.state = 'running' then 'running' else 'aborted' end,
               finished_at = case when run.state = 'running' then null else now() end,
               description = target.reason, cancel_reason = target.reason, cancelled_by = target.cancelled_by
          from target
         where run.run_id = target.run_id
        returning \(endedColumns)
        """)

    /// For waiting runs the newest success of the same job, definition and all, on the tree that their refs are known to
    /// merge to, no older than they allow.
    static let findReusable = Statement(
        "scheduling.find_reusable",
        """
        select asked.run_id, found.run_id, found.tree
          from unnest($1::uuid[], $2::float8[]) as asked (run_id, maximum_age)
          join scheduling.runs as run on run.run_id = asked.run_id
          join lateral (
               select tree
                 from scheduling.runs as known
                where known.org = run.org and known.repo = run.repo and known.base_sha = run.base_sha
                  and known.head_shas = run.head_shas and known.tree is not null
                order by known.run_id desc
                limit 1) as merged on true
          join lateral (
               select success.run_id, success.tree
                 from scheduling.runs as success
                where success.job_hash = run.job_hash and success.tree = merged.tree and success.state = 'success'
                  and success.org = run.org and success.repo = run.repo
                  and (asked.maximum_age is null
                       or success.finished_at > now() - make_interval(secs => asked.maximum_age))
                order by success.finished_at desc
                limit 1) as found on true
        """)

    /// Ends waiting runs by results that stand already.
    static let reuseResults = Statement(
        "scheduling.reuse_results",
        """
        update scheduling.runs as run
           set state = 'success', tree = reused.tree, description = reused.description, finished_at = clock_timestamp()
          from unnest($1::uuid[], $2::text[], $3::text[]) as reused (run_id, tree, description)
         where run.run_id = reused.run_id and run.state = 'waiting'
        returning \(endedColumns)
        """)

    /// The latest run of each context on heads of pull requests.
    static let latestContexts = Statement(
        "scheduling.latest_contexts",
        """
        select distinct on (run.org, run.repo, run.pull_numbers, coalesce(run.context, run.job))
               run.org, run.repo, run.pull_numbers[1], coalesce(run.context, run.job), run.state
          from unnest($1::text[], $2::text[], $3::integer[], $4::text[]) as pull (org, repo, number, head_sha)
          join scheduling.runs as run
            on run.org = pull.org and run.repo = pull.repo and run.pull_numbers = array[pull.number]
         where run.kind = 'presubmit' and run.pull_numbers <> '{}' and run.head_sha = pull.head_sha
         order by run.org, run.repo, run.pull_numbers, coalesce(run.context, run.job), run.requested_at desc,
                  run.build_id desc
        """)
}

/// The store's calls about runs, in a transaction.
extension Transaction {
    /// - Parameter agentLostAfter: seconds without a heartbeat after which an agent does not count.
    /// - Returns: those that are new; the others were requested before.
    func accept(
        _ runs: [NewRun], configVersion: Int64?, agentLostAfter: Double
    ) async throws(PostgresError) -> [AcceptedRun] {
        guard !runs.isEmpty else { return [] }
        let rows = try await execute(
            SchedulingStore.acceptRuns,
            parameters: [
                runs.map(\.requestID), runs.map(\.runID.uuid), runs.map(\.origin.rawValue), runs.map(\.kind.rawValue),
                runs.map(\.job.name), runs.map(\.jobHash), runs.map(\.job.cluster), runs.map(\.reportedContext),
                runs.map(\.job.optional), runs.map(\.job.skipReport), runs.map(\.job.rerunCommand),
                runs.map(\.refs?.org), runs.map(\.refs?.repo), runs.map(\.refs?.baseRef), runs.map(\.refs?.baseSHA),
                runs.map(\.pullNumbers), runs.map(\.onlyPull?.sha), runs.map(\.onlyPull?.author),
                runs.map { $0.refs.map(JSON.init) }, runs.map(\.priority), runs.map(\.job.maxConcurrency),
                runs.map(\.deadline), runs.map(\.traceparent), configVersion,
                runs.map(\.job.jobQueueName), runs.map(\.headSHAs), runs.map(\.artifactFolder),
                runs.map(\.source), runs.map { $0.leases.isEmpty ? nil : JSON($0.leases) },
                runs.map { SchedulingText.awaitsLease($0.leases) }, runs.map(\.isFree), agentLostAfter,
            ])
        var fresh: [UUID: (build: Int64?, capacity: Int?)] = [:]
        for row in rows {
            let (run, build, capacity) = try row.decode((UUID, Int64?, Int?).self)
            fresh[run] = (build, capacity)
        }
        return runs.compactMap { run in
            fresh[run.runID.uuid].map { stored in
                AcceptedRun(run: run, build: stored.build.map { BuildID($0) }, capacity: stored.capacity ?? 0)
            }
        }
    }

    /// - Returns: the request ids that were not answered before.
    func refuse(_ refusals: [UUID: String]) async throws(PostgresError) -> [UUID] {
        guard !refusals.isEmpty else { return [] }
        let rows = try await execute(
            SchedulingStore.refuseRequests, Array(refusals.keys), Array(refusals.values))
        return try rows.map { row throws(PostgresError) in try row.decode(UUID.self) }
    }

    func abort(_ aborts: [RunAbort]) async throws(PostgresError) -> [EndedRun] {
        guard !aborts.isEmpty else { return [] }
        let rows = try await execute(
            SchedulingStore.abortRuns, aborts.map(\.runID), aborts.map(\.by), aborts.map(\.reason))
        return try rows.map(EndedRun.init)
    }
}

/// A run that was stored.
struct AcceptedRun: Sendable {
    var run: NewRun
    /// The attempt that was dispatched at once; nil where the run waits.
    var build: BuildID?
    /// What the smallest live agent of its cluster executes at once.
    var capacity: Int
}

/// A run that shall end, who wants it and why.
struct RunAbort: Sendable {
    var runID: UUID
    var by: String
    var reason: String
}

extension NewRun {
    /// Only presubmits and postsubmits report to a context.
    fileprivate var reportedContext: String? {
        kind == .periodic ? nil : job.context ?? job.name
    }

    /// PostgreSQL's text of an integer array: rows of arrays cannot travel as one.
    fileprivate var pullNumbers: String {
        "{" + (refs?.pulls ?? []).map { String($0.number) }.joined(separator: ",") + "}"
    }

    fileprivate var headSHAs: String {
        // Hexadecimal digits, so nothing in there has to be quoted; anything else is no commit, and equals nothing.
        let heads = (refs?.pulls ?? []).map { $0.sha.filter { $0.isASCII && ($0.isLetter || $0.isNumber) } }
        return "{" + heads.joined(separator: ",") + "}"
    }

    fileprivate var onlyPull: Pull? {
        guard let pulls = refs?.pulls, pulls.count == 1 else { return nil }
        return pulls[0]
    }
}
