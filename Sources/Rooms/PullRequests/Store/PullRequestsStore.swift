package import Postgres

/// The only SQL of the room; its statements stand in extensions, by concern.
///
/// Locks: a decision about a pull request holds its row in `pull_requests.pulls`; whoever takes several takes them in
/// the order of their keys and waits for nothing after.
package enum PullRequestsStore {
    package static let all: [Statement] =
        pullStatements + labelStatements + commandStatements + overrideStatements + peopleStatements
        + readingStatements + upkeepStatements + ownersStatements + nameStatements
}
