import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let overrideStatements = [
        noteOverride, standingOverrides, overridesOfPull, endOverrides, endOverridesOfBase,
    ]

    /// One that stands for the context already ends.
    static let noteOverride = Statement(
        "pull_requests.note_override",
        """
        with before as (
            update pull_requests.overrides
               set ended_at = now(), ended_by = 'replaced by ' || $6::text
             where org = $1 and repo = $2 and number = $3 and context = $4 and is_check = $12 and ended_at is null
            returning id)
        insert into pull_requests.overrides
               (org, repo, number, context, job, actor, reason, head_sha, base_ref, base_sha, is_sticky,
               is_check)
        select $1, $2, $3, $4, $5, $6::text, $7, $8, $9, $10, $11, $12
         -- After the earlier one has ended.
         where (select count(*) from before) >= 0
        """)

    static let standingOverrides = Statement(
        "pull_requests.standing_overrides",
        """
        select context, is_check
          from pull_requests.overrides
         where org = $1 and repo = $2 and number = $3 and ended_at is null
         order by context
        """)

    /// Newest first.
    static let overridesOfPull = Statement(
        "pull_requests.overrides_of_pull",
        """
        select context, actor, reason, is_sticky, made_at, ended_by
          from pull_requests.overrides
         where org = $1 and repo = $2 and number = $3
         order by id desc
         limit $4
        """)

    /// Of the named contexts, or of all where none is named.
    static let endOverrides = Statement(
        "pull_requests.end_overrides",
        """
        update pull_requests.overrides
           set ended_at = now(), ended_by = $5
         where org = $1 and repo = $2 and number = $3 and ended_at is null
           and ($4::text[] = '{}' or context = any($4::text[]))
        """)

    static let endOverridesOfBase = Statement(
        "pull_requests.end_overrides_of_base",
        """
        update pull_requests.overrides
           set ended_at = now(), ended_by = 'the base moved to ' || $4::text
         where org = $1 and repo = $2 and base_ref = $3 and base_sha <> $4::text and ended_at is null and not is_sticky
           and not is_check
        """)
}

/// What is overridden now.
struct StandingOverrides: Sendable {
    var contexts: [String] = []
    var checks: [String] = []
}

extension PostgresClient {
    func overrides(of key: PullKey) async throws -> StandingOverrides {
        var standing = StandingOverrides()
        for row in try await execute(
            PullRequestsStore.standingOverrides, key.repository.org, key.repository.repo, key.number)
        {
            let (context, isCheck) = try row.decode((String, Bool).self)
            if isCheck { standing.checks.append(context) } else { standing.contexts.append(context) }
        }
        return standing
    }
}
