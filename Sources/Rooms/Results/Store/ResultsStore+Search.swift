import Postgres
import SlipwayModel
import Web

/// Something that a search found, with the page it leads to.
package struct Finding: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case run, pull, job, repository
    }

    package var kind: Kind
    package var title: String
    /// What tells it from others of its kind; may be empty.
    package var detail: String
    package var path: String
}

extension ResultsStore {
    /// Jobs whose name holds `text`, those that begin with it first.
    func findJobs(_ text: String, limit: Int) async throws -> [Finding] {
        try await database.execute(Self.findJobs, "%\(Self.escapeLike(text))%", "\(Self.escapeLike(text))%", limit)
            .map { row throws(PostgresError) in
                let (name, kind, repository) = try row.decode((String, String, String?).self)
                return Finding(
                    kind: .job, title: name, detail: repository.map { "\(kind) of \($0)" } ?? kind,
                    path: RunRow.jobPath(name))
            }
    }

    /// Pull requests whose title holds `text`, open ones first.
    func findPulls(_ text: String, limit: Int) async throws -> [Finding] {
        try await database.execute(Self.findPulls, "%\(Self.escapeLike(text))%", limit).map {
            row throws(PostgresError) in
            let (org, repo, number, title) = try row.decode((String, String, Int, String).self)
            let repository = RepositoryName(org: org, repo: repo)
            return Finding(
                kind: .pull, title: "\(repository)#\(number)", detail: title,
                path: RunRow.pullPath(repository, number))
        }
    }

    /// Pull requests of that number, in any repository.
    func findPulls(number: Int, limit: Int) async throws -> [Finding] {
        try await database.execute(Self.findPullsByNumber, number, limit).map { row throws(PostgresError) in
            let (org, repo, title) = try row.decode((String, String, String).self)
            let repository = RepositoryName(org: org, repo: repo)
            return Finding(
                kind: .pull, title: "\(repository)#\(number)", detail: title,
                path: RunRow.pullPath(repository, number))
        }
    }

    /// Repositories with configured jobs whose name holds `text`.
    func findRepositories(_ text: String, limit: Int) async throws -> [Finding] {
        try await database.execute(Self.findRepositories, "%\(Self.escapeLike(text))%", limit).map {
            row throws(PostgresError) in
            let (org, repo, jobs) = try row.decode((String, String, Int).self)
            return Finding(
                kind: .repository, title: "\(org)/\(repo)", detail: jobs == 1 ? "1 job" : "\(jobs) jobs",
                path: Link.path("configured-jobs", org, repo))
        }
    }

    static let searchStatements = [findJobs, findPulls, findPullsByNumber, findRepositories]

    private static let findJobs = Statement(
        "results.find_jobs",
        """
        select name, min(kind), min(org || '/' || repo)
          from scheduling.current_jobs_v1 where name ilike $1
         group by name order by name not ilike $2, length(name), name limit $3
        """)

    private static let findPulls = Statement(
        "results.find_pulls",
        """
        select org, repo, number, title from scheduling.pulls_v1 where is_open and title ilike $1
         order by updated_at desc limit $2
        """)

    private static let findPullsByNumber = Statement(
        "results.find_pulls_by_number",
        """
        select org, repo, title from scheduling.pulls_v1 where is_open and number = $1
         order by updated_at desc limit $2
        """)

    private static let findRepositories = Statement(
        "results.find_repositories",
        """
        select org, repo, count(*) from scheduling.current_jobs_v1
         where org || '/' || repo ilike $1 group by org, repo order by org, repo limit $2
        """)
}
