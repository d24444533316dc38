import FoundationEssentials
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let upkeepStatements = [
        askMergeability, askMergeabilityOfBase, dueMergeability, settleMergeability, openPullsOfHead, notePicks,
        duePicks, settlePick, failPick,
    ]

    static let askMergeability = Statement(
        "pull_requests.ask_mergeability",
        """
        update pull_requests.pulls set mergeability_due = now() + interval '1 second'
         where org = $1 and repo = $2 and number = $3
        """)

    /// Of everything that is open against a branch.
    static let askMergeabilityOfBase = Statement(
        "pull_requests.ask_mergeability_of_base",
        """
        update pull_requests.pulls
           set mergeability_due = now()
         where ctid = any(array(
               select ctid from pull_requests.pulls
                where org = $1 and repo = $2 and base_ref = $3 and is_open
                order by org, repo, number
                  for no key update))
        """)

    /// Takes due ones for half a minute.
    static let dueMergeability = Statement(
        "pull_requests.due_mergeability",
        """
        update pull_requests.pulls as pull
           set mergeability_due = now() + interval '30 seconds'
          from (select org, repo, number
                  from pull_requests.pulls
                 where mergeability_due <= now()
                 order by mergeability_due
                 limit $1
                   for no key update skip locked) as due
         where (pull.org, pull.repo, pull.number) = (due.org, due.repo, due.number)
        returning pull.org, pull.repo, pull.number
        """)

    static let settleMergeability = Statement(
        "pull_requests.settle_mergeability",
        """
        update pull_requests.pulls set mergeability_due = null where org = $1 and repo = $2 and number = $3
        """)

    static let openPullsOfHead = Statement(
        "pull_requests.open_pulls_of_head",
        "select number from pull_requests.pulls where org = $1 and repo = $2 and head_sha = $3 and is_open")

    static let notePicks = Statement(
        "pull_requests.note_picks",
        """
        insert into pull_requests.cherry_picks (org, repo, number, branch, actor)
        select $1, $2, $3, branch, $5 from unnest($4::text[]) as branch
        on conflict (org, repo, number, branch) do update
           set actor = excluded.actor, state = 'waiting', next_try = now(), attempts = 0
         where pull_requests.cherry_picks.state = 'failed'
        """)

    /// Takes picks of what was merged for two minutes.
    static let duePicks = Statement(
        "pull_requests.due_picks",
        """
        update pull_requests.cherry_picks as pick
           set next_try = now() + interval '2 minutes', attempts = pick.attempts + 1
          from (select pick.org, pick.repo, pick.number, pick.branch
                  from pull_requests.cherry_picks as pick
                  join pull_requests.pulls as pull using (org, repo, number)
                 where pick.state = 'waiting' and pick.next_try <= now() and pull.is_merged
                 order by pick.next_try
                 limit 10
                   for no key update of pick skip locked) as due
         where (pick.org, pick.repo, pick.number, pick.branch) = (due.org, due.repo, due.number, due.branch)
        returning pick.org, pick.repo, pick.number, pick.branch, pick.actor, pick.attempts
        """)

    static let settlePick = Statement(
        "pull_requests.settle_pick",
        """
        update pull_requests.cherry_picks
           set state = 'done', opened_number = $5
         where org = $1 and repo = $2 and number = $3 and branch = $4
        """)

    static let failPick = Statement(
        "pull_requests.fail_pick",
        """
        update pull_requests.cherry_picks
           set state = 'failed', failure = $5
         where org = $1 and repo = $2 and number = $3 and branch = $4
        """)
}
