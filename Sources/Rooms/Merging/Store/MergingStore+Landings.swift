import Postgres

extension MergingStore {
    static let landingStatements = [
        intendLandings, landingsOfTrial, completeLandings, note, noteOnceADay, trimHistory, trimRuns,
    ]

    /// Says what is about to land. What landed stays as it is.
    static let intendLandings = Statement(
        "merging.intend_landings",
        """
        insert into merging.landings (org, repo, branch, trial, base_sha, number, head_sha, method, commit_sha, tree)
        select $1, $2, $3, $4, $5, number, head_sha, method, commit_sha, tree
          from unnest($6::integer[], $7::text[], $8::text[], $9::text[], $10::text[])
               as step (number, head_sha, method, commit_sha, tree)
         order by number
        on conflict (org, repo, number, head_sha) do update
           set branch = excluded.branch, trial = excluded.trial, base_sha = excluded.base_sha,
               method = excluded.method, commit_sha = excluded.commit_sha, tree = excluded.tree, intended_at = now()
         where merging.landings.landed_at is null
        """)

    static let landingsOfTrial = Statement(
        "merging.landings_of_trial",
        """
        select number, head_sha, base_sha, commit_sha, tree, landed_at is not null
          from merging.landings
         where org = $1 and repo = $2 and branch = $3 and trial = $4
        """)

    static let completeLandings = Statement(
        "merging.complete_landings",
        """
        update merging.landings
           set landed_at = coalesce(landed_at, now())
         where org = $1 and repo = $2 and branch = $3 and trial = $4 and number = any($5::integer[])
        """)

    static let note = Statement(
        "merging.note",
        """
        insert into merging.history (org, repo, branch, action, base_sha, targets, reason, error)
        values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8)
        """)

    /// What holds for the pool as such is not worth a line each time it is found out again.
    static let noteOnceADay = Statement(
        "merging.note_once_a_day",
        """
        insert into merging.history (org, repo, branch, action, base_sha, targets, reason, error)
        select $1, $2, $3, $4, $5, '[]', $6, ''
         where not exists (
               select from merging.history
                where (org, repo, branch, action, reason) = ($1, $2, $3, $4, $6) and at > now() - interval '1 day')
        """)

    static let trimHistory = Statement(
        "merging.trim_history",
        """
        delete from merging.history
         where ctid = any(array(select ctid from merging.history where at < now() - interval '30 days' limit 5000))
        """)

    static let trimRuns = Statement(
        "merging.trim_runs",
        """
        delete from merging.runs
         where ctid = any(array(
               select ctid from merging.runs
                where requested_at < now() - interval '30 days' and ended_at is not null
                limit 5000))
        """)
}
