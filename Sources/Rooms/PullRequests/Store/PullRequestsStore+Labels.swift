import FoundationEssentials
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let labelStatements = [labelDecisions, decideLabel, settleLabels]

    /// What was decided about the labels of a pull request.
    static let labelDecisions = Statement(
        "pull_requests.label_decisions",
        """
        select name, present, said_at, said_in, decided_at, is_pending
          from pull_requests.label_decisions
         where org = $1 and repo = $2 and number = $3
        """)

    static let decideLabel = Statement(
        "pull_requests.decide_label",
        """
        insert into pull_requests.label_decisions (org, repo, number, name, present, said_at, said_in, is_pending)
        values ($1, $2, $3, $4, $5, $6::timestamptz, $7, $8)
        on conflict (org, repo, number, name) do update
           set present = excluded.present, said_at = excluded.said_at, said_in = excluded.said_in,
               decided_at = clock_timestamp(), is_pending = excluded.is_pending
        """)

    /// The forge shows these as decided, or somebody decided otherwise there.
    static let settleLabels = Statement(
        "pull_requests.settle_labels",
        """
        update pull_requests.label_decisions
           set is_pending = false
         where org = $1 and repo = $2 and number = $3 and name = any($4::text[])
        """)
}

extension Transaction {
    func decisions(of key: PullKey) async throws -> [String: LabelMirror.Decision] {
        var decisions: [String: LabelMirror.Decision] = [:]
        for row in try await execute(
            PullRequestsStore.labelDecisions, key.repository.org, key.repository.repo, key.number)
        {
            let (name, present, saidAt, saidIn, decidedAt, isPending) = try row.decode(
                (String, Bool, Date, Int64, Date, Bool).self)
            decisions[name] = LabelMirror.Decision(
                present: present, saidAt: saidAt, saidIn: saidIn, decidedAt: decidedAt, isPending: isPending)
        }
        return decisions
    }

    func settle(_ names: [String], of key: PullKey) async throws(PostgresError) {
        guard !names.isEmpty else { return }
        try await execute(
            PullRequestsStore.settleLabels, key.repository.org, key.repository.repo, key.number, names)
    }
}
