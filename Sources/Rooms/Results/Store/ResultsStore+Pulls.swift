import Postgres
package import SlipwayModel

extension ResultsStore {
    package func pull(_ repository: RepositoryName, number: Int) async throws -> PullRow? {
        try await database.execute(Self.selectPull, repository.org, repository.repo, number).first.map(PullRow.init)
    }

    /// Open ones, most recently changed first.
    package func openPulls(limit: Int) async throws -> [PullRow] {
        try await database.execute(Self.listOpenPulls, limit).map(PullRow.init)
    }

    /// An author's open ones, most recently changed first. Logins are compared without regard to case, as forges do.
    package func openPulls(of author: String, limit: Int) async throws -> [PullRow] {
        try await database.execute(Self.listOpenPullsOf, author, limit).map(PullRow.init)
    }

    /// The runs of some pull requests at their heads, newest first, by `org/repo#number`.
    package func headRuns(of pulls: [PullRow]) async throws -> [String: [RunSummary]] {
        guard !pulls.isEmpty else { return [:] }
        var runs: [String: [RunSummary]] = [:]
        let found = try await database.execute(
            Self.listHeadRuns, pulls.map(\.org), pulls.map(\.repo), pulls.map(\.number), pulls.map(\.headSHA)
        ).map(RunSummary.init)
        for run in found {
            guard let repository = run.repository, let number = run.pullNumbers.first else { continue }
            runs["\(repository)#\(number)", default: []].append(run)
        }
        return runs
    }

    /// Batches that hold a pull request, newest first.
    package func batches(_ repository: RepositoryName, number: Int, limit: Int) async throws -> [RunSummary] {
        try await database.execute(Self.listBatches, repository.org, repository.repo, [number], limit)
            .map(RunSummary.init)
    }

    static let pullStatements = [selectPull, listOpenPulls, listOpenPullsOf, listHeadRuns, listBatches]

    private static let selectPull = Statement(
        "results.select_pull",
        "select \(PullRow.columns) from scheduling.pulls_v1 where org = $1 and repo = $2 and number = $3")

    private static let listOpenPulls = Statement(
        "results.list_open_pulls",
        "select \(PullRow.columns) from scheduling.pulls_v1 where is_open order by updated_at desc limit $1")

    private static let listOpenPullsOf = Statement(
        "results.list_open_pulls_of",
        """
        select \(PullRow.columns) from scheduling.pulls_v1
         where is_open and lower(author) = lower($1) order by updated_at desc limit $2
        """)

    private static let listHeadRuns = Statement(
        "results.list_head_runs",
        """
        select found.* from unnest($1::text[], $2::text[], $3::integer[], $4::text[]) as pull (org, repo, number, sha)
         cross join lateral (
             select \(RunSummary.columns) from scheduling.runs_v1 as run
              where run.org = pull.org and run.repo = pull.repo and run.pull_numbers = array[pull.number]
                and run.pull_numbers <> '{}' and run.head_sha = pull.sha
              order by run.requested_at desc limit 200
         ) as found
         order by found.run_id desc
        """)

    private static let listBatches = Statement(
        "results.list_batches",
        """
        select \(RunSummary.columns) from scheduling.runs_v1 as run
         where run.org = $1 and run.repo = $2 and run.kind = 'batch' and run.pull_numbers @> $3::integer[]
         order by run.run_id desc limit $4
        """)
}
