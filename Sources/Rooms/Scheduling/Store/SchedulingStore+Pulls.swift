import FoundationEssentials
import Postgres
import SlipwayModel

extension SchedulingStore {
    static let pullStatements = [storePulls, lockPulls, noteNotices, pullDetails]

    /// Stores what is not older than what is known. Locks every named row, also those it leaves alone.
    static let storePulls = Statement(
        "scheduling.store_pulls",
        """
        insert into scheduling.pulls as known
               (org, repo, number, version, title, author, head_ref, head_sha, base_ref, base_sha, is_open, is_draft,
                is_merged, mergeable, labels, link)
        select org, repo, number, version, title, author, head_ref, head_sha, base_ref, base_sha, is_open, is_draft,
               is_merged, mergeable, array(select jsonb_array_elements_text(labels)), link
          from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                      $8::text[], $9::text[], $10::text[], $11::boolean[], $12::boolean[], $13::boolean[],
                      $14::boolean[], $15::jsonb[], $16::text[])
               as pull (org, repo, number, version, title, author, head_ref, head_sha, base_ref, base_sha, is_open,
                        is_draft, is_merged, mergeable, labels, link)
         order by org, repo, number
        on conflict (org, repo, number) do update
           set version = excluded.version, title = excluded.title, author = excluded.author,
               head_ref = excluded.head_ref, head_sha = excluded.head_sha, base_ref = excluded.base_ref,
               base_sha = excluded.base_sha, is_open = excluded.is_open, is_draft = excluded.is_draft,
               is_merged = excluded.is_merged, mergeable = excluded.mergeable, labels = excluded.labels,
               link = coalesce(excluded.link, known.link), updated_at = now()
         where excluded.version >= known.version
        """)

    /// The latest state of pull requests whose rows are held from here on.
    static let lockPulls = Statement(
        "scheduling.lock_pulls",
        """
        select known.org, known.repo, known.number, known.head_sha, known.is_open, known.is_draft, known.notices
          from scheduling.pulls as known
          join unnest($1::text[], $2::text[], $3::integer[]) as asked (org, repo, number)
            on asked.org = known.org and asked.repo = known.repo and asked.number = known.number
         order by known.org, known.repo, known.number
           for no key update of known
        """)

    static let noteNotices = Statement(
        "scheduling.note_notices",
        "update scheduling.pulls set notices = $4::text[] where org = $1 and repo = $2 and number = $3")

    /// What is known of one pull request.
    static let pullDetails = Statement(
        "scheduling.pull_details",
        """
        select title, author, head_ref, head_sha, base_ref, base_sha, is_open, is_draft, is_merged, mergeable, labels,
               link, version
          from scheduling.pulls
         where org = $1 and repo = $2 and number = $3
        """)
}

extension Transaction {
    /// Stores pull requests, one state each, and holds their rows until the transaction ends.
    func store(_ pulls: [PullState]) async throws(PostgresError) {
        guard !pulls.isEmpty else { return }
        try await execute(
            SchedulingStore.storePulls,
            parameters: [
                pulls.map(\.repository.org), pulls.map(\.repository.repo), pulls.map(\.number), pulls.map(\.version),
                pulls.map(\.title), pulls.map(\.author), pulls.map(\.headRef), pulls.map(\.headSHA),
                pulls.map(\.baseRef), pulls.map(\.baseSHA), pulls.map(\.isOpen), pulls.map(\.isDraft),
                pulls.map(\.isMerged), pulls.map(\.mergeable), pulls.map { JSON($0.labels) }, pulls.map(\.link),
            ])
    }

    /// - Returns: what is known of each, where anything is.
    func lock(_ pulls: [PullKey]) async throws(PostgresError) -> [PullKey: KnownPull] {
        guard !pulls.isEmpty else { return [:] }
        let rows = try await execute(
            SchedulingStore.lockPulls, pulls.map(\.repository.org), pulls.map(\.repository.repo), pulls.map(\.number))
        var known: [PullKey: KnownPull] = [:]
        for row in rows {
            let (org, repo, number, headSHA, isOpen, isDraft, notices) = try row.decode(
                (String, String, Int, String, Bool, Bool, [String]).self)
            known[PullKey(RepositoryName(org: org, repo: repo), number)] = KnownPull(
                headSHA: headSHA, isOpen: isOpen, isDraft: isDraft, notices: notices)
        }
        return known
    }

    /// The latest state of each context on the heads of pull requests.
    func contexts(of pulls: [PullState]) async throws(PostgresError) -> [PullKey: [String: RunState]] {
        guard !pulls.isEmpty else { return [:] }
        let rows = try await execute(
            SchedulingStore.latestContexts, pulls.map(\.repository.org), pulls.map(\.repository.repo),
            pulls.map(\.number), pulls.map(\.headSHA))
        var contexts: [PullKey: [String: RunState]] = [:]
        for row in rows {
            let (org, repo, number, context, state) = try row.decode((String, String, Int, String, RunState).self)
            contexts[PullKey(RepositoryName(org: org, repo: repo), number), default: [:]][context] = state
        }
        return contexts
    }
}

/// The latest known state of a pull request whose row this transaction holds.
struct KnownPull: Sendable {
    var headSHA: String
    var isOpen: Bool
    var isDraft: Bool
    /// Tags of our comments there.
    var notices: [String]
}
