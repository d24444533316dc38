import Postgres

extension MergingStore {
    static let memberStatements = [
        openPulls, latestContexts, members, storeMembers, storeStatuses, dropMembers, eject, readmit, forgetContexts,
        landedHeads, passesOfHeads,
    ]

    /// The open pull requests against a branch.
    static let openPulls = Statement(
        "merging.open_pulls",
        """
        select number, title, body, author, head_ref, head_sha, is_draft, mergeable, labels, milestone, review_decision,
               link
          from pull_requests.pulls_v1
         where org = $1 and repo = $2 and base_ref = $3 and is_open
         order by number
        """)

    /// The latest run of each context on the given heads.
    static let latestContexts = Statement(
        "merging.latest_contexts",
        """
        select distinct on (pull.number, coalesce(run.context, run.job))
               pull.number, coalesce(run.context, run.job), run.state, run.run_id
          from unnest($3::integer[], $4::text[]) as pull (number, head_sha)
          join scheduling.runs_v1 as run
            on run.org = $1 and run.repo = $2 and run.pull_numbers = array[pull.number]
           and run.pull_numbers <> '{}' and run.head_sha = pull.head_sha
         where run.kind = 'presubmit' and not run.skip_report
         order by pull.number, coalesce(run.context, run.job), run.requested_at desc, run.build_id desc
        """)

    /// When heads passed jobs, by the jobs' hashes.
    static let passesOfHeads = Statement(
        "merging.passes_of_heads",
        """
        select pull.number, run.job_hash, max(run.finished_at)
          from unnest($3::integer[], $4::text[]) as pull (number, head_sha)
          join scheduling.runs_v1 as run
            on run.org = $1 and run.repo = $2 and run.pull_numbers = array[pull.number]
           and run.pull_numbers <> '{}' and run.head_sha = pull.head_sha
         where run.state = 'success' and run.job_hash = any($5::text[])
         group by pull.number, run.job_hash
        """)

    static let members = Statement(
        "merging.members",
        """
        select number, head_sha, is_eligible, eligible_since, method, priority, obstacles, status_state, status_text,
               contexts, contexts_sign, extract(epoch from now() - greatest(contexts_at, '1970-01-01'::timestamptz))::float8,
               ejected_head, ejection, title, author, head_ref
          from merging.members
         where org = $1 and repo = $2 and branch = $3
        """)

    /// Writes what a look found. A pull request that changed its base moves with its row; a new head takes the ejection
    /// away.
    static let storeMembers = Statement(
        "merging.store_members",
        """
        insert into merging.members
               (org, repo, branch, number, head_sha, title, author, link, is_eligible, eligible_since, method, priority,
                obstacles, status_state, status_text, contexts, contexts_sign, contexts_at, head_ref)
        select $1, $2, $3, number, head_sha, title, author, link, is_eligible,
               case when is_eligible then now() end, method, priority, obstacles, status_state, status_text, contexts,
               contexts_sign, case when has_fresh_contexts then now() else '-infinity'::timestamptz end, head_ref
          from unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::text[],
                      $11::integer[], $12::jsonb[], $13::text[], $14::text[], $15::jsonb[], $16::text[], $17::boolean[],
                      $18::text[])
               as found (number, head_sha, title, author, link, is_eligible, method, priority, obstacles, status_state,
                         status_text, contexts, contexts_sign, has_fresh_contexts, head_ref)
         order by number
        on conflict (org, repo, number) do update
           set branch = excluded.branch, head_sha = excluded.head_sha, title = excluded.title,
               author = excluded.author, head_ref = excluded.head_ref, link = excluded.link, is_eligible = excluded.is_eligible,
               eligible_since = case when not excluded.is_eligible then null
                                     else coalesce(merging.members.eligible_since, now()) end,
               method = excluded.method, priority = excluded.priority, obstacles = excluded.obstacles,
               status_state = excluded.status_state, status_text = excluded.status_text,
               contexts = excluded.contexts, contexts_sign = excluded.contexts_sign,
               contexts_at = case when excluded.contexts_at > '-infinity' then excluded.contexts_at
                                  else merging.members.contexts_at end,
               ejected_head = case when merging.members.ejected_head = excluded.head_sha
                                   then merging.members.ejected_head end,
               ejection = case when merging.members.ejected_head = excluded.head_sha then merging.members.ejection end,
               changed_at = now()
        """)

    static let storeStatuses = Statement(
        "merging.store_statuses",
        """
        update merging.members as member
           set status_state = told.state, status_text = told.text, changed_at = now()
          from unnest($3::integer[], $4::text[], $5::text[]) as told (number, state, text)
         where member.org = $1 and member.repo = $2 and member.number = told.number
        """)

    static let dropMembers = Statement(
        "merging.drop_members",
        """
        delete from merging.members
         where org = $1 and repo = $2 and branch = $3 and number = any($4::integer[])
        """)

    static let eject = Statement(
        "merging.eject",
        """
        update merging.members
           set ejected_head = $4, ejection = $5, ejected_at = now(), is_eligible = false, eligible_since = null,
               changed_at = now()
         where org = $1 and repo = $2 and number = $3
        """)

    /// Somebody asked for another try.
    static let readmit = Statement(
        "merging.readmit",
        """
        with asked as (
            select member.org, member.repo, member.number
              from merging.members as member
              join unnest($1::text[], $2::text[], $3::integer[]) as pull (org, repo, number)
                on (pull.org, pull.repo, pull.number) = (member.org, member.repo, member.number)
             where member.ejected_head is not null
             order by member.org, member.repo, member.number
               for no key update of member
        )
        update merging.members as member
           set ejected_head = null, ejection = null, ejected_at = null
          from asked
         where (member.org, member.repo, member.number) = (asked.org, asked.repo, asked.number)
        returning member.org, member.repo, member.branch
        """)

    /// Somebody else said something about commits: the forge is asked again what stands on them.
    static let forgetContexts = Statement(
        "merging.forget_contexts",
        """
        with told as (
            select member.org, member.repo, member.number
              from merging.members as member
              join unnest($1::text[], $2::text[], $3::text[]) as head (org, repo, sha)
                on (head.org, head.repo, head.sha) = (member.org, member.repo, member.head_sha)
             order by member.org, member.repo, member.number
               for no key update of member
        )
        update merging.members as member
           set contexts_at = '-infinity'
          from told
         where (member.org, member.repo, member.number) = (told.org, told.repo, told.number)
        returning member.org, member.repo, member.branch
        """)

    /// Heads of open pull requests that landed: the forge has yet to say so.
    static let landedHeads = Statement(
        "merging.landed_heads",
        """
        select number, head_sha
          from merging.landings
         where org = $1 and repo = $2 and branch = $3 and landed_at > now() - interval '1 day'
        """)
}
