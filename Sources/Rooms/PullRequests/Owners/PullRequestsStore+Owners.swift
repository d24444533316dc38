import FoundationEssentials
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let ownersStatements: [Statement] = [
        lgtms, noteLGTM, forgetLGTMs, approval, approvalSummary, noteApproval, knownRepositories, knowsRepository,
    ]

    /// Whose word that it looks good stands.
    static let lgtms = Statement(
        "pull_requests.lgtms",
        "select login, said_at, tree from pull_requests.lgtms where org = $1 and repo = $2 and number = $3 order by login"
    )

    static let noteLGTM = Statement(
        "pull_requests.note_lgtm",
        """
        insert into pull_requests.lgtms (org, repo, number, login, said_at, head_sha, tree)
        values ($1, $2, $3, $4, $5::timestamptz, $6, $7)
        on conflict (org, repo, number, login) do update
           set said_at = excluded.said_at, head_sha = excluded.head_sha, tree = excluded.tree
         where excluded.said_at >= pull_requests.lgtms.said_at
        """)

    static let forgetLGTMs = Statement(
        "pull_requests.forget_lgtms",
        "delete from pull_requests.lgtms where org = $1 and repo = $2 and number = $3 and said_at <= $4::timestamptz")

    /// Who set the label `approved` by hand, and what was said before the first decision; no row before that.
    static let approval = Statement(
        "pull_requests.approval",
        "select by_hand, earlier from pull_requests.approvals where org = $1 and repo = $2 and number = $3")

    static let approvalSummary = Statement(
        "pull_requests.approval_summary",
        "select summary from pull_requests.approvals where org = $1 and repo = $2 and number = $3")

    static let noteApproval = Statement(
        "pull_requests.note_approval",
        """
        insert into pull_requests.approvals (org, repo, number, is_approved, by_hand, summary, earlier)
        values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb)
        on conflict (org, repo, number) do update
           set is_approved = excluded.is_approved, by_hand = excluded.by_hand, summary = excluded.summary,
               decided_at = now()
        """)

    /// Repositories that have a pull request or a job.
    static let knownRepositories = Statement(
        "pull_requests.known_repositories",
        """
        select org, repo from pull_requests.pulls
         union
        select org, repo from scheduling.current_jobs_v1 where org is not null and repo is not null
         order by org, repo
         limit 1000
        """)

    static let knowsRepository = Statement(
        "pull_requests.knows_repository",
        """
        select 1 from pull_requests.pulls where org = $1 and repo = $2
         union
        select 1 from scheduling.current_jobs_v1 where org = $1 and repo = $2
         limit 1
        """)
}

extension Transaction {
    /// What is kept of reviews and approvals, as part of the history.
    func readOwners(of key: PullKey, into history: inout PullHistory) async throws {
        let parameters: [any PostgresEncodable] = [key.repository.org, key.repository.repo, key.number]
        let answers = try await pipeline([
            (PullRequestsStore.lgtms, parameters), (PullRequestsStore.approval, parameters),
        ])
        history.lgtms = try answers[0].map { row in
            let (login, at, tree) = try row.decode((String, Date, String?).self)
            return PullHistory.LGTM(login: login, at: at, tree: tree)
        }
        if let row = answers[1].first {
            let (hand, earlier) = try row.decode((String?, JSON<[ApprovalRemark]>).self)
            history.approvedByHand = hand
            history.earlier = earlier.value
        }
    }

    /// Writes down what a turn decided about reviews and approvals.
    func noteOwners(_ actions: [PullAction], of pull: PullSnapshot, by actor: String, at instant: Date) async throws {
        let (org, repo, number) = (pull.repository.org, pull.repository.repo, pull.number)
        for action in actions {
            switch action {
            case .noteLGTM(let tree):
                try await execute(
                    PullRequestsStore.noteLGTM, org, repo, number, actor.lowercased(), instant, pull.headSHA, tree)
            case .forgetLGTMs: try await execute(PullRequestsStore.forgetLGTMs, org, repo, number, instant)
            case .noteApproval(let summary, let earlier):
                try await execute(
                    PullRequestsStore.noteApproval, org, repo, number, summary.isApproved, summary.byHand,
                    JSON(summary), JSON(earlier ?? []))
            default: break
            }
        }
    }
}
