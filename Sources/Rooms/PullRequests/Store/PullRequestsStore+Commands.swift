import FoundationEssentials
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let commandStatements = [
        noteComment, noteCommands, noteReview, dismissReview, history, timeline, reviews, standingCommands,
        withdrawCommands, withdrawEarlier,
    ]

    /// A row only where the comment is new.
    static let noteComment = Statement(
        "pull_requests.note_comment",
        """
        insert into pull_requests.comments
               (org, repo, number, kind, comment_id, author, written_at, link, delivery_id)
        values ($1, $2, $3, $4, $5, $6, $7::timestamptz, $8, $9)
        on conflict do nothing
        returning comment_id
        """)

    static let noteCommands = Statement(
        "pull_requests.note_commands",
        """
        insert into pull_requests.commands
               (org, repo, number, kind, comment_id, position, name, arguments, plugin, outcome)
        select $1, $2, $3, $4, $5, position, name, arguments, plugin, outcome
          from unnest($6::integer[], $7::text[], $8::text[], $9::text[], $10::text[])
               as command (position, name, arguments, plugin, outcome)
        """)

    static let noteReview = Statement(
        "pull_requests.note_review",
        """
        insert into pull_requests.reviews as known
               (org, repo, number, review_id, author, state, sha, link, submitted_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz)
        on conflict (org, repo, number, review_id) do update
           set state = case when known.state = 'dismissed' then known.state else excluded.state end
        """)

    static let dismissReview = Statement(
        "pull_requests.dismiss_review",
        """
        insert into pull_requests.reviews (org, repo, number, review_id, author, state, sha, link, submitted_at)
        values ($1, $2, $3, $4, $5, 'dismissed', $6, $7, $8::timestamptz)
        on conflict (org, repo, number, review_id) do update set state = 'dismissed'
        """)

    /// What a comment says still: no row where the comment was never heard of, a null where it holds no such command.
    static let standingCommands = Statement(
        "pull_requests.standing_commands",
        """
        select command.name, command.arguments
          from pull_requests.comments as comment
          left join pull_requests.commands as command
            on (command.org, command.repo, command.number, command.kind, command.comment_id)
               = (comment.org, comment.repo, comment.number, comment.kind, comment.comment_id)
           and not command.is_withdrawn
         where comment.org = $1 and comment.repo = $2 and comment.number = $3 and comment.kind = $4
           and comment.comment_id = $5
        """)

    /// What is not among the kept ones counts no more.
    static let withdrawCommands = Statement(
        "pull_requests.withdraw_commands",
        """
        update pull_requests.commands
           set is_withdrawn = true, outcome = $8
         where org = $1 and repo = $2 and number = $3 and kind = $4 and comment_id = $5 and not is_withdrawn
           and (name, arguments) not in (select * from unnest($6::text[], $7::text[]))
        returning position
        """)

    /// The same for a comment that is older than our knowledge of the pull request.
    static let withdrawEarlier = Statement(
        "pull_requests.withdraw_earlier",
        """
        update pull_requests.approvals
           set earlier = (select coalesce(jsonb_agg(remark order by place), '[]')
                            from jsonb_array_elements(earlier) with ordinality as each (remark, place)
                           where remark ->> 'id' <> $4::bigint::text)
         where org = $1 and repo = $2 and number = $3
           and earlier @> jsonb_build_array(jsonb_build_object('id', $4::bigint))
        returning number
        """)

    /// Every command on a pull request in the order in which they were said, those excepted that were taken back.
    static let history = Statement(
        "pull_requests.history",
        """
        select comment.author, command.name, command.arguments, comment.written_at, comment.kind, comment.comment_id,
               comment.link
          from pull_requests.commands as command
          join pull_requests.comments as comment using (org, repo, number, kind, comment_id)
         where command.org = $1 and command.repo = $2 and command.number = $3 and not command.is_withdrawn
         order by comment.written_at, comment.comment_id, command.position
        """)

    /// The commands of a pull request with what came of them, newest first.
    static let timeline = Statement(
        "pull_requests.timeline",
        """
        select comment.author, command.name, command.arguments, command.outcome, comment.link, comment.written_at
          from pull_requests.commands as command
          join pull_requests.comments as comment using (org, repo, number, kind, comment_id)
         where command.org = $1 and command.repo = $2 and command.number = $3
         order by comment.written_at desc, comment.comment_id desc, command.position desc
         limit $4
        """)

    static let reviews = Statement(
        "pull_requests.reviews",
        """
        select review_id, author, state, submitted_at, sha, link
          from pull_requests.reviews
         where org = $1 and repo = $2 and number = $3
         order by submitted_at, review_id
        """)
}

extension PostgresClient {
    /// Whether a comment says less now than what is known of it. One that was never heard of may have said anything.
    func loses(_ change: Occurrence.Withdrawal, _ key: PullKey) async throws -> Bool {
        let rows = try await execute(
            PullRequestsStore.standingCommands, key.repository.org, key.repository.repo, key.number,
            change.reference.kind.rawValue, change.reference.id)
        guard !rows.isEmpty else { return change.kept == nil }
        return try rows.contains { row in
            let (name, arguments) = try row.decode((String?, String?).self)
            guard let name else { return false }
            return !(change.kept ?? []).contains(CommandCall(name: name, arguments: arguments ?? ""))
        }
    }
}

extension Transaction {
    /// What was said and reviewed on a pull request so far.
    func history(of key: PullKey) async throws -> PullHistory {
        let parameters: [any PostgresEncodable] = [key.repository.org, key.repository.repo, key.number]
        let answers = try await pipeline([
            (PullRequestsStore.history, parameters), (PullRequestsStore.reviews, parameters),
        ])
        let commands = try answers[0].map { row in
            let (actor, name, arguments, at, kind, id, link) = try row.decode(
                (String, String, String, Date, String, Int64, String?).self)
            return PullHistory.Command(
                actor: actor, call: CommandCall(name: name, arguments: arguments), at: at,
                comment: CommentReference(
                    kind: CommentWritten.Kind(rawValue: kind) ?? .comment, id: id, link: link))
        }
        let reviews = try answers[1].map { row in
            let (id, author, state, at, sha, link) = try row.decode(
                (Int64, String, String, Date, String?, String?).self)
            return PullHistory.Review(
                id: id, author: author, state: PullHistory.Review.State(rawValue: state) ?? .commented, at: at,
                sha: sha, link: link)
        }
        return PullHistory(commands: commands, reviews: reviews)
    }
}

extension Transaction {
    /// Whether the text is new.
    func note(_ text: Occurrence.Text, _ occurrence: Occurrence) async throws(PostgresError) -> Bool {
        let key = occurrence.key
        return try await !execute(
            PullRequestsStore.noteComment, key.repository.org, key.repository.repo, key.number,
            text.reference.kind.rawValue, text.reference.id, text.author, text.writtenAt, text.reference.link,
            occurrence.delivery
        ).isEmpty
    }

    func note(
        _ handled: [PullTurn.Handled], _ text: Occurrence.Text, _ key: PullKey
    ) async throws(PostgresError) {
        try await execute(
            PullRequestsStore.noteCommands, key.repository.org, key.repository.repo, key.number,
            text.reference.kind.rawValue, text.reference.id, Array(handled.indices), handled.map(\.call.name),
            handled.map(\.call.arguments), handled.map(\.plugin), handled.map(\.outcome))
    }

    /// Takes back what a comment says no more. A deleted one that nobody has handled yet will not be.
    ///
    /// - Returns: whether anything counts no more.
    func withdraw(
        _ change: Occurrence.Withdrawal, _ key: PullKey, _ delivery: String
    ) async throws(PostgresError) -> Bool {
        let (org, repo, number) = (key.repository.org, key.repository.repo, key.number)
        let (kind, id) = (change.reference.kind.rawValue, change.reference.id)
        let kept = change.kept ?? []
        var isLess = try await !execute(
            PullRequestsStore.withdrawCommands, org, repo, number, kind, id, kept.map(\.name), kept.map(\.arguments),
            change.kept == nil ? PullRequestsText.deleted : PullRequestsText.edited
        ).isEmpty
        guard change.kept == nil else { return isLess }
        if try await !execute(PullRequestsStore.withdrawEarlier, org, repo, number, id).isEmpty { isLess = true }
        try await execute(
            PullRequestsStore.noteComment, org, repo, number, kind, id, change.author, change.writtenAt, nil as String?,
            delivery)
        return isLess
    }

    func note(_ change: Occurrence.ReviewChange, _ key: PullKey) async throws(PostgresError) {
        let review = change.review
        if change.isDismissal {
            try await execute(
                PullRequestsStore.dismissReview, key.repository.org, key.repository.repo, key.number, review.id,
                review.author, review.sha, review.link, review.at)
        } else {
            try await execute(
                PullRequestsStore.noteReview, key.repository.org, key.repository.repo, key.number, review.id,
                review.author, review.state.rawValue, review.sha, review.link, review.at)
        }
    }
}
