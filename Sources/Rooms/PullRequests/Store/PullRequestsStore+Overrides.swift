import Postgres

extension PullRequestsStore {
    static let overrideStatements: [Statement] = []
}
