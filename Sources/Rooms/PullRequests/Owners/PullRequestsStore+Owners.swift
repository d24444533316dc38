import Postgres

extension PullRequestsStore {
    static let ownersStatements: [Statement] = []
}
