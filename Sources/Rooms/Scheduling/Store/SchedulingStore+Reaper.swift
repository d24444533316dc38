import Postgres

extension SchedulingStore {
    static let reaperStatements = [
        beginRound, lostAttempts, returnToWaiting, endAttempts, overdueRuns, longRuns, unclaimedRuns, forgetAgents,
    ]

    /// Notes a round; answers whether rounds have followed each other closely for as long as an agent may be silent.
    static let beginRound = Statement(
        "scheduling.begin_reaper_round",
        """
        update scheduling.reaper
           set watching_since = case when last_round < now() - make_interval(secs => $1 / 2) then now()
                                     else watching_since end,
               last_round = now()
        returning watching_since <= now() - make_interval(secs => $1)
        """)

    /// Attempts whose agent has fallen silent, held until the transaction ends.
    static let lostAttempts = Statement(
        "scheduling.lost_attempts",
        """
        select run_id, build_id, agent, attempt, losses, cancel_reason
          from scheduling.runs
         where state = 'running' and heartbeat_at < now() - make_interval(secs => $1)
         order by build_id
         limit 1000
           for no key update skip locked
        """)

    /// Lets runs wait again under new build ids, and keeps the attempts that were given up. The caller holds the rows.
    static let returnToWaiting = Statement(
        "scheduling.return_to_waiting",
        """
        with returned as (
            select *
              from unnest($1::uuid[], $2::text[], $3::integer[]) as returned (run_id, reason, losses)
        ), kept as (
            insert into scheduling.attempts
                   (build_id, run_id, attempt, agent, description, dispatched_at, started_at)
            select run.build_id, run.run_id, run.attempt, run.agent, returned.reason, run.dispatched_at, run.started_at
              from returned
              join scheduling.runs as run on run.run_id = returned.run_id
        )
        update scheduling.runs as run
           set state = 'waiting', build_id = scheduling.next_build_id(), attempt = run.attempt + 1,
               losses = returned.losses, description = returned.reason, agent = null, dispatched_at = null,
               started_at = null, heartbeat_at = null
          from returned
         where run.run_id = returned.run_id and run.state = 'running'
        returning run.cluster
        """)

    /// Ends attempts that no agent completes any more. The caller holds the rows.
    static let endAttempts = Statement(
        "scheduling.end_attempts",
        """
        with ended as (
            select * from unnest($1::uuid[], $2::text[], $3::text[]) as ended (run_id, state, reason)
        )
        update scheduling.runs as run
           set state = ended.state, description = ended.reason, finished_at = clock_timestamp()
          from ended
         where run.run_id = ended.run_id and run.state = 'running'
        returning \(endedColumns)
        """)

    static let overdueRuns = Statement(
        "scheduling.overdue_runs",
        """
        select run_id from scheduling.runs
         where state = 'waiting' and deadline is not null and deadline < now()
         order by deadline
         limit 1000
        """)

    static let longRuns = Statement(
        "scheduling.long_runs",
        """
        select run_id from scheduling.runs
         where state = 'running' and cancel_reason is null and started_at < now() - make_interval(hours => $1::integer)
         limit 1000
        """)

    /// Runs whose message seems lost: dispatched long ago, though their cluster has agents with nothing to do, or one
    /// that was dispatched later is running. A queue that merely waits for busy agents shows neither. Their time
    /// begins anew.
    static let unclaimedRuns = Statement(
        "scheduling.unclaimed_runs",
        """
        with late as (
            select run.run_id
              from scheduling.runs as run
             where run.state = 'dispatched' and run.dispatched_at < now() - make_interval(secs => $1)
               and ((select coalesce(sum(agent.capacity), 0)
                       from scheduling.agents as agent
                      where agent.cluster = run.cluster and agent.seen_at > now() - make_interval(secs => $2))
                    > (select count(*) from scheduling.runs as busy
                        where busy.state = 'running' and busy.cluster = run.cluster)
                    or exists (select from scheduling.runs as later
                                where later.state = 'running' and later.cluster = run.cluster
                                  and later.dispatched_at > run.dispatched_at + make_interval(secs => $1)))
             order by run.build_id
             limit 500
               for no key update of run skip locked
        )
        update scheduling.runs as run
           set dispatched_at = now()
          from late
         where run.run_id = late.run_id
        returning run.build_id, run.cluster
        """)

    static let forgetAgents = Statement(
        "scheduling.forget_agents", "delete from scheduling.agents where seen_at < now() - interval '1 hour'")
}
