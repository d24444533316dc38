import FoundationEssentials
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let pullStatements = [storePull, lockPull, knownPull, settlePull]

    private static let columns = """
        title, body, author, head_ref, head_sha, head_repository, base_ref, base_sha, is_open, is_draft, is_merged,
        mergeable, labels, milestone, assignees, requested_reviewers, review_decision, link, opened_at, head_since, version
        """

    /// Stores what is not older than what is known, labels excepted: those are the mirror's. Locks the row.
    static let storePull = Statement(
        "pull_requests.store_pull",
        """
        insert into pull_requests.pulls as known
               (org, repo, number, version, title, body, author, head_ref, head_sha, head_repository, base_ref,
                base_sha, is_open, is_draft, is_merged, mergeable, labels, milestone, assignees, requested_reviewers,
                link, opened_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::text[], $18, $19::text[],
                $20::text[], $21, $22::timestamptz)
        on conflict (org, repo, number) do update
           set version = excluded.version, title = excluded.title, body = excluded.body, author = excluded.author,
               head_ref = excluded.head_ref, head_sha = excluded.head_sha,
               head_since = case when excluded.head_sha = known.head_sha then known.head_since
                                 else to_timestamp(excluded.version / 1000.0) end,
               head_repository = excluded.head_repository, base_ref = excluded.base_ref,
               base_sha = excluded.base_sha, is_open = excluded.is_open, is_draft = excluded.is_draft,
               is_merged = excluded.is_merged,
               mergeable = case when excluded.mergeable is null and excluded.head_sha = known.head_sha
                                     and excluded.base_ref = known.base_ref
                                then known.mergeable else excluded.mergeable end,
               milestone = excluded.milestone, assignees = excluded.assignees,
               requested_reviewers = excluded.requested_reviewers, link = coalesce(excluded.link, known.link),
               opened_at = coalesce(excluded.opened_at, known.opened_at), updated_at = now()
         where excluded.version >= known.version
        """)

    /// The latest state of a pull request whose row is held from here on, and its count of wishes.
    static let lockPull = Statement(
        "pull_requests.lock_pull",
        """
        select \(columns), greatest(wishes, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
          from pull_requests.pulls
         where org = $1 and repo = $2 and number = $3
           for no key update
        """)

    /// The same without holding it.
    static let knownPull = Statement(
        "pull_requests.known_pull",
        "select \(columns), wishes from pull_requests.pulls where org = $1 and repo = $2 and number = $3")

    /// What a turn leaves behind.
    static let settlePull = Statement(
        "pull_requests.settle_pull",
        """
        update pull_requests.pulls
           set labels = $4::text[], review_decision = $5, wishes = $6
         where org = $1 and repo = $2 and number = $3
        """)

    static func snapshot(_ row: Row, _ key: PullKey) throws -> (pull: PullSnapshot, wishes: Int64) {
        let (
            title, body, author, headRef, headSHA, headRepository, baseRef, baseSHA, isOpen, isDraft, isMerged,
            mergeable, labels, milestone, assignees, requestedReviewers, decision, link, openedAt, headSince, version,
            wishes
        ) = try row.decode(
            (
                String, String, String, String, String, String?, String, String, Bool, Bool, Bool, Bool?, [String],
                String?, [String], [String], String?, String?, Date?, Date?, Int64, Int64
            ).self)
        var pull = PullSnapshot(
            repository: key.repository, number: key.number, title: title, author: author, headRef: headRef,
            headSHA: headSHA, baseRef: baseRef, baseSHA: baseSHA)
        pull.body = body
        pull.headRepository = headRepository
        pull.isOpen = isOpen
        pull.isDraft = isDraft
        pull.isMerged = isMerged
        pull.mergeable = mergeable
        pull.labels = labels
        pull.milestone = milestone
        pull.assignees = assignees
        pull.requestedReviewers = requestedReviewers
        pull.reviewDecision = decision.flatMap(PullSnapshot.ReviewDecision.init)
        pull.link = link
        pull.openedAt = openedAt
        pull.headSince = headSince
        pull.version = version
        return (pull, wishes)
    }
}

extension Transaction {
    func store(_ pull: PullSnapshot) async throws(PostgresError) {
        try await execute(
            PullRequestsStore.storePull,
            parameters: [
                pull.repository.org, pull.repository.repo, pull.number, pull.version, pull.title, pull.body,
                pull.author, pull.headRef, pull.headSHA, pull.headRepository, pull.baseRef, pull.baseSHA, pull.isOpen,
                pull.isDraft, pull.isMerged, pull.mergeable, pull.labels, pull.milestone, pull.assignees,
                pull.requestedReviewers, pull.link, pull.openedAt,
            ])
    }

    /// The pull request, its row held until the transaction ends; nil where nothing is known of it.
    func lock(_ key: PullKey) async throws -> (pull: PullSnapshot, wishes: Int64)? {
        try await execute(PullRequestsStore.lockPull, key.repository.org, key.repository.repo, key.number).first.map {
            try PullRequestsStore.snapshot($0, key)
        }
    }
}

extension PostgresClient {
    /// What is known of a pull request.
    func known(_ key: PullKey) async throws -> PullSnapshot? {
        try await execute(PullRequestsStore.knownPull, key.repository.org, key.repository.repo, key.number).first.map {
            try PullRequestsStore.snapshot($0, key).pull
        }
    }

    func knows(_ key: PullKey) async throws -> Bool { try await known(key) != nil }
}
