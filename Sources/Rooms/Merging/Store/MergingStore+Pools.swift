import Postgres

extension MergingStore {
    static let poolStatements = [
        wakePools, wakeKnownPools, survey, wakeAll, claimPools, holdPool, renewClaim, storeTrain, storeFacts,
        releasePool,
        dropPool, dropMembersOfPool,
    ]

    /// Has pools looked at, and makes those that are new. A claim in force notices by itself when it is released.
    static let wakePools = Statement(
        "merging.wake_pools",
        """
        insert into merging.pools (org, repo, branch)
        select distinct org, repo, branch
          from unnest($1::text[], $2::text[], $3::text[]) as pool (org, repo, branch)
         order by org, repo, branch
        on conflict (org, repo, branch) do update
           set due_at = least(merging.pools.due_at, now()), owed_looks = 2
        """)

    /// The same, of pools that are there.
    static let wakeKnownPools = Statement(
        "merging.wake_known_pools",
        """
        with woken as (
            select pool.org, pool.repo, pool.branch
              from merging.pools as pool
              join unnest($1::text[], $2::text[], $3::text[]) as asked (org, repo, branch)
                on (asked.org, asked.repo) = (pool.org, pool.repo)
               and (asked.branch = pool.branch or asked.branch is null)
             order by pool.org, pool.repo, pool.branch
               for no key update of pool
        )
        update merging.pools as pool
           set due_at = least(pool.due_at, now()), owed_looks = 2
          from woken
         where (pool.org, pool.repo, pool.branch) = (woken.org, woken.repo, woken.branch)
        """)

    /// Makes a pool of each branch that open pull requests want to be merged into and that has none.
    ///
    /// Parameters: organisations and repositories that any query covers.
    static let survey = Statement(
        "merging.survey",
        """
        insert into merging.pools (org, repo, branch)
        select distinct pull.org, pull.repo, pull.base_ref
          from pull_requests.pulls_v1 as pull
         where pull.is_open
           and (pull.org = any($1::text[]) or pull.org || '/' || pull.repo = any($2::text[]))
         order by 1, 2, 3
        on conflict (org, repo, branch) do nothing
        """)

    /// After a change of the configuration.
    static let wakeAll = Statement(
        "merging.wake_all",
        """
        with woken as (
            select org, repo, branch from merging.pools order by org, repo, branch for no key update
        )
        update merging.pools as pool
           set due_at = least(pool.due_at, now()), owed_looks = 2
          from woken
         where (pool.org, pool.repo, pool.branch) = (woken.org, woken.repo, woken.branch)
        """)

    /// Takes pools that are due, or whose driver was not heard of for the length of its claim.
    static let claimPools = Statement(
        "merging.claim_pools",
        """
        with due as (
            select org, repo, branch
              from merging.pools
             where claimed_until <= now() and (due_at <= now() or claim is not null)
             order by due_at
             limit $1
               for no key update skip locked)
        update merging.pools as pool
           set claim = $2, claimed_until = now() + make_interval(secs => $3), due_at = 'infinity'
          from due
         where (pool.org, pool.repo, pool.branch) = (due.org, due.repo, due.branch)
        returning pool.org, pool.repo, pool.branch, pool.pool_id, pool.train, pool.version, pool.owed_looks > 0,
                  extract(epoch from now() - greatest(pool.looked_at, '1970-01-01'::timestamptz))::float8, now()
        """)

    /// Locks the row, if the claim is still ours; answers the time.
    static let holdPool = Statement(
        "merging.hold_pool",
        """
        select now()
          from merging.pools
         where org = $1 and repo = $2 and branch = $3 and claim = $4 and version = $5
           for no key update
        """)

    static let renewClaim = Statement(
        "merging.renew_claim",
        """
        update merging.pools
           set claimed_until = now() + make_interval(secs => $5)
         where org = $1 and repo = $2 and branch = $3 and claim = $4
        returning version
        """)

    static let storeTrain = Statement(
        "merging.store_train",
        """
        update merging.pools
           set train = $4::jsonb, version = version + 1, changed_at = now()
         where org = $1 and repo = $2 and branch = $3
        returning version
        """)

    /// What a look found. Events that came during the look keep the pool dirty: they moved `due_at`.
    static let storeFacts = Statement(
        "merging.store_facts",
        """
        update merging.pools
           set facts = $4::jsonb, problem = $5, looked_at = now(),
               owed_looks = case when due_at < 'infinity' then owed_looks else greatest(owed_looks - 1, 0) end
         where org = $1 and repo = $2 and branch = $3
        """)

    /// Gives a pool back, due again after so many seconds or when an event said so meanwhile.
    static let releasePool = Statement(
        "merging.release_pool",
        """
        update merging.pools
           set claim = null, claimed_until = '-infinity',
               due_at = least(due_at, now() + make_interval(
                   secs => case when owed_looks > 0 then least($5::float8, 3) else $5::float8 end)), problem = coalesce($6, problem)
         where org = $1 and repo = $2 and branch = $3 and claim = $4
        """)

    static let dropPool = Statement(
        "merging.drop_pool", "delete from merging.pools where org = $1 and repo = $2 and branch = $3")

    static let dropMembersOfPool = Statement(
        "merging.drop_members_of_pool", "delete from merging.members where org = $1 and repo = $2 and branch = $3")
}
