import FoundationEssentials
import SlipwayModel
import Web

/// `/runs`: all runs, newest first, narrowed by what is in the URL.
struct RunsPage {
    let store: ResultsStore

    static let rows = 50

    /// The filters of a URL; 400 with a sentence for one that cannot be meant.
    static func filter(_ query: QueryParameters) throws(WebError) -> RunFilter {
        var filter = RunFilter()
        filter.state = try query.choice("state")
        filter.job = try query.text("job")
        filter.kind = try query.choice("kind")
        filter.author = try query.text("author")
        filter.cluster = try query.text("cluster")
        filter.pull = try query.integer("pull", in: 1...Int64(Int32.max)).map { Int($0) }
        if let repo = try query.text("repo") {
            guard let repository = RepositoryName(repo) else {
                throw .badRequest("The parameter 'repo' must be of the form org/repo, not '\(repo)'.")
            }
            filter.repository = repository
        }
        if let before = try query.text("before") {
            guard let run = RunID(before) else {
                throw .badRequest("The parameter 'before' must be a run's UUID, not '\(before)'.")
            }
            filter.before = run
        }
        if filter.pull != nil, filter.repository == nil {
            throw .badRequest("A pull request's number needs its repository: add repo=org/repo.")
        }
        return filter
    }

    static func path(_ filter: RunFilter) -> String {
        "/runs"
            + Link.query([
                ("state", filter.state?.rawValue), ("job", filter.job), ("repo", filter.repository?.description),
                ("pull", filter.pull.map { String($0) }), ("kind", filter.kind?.rawValue), ("author", filter.author),
                ("cluster", filter.cluster), ("before", filter.before?.description),
            ])
    }

    func values(_ filter: RunFilter, now: Date) async throws -> [String: PageValue] {
        let found = try await store.runs(filter, limit: Self.rows)
        let runs = Array(found.prefix(Self.rows))
        var next = filter
        next.before = runs.last?.runID
        var newest = filter
        newest.before = nil
        let states: [PageValue] = RunFilter.StateChoice.allCases.map {
            .object([
                "value": .text($0.rawValue), "label": .text(ResultsText.label($0)),
                "isChosen": .flag($0 == filter.state),
            ])
        }
        let kinds: [PageValue] = JobKind.allCases.map {
            .object([
                "value": .text($0.rawValue), "label": .text(ResultsText.kind($0)),
                "isChosen": .flag($0 == filter.kind),
            ])
        }
        return [
            "runs": .objects(try await RunRow.rows(runs, store: store, now: now)),
            "isEmpty": .flag(runs.isEmpty),
            "emptyText": .text(filter.isEmpty ? ResultsText.noRuns : ResultsText.noRunsMatch),
            "isFiltered": .flag(!filter.isEmpty),
            "isFirstPage": .flag(filter.before == nil),
            "states": .list(states),
            "kinds": .list(kinds),
            "job": .optional(filter.job),
            "repo": .optional(filter.repository?.description),
            "pull": .optional(filter.pull.map { String($0) }),
            "author": .optional(filter.author),
            "cluster": .optional(filter.cluster),
            "nextPath": found.count > Self.rows ? .text(Self.path(next)) : .nothing,
            "newestPath": filter.before == nil ? .nothing : .text(Self.path(newest)),
        ]
    }
}
