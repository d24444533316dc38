import Postgres

extension MergingStore {
    static let readingStatements = [
        currentVersion, currentSettings, presubmits, pulse, shownPools, shownMembers, shownRuns, shownHistory,
        shownMember,
        memberHistory, pace, recentLandings, prowHistory,
    ]

    /// 0 where nothing was ever applied.
    static let currentVersion = Statement(
        "merging.current_version", "select coalesce(max(version), 0) from scheduling.config_versions_v1")

    static let currentSettings = Statement(
        "merging.current_settings",
        """
        select version, settings -> 'tide'
          from scheduling.config_versions_v1
         order by version desc
         limit 1
        """)

    static let presubmits = Statement(
        "merging.presubmits",
        """
        select version, definition
          from scheduling.current_jobs_v1
         where kind = 'presubmit' and org = $1 and repo = $2
        """)

    // MARK: Pages

    /// Changes with whatever a page of pools shows.
    static let pulse = Statement(
        "merging.pulse",
        """
        select concat_ws(' ',
               (select sum(hashtextextended(pool_id || ' ' || version || ' ' || coalesce(problem, ''), 0)) from merging.pools),
               (select max(changed_at) from merging.members), (select max(id) from merging.history),
               (select string_agg(run.state, '' order by own.request_id)
                  from merging.runs as own
                  join scheduling.runs_v1 as run
                    on run.org = own.org and run.repo = own.repo and run.pull_numbers = own.pull_numbers
                   and run.pull_numbers <> '{}' and run.request_id = own.request_id
                 where own.ended_at is null))
        """)

    /// Pools with something in them, the liveliest first; of one repository where it is named.
    static let shownPools = Statement(
        "merging.shown_pools",
        """
        select pool.org, pool.repo, pool.branch, pool.pool_id, pool.train, pool.facts, pool.problem, pool.changed_at
          from merging.pools as pool
         where ($1::text is null or pool.org = $1) and ($2::text is null or pool.repo = $2)
           and ($1::text is not null or pool.problem is not null
                or exists (select from merging.members as member
                            where (member.org, member.repo, member.branch) = (pool.org, pool.repo, pool.branch)))
         order by coalesce(jsonb_array_length(nullif(pool.train -> 'line', 'null')), 0) desc, pool.changed_at desc,
                  pool.org, pool.repo, pool.branch
         limit $3
        """)

    static let shownMembers = Statement(
        "merging.shown_members",
        """
        select member.org, member.repo, member.branch, member.number, member.head_sha, member.title, member.author,
               member.is_eligible, member.eligible_since, member.method, member.obstacles, member.status_state,
               member.status_text, member.ejection
          from unnest($1::text[], $2::text[], $3::text[]) as pool (org, repo, branch)
          join merging.members as member
            on (member.org, member.repo, member.branch) = (pool.org, pool.repo, pool.branch)
         order by member.number
         limit 3000
        """)

    /// The runs of trials, as far as they got.
    static let shownRuns = Statement(
        "merging.shown_runs",
        """
        select own.pool_id, own.trial, own.run, own.job, own.verdict, coalesce(run.run_id, own.run_id), run.state
          from merging.runs as own
          left join scheduling.runs_v1 as run
            on run.org = own.org and run.repo = own.repo and run.pull_numbers = own.pull_numbers
           and run.pull_numbers <> '{}' and run.request_id = own.request_id
         where own.pool_id = any($1::uuid[]) and own.trial = any($2::bigint[])
         order by own.run
        """)

    static let shownHistory = Statement(
        "merging.shown_history",
        """
        select org, repo, branch, at, action, base_sha, targets, reason, error
          from merging.history
         where ($1::text is null or org = $1) and ($2::text is null or repo = $2)
           and action not in ('TRIGGER', 'TRIGGER_BATCH')
         order by id desc
         limit $3
        """)

    static let shownMember = Statement(
        "merging.shown_member",
        """
        select member.org, member.repo, member.branch, member.number, member.head_sha, member.title, member.author,
               member.is_eligible, member.eligible_since, member.method, member.obstacles, member.status_state,
               member.status_text, member.ejection, pool.pool_id, pool.train, pool.problem, member.link
          from merging.members as member
          left join merging.pools as pool
            on (pool.org, pool.repo, pool.branch) = (member.org, member.repo, member.branch)
         where member.org = $1 and member.repo = $2 and member.number = $3
        """)

    static let memberHistory = Statement(
        "merging.member_history",
        """
        select org, repo, branch, at, action, base_sha, targets, reason, error
          from merging.history
         where org = $1 and repo = $2 and targets @> jsonb_build_array(jsonb_build_object('number', $3::integer))
         order by id desc
         limit 50
        """)

    /// How long trials take: the median of what passed within a day, in seconds.
    static let pace = Statement(
        "merging.pace",
        """
        select pool_id, percentile_cont(0.5) within group (order by seconds)
          from (select pool_id, trial, extract(epoch from max(ended_at) - min(requested_at))::float8 as seconds
                  from merging.runs
                 where pool_id = any($1::uuid[]) and verdict = 'passed' and requested_at > now() - interval '1 day'
                 group by pool_id, trial) as trials
         group by pool_id
        """)

    static let recentLandings = Statement(
        "merging.recent_landings",
        """
        select landing.org, landing.repo, landing.branch, landing.number, landing.commit_sha, landing.landed_at
          from unnest($1::text[], $2::text[], $3::text[]) as pool (org, repo, branch)
          join lateral (
               select * from merging.landings as landing
                where (landing.org, landing.repo, landing.branch) = (pool.org, pool.repo, pool.branch)
                  and landing.landed_at > now() - interval '1 day'
                order by landing.landed_at desc, landing.number desc
                limit 12) as landing on true
        """)

    /// The newest actions of each pool that Tide records as well. A refused merge is one to Tide: it has an error.
    static let prowHistory = Statement(
        "merging.prow_history",
        """
        select pool.org, pool.repo, pool.branch, record.at,
               case record.action when 'EJECT' then 'MERGE' else record.action end, record.base_sha, record.targets,
               record.error
          from merging.pools as pool
          join lateral (
               select * from merging.history as record
                where (record.org, record.repo, record.branch) = (pool.org, pool.repo, pool.branch)
                  and (record.action in ('TRIGGER', 'TRIGGER_BATCH', 'MERGE', 'MERGE_BATCH')
                       or record.action = 'EJECT' and record.error <> '')
                order by record.id desc
                limit 100) as record on true
         order by pool.org, pool.repo, pool.branch, record.id desc
         limit 20000
        """)
}
