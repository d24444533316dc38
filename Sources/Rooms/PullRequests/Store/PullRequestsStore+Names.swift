import Postgres
import SlipwayModel

/// Repositories that are called otherwise than they were.
extension PullRequestsStore {
    static let nameStatements = [
        currentNames, noteFormerName, followFormerNames, forgetFormerName, moveOverrides, movePicks, dropOverlap,
        movePulls,
    ]

    static let currentNames = Statement(
        "pull_requests.current_names",
        """
        select org, repo, current_org, current_repo
          from pull_requests.former_names
         where (org, repo) in (select * from unnest($1::text[], $2::text[]))
        """)

    static let noteFormerName = Statement(
        "pull_requests.note_former_name",
        """
        insert into pull_requests.former_names (org, repo, current_org, current_repo) values ($1, $2, $3, $4)
        on conflict (org, repo) do update
           set current_org = excluded.current_org, current_repo = excluded.current_repo
        """)

    /// What was called so before the former name is called as it is now, too.
    static let followFormerNames = Statement(
        "pull_requests.follow_former_names",
        """
        update pull_requests.former_names set current_org = $3, current_repo = $4
         where current_org = $1 and current_repo = $2
        """)

    /// A repository of that name is there again.
    static let forgetFormerName = Statement(
        "pull_requests.forget_former_name", "delete from pull_requests.former_names where org = $1 and repo = $2")

    /// What was heard of under the new name already was read anew from the forge, with all that people said; only what
    /// the forge does not know goes over to it.
    static let moveOverrides = Statement(
        "pull_requests.move_overrides",
        """
        update pull_requests.overrides as former
           set org = $3, repo = $4
         where (former.org, former.repo) = ($1, $2)
           and exists (select from pull_requests.pulls as later
                        where (later.org, later.repo, later.number) = ($3, $4, former.number))
           and not exists (select from pull_requests.overrides as later
                            where (later.org, later.repo, later.number, later.context)
                                = ($3, $4, former.number, former.context))
        """)

    static let movePicks = Statement(
        "pull_requests.move_picks",
        """
        update pull_requests.cherry_picks as former
           set org = $3, repo = $4
         where (former.org, former.repo) = ($1, $2)
           and exists (select from pull_requests.pulls as later
                        where (later.org, later.repo, later.number) = ($3, $4, former.number))
           and not exists (select from pull_requests.cherry_picks as later
                            where (later.org, later.repo, later.number, later.branch)
                                = ($3, $4, former.number, former.branch))
        """)

    static let dropOverlap = Statement(
        "pull_requests.drop_overlap",
        """
        delete from pull_requests.pulls
         where ctid = any(array(
               select former.ctid
                 from pull_requests.pulls as former
                 join pull_requests.pulls as later using (number)
                where (former.org, former.repo) = ($1, $2) and (later.org, later.repo) = ($3, $4)
                order by former.number
                  for update of former))
        """)

    /// With everything that hangs on them.
    static let movePulls = Statement(
        "pull_requests.move_pulls",
        """
        update pull_requests.pulls
           set org = $3, repo = $4,
               head_repository = case when head_repository = $1 || '/' || $2 then $3 || '/' || $4
                                      else head_repository end
         where ctid = any(array(
               select ctid from pull_requests.pulls where org = $1 and repo = $2 order by number for update))
        """)
}

/// The names under which repositories of messages are known now.
struct CurrentNames: Sendable {
    private var names: [RepositoryName: RepositoryName] = [:]

    init(_ rows: Rows) throws {
        for row in rows {
            let (org, repo, currentOrg, currentRepo) = try row.decode((String, String, String, String).self)
            names[RepositoryName(org: org, repo: repo)] = RepositoryName(org: currentOrg, repo: currentRepo)
        }
    }

    func renew(_ repository: inout RepositoryName) { repository = names[repository] ?? repository }

    /// What is named in the very batch.
    mutating func note(_ naming: RepositoryNamed) {
        names[naming.repository] = nil
        guard let former = naming.former else { return }
        for (name, current) in names where current == former { names[name] = naming.repository }
        names[former] = naming.repository
    }
}

extension Transaction {
    /// Has everything that is known of a repository known under its new name.
    func follow(_ naming: RepositoryNamed) async throws {
        let now = naming.repository
        try await execute(PullRequestsStore.forgetFormerName, now.org, now.repo)
        guard let former = naming.former else { return }
        try await execute(PullRequestsStore.followFormerNames, former.org, former.repo, now.org, now.repo)
        try await execute(PullRequestsStore.noteFormerName, former.org, former.repo, now.org, now.repo)
        for statement in [
            PullRequestsStore.moveOverrides, PullRequestsStore.movePicks, PullRequestsStore.dropOverlap,
            PullRequestsStore.movePulls,
        ] {
            try await execute(statement, former.org, former.repo, now.org, now.repo)
        }
    }
}
