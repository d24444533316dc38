import FoundationEssentials
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let commandStatements = [noteComment, noteCommands, noteReview, dismissReview, history, timeline, reviews]

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

    /// Every command on a pull request in the order in which they were said.
    static let history = Statement(
        "pull_requests.history",
        """
        select comment.author, command.name, command.arguments, comment.written_at, comment.kind, comment.comment_id,
               comment.link
          from pull_requests.commands as command
          join pull_requests.comments as comment using (org, repo, number, kind, comment_id)
         where command.org = $1 and command.repo = $2 and command.number = $3
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
