package import Web

/// `/?job=&repo=&state=…`: deck's first page with filters, which people have as bookmarks, is `/runs` here.
package enum DeckBookmark {
    /// Deck's filters by the names they have here.
    private static let filters = [
        ("type", "kind"), ("job", "job"), ("repo", "repo"), ("pull", "pull"), ("author", "author"),
        ("state", "state"), ("cluster", "cluster"),
    ]

    /// The list of runs with the filters of a query; nil where it has none. A pattern of jobs leads to the jobs whose
    /// name has its longest part.
    package static func path(_ query: QueryParameters) -> String? {
        guard filters.contains(where: { query[$0.0] != nil }) else { return nil }
        if let job = query["job"], job.contains("*") {
            let parts = job.split(separator: "*").map(String.init)
            return "/jobs" + Link.query([("q", parts.max { $0.count < $1.count })])
        }
        return "/runs"
            + Link.query(
                filters.map { theirs, ours in
                    // A number alone names no pull request here.
                    if ours == "pull", query["repo"] == nil { return (ours, nil) }
                    return (ours, query[theirs].map { ours == "state" ? state($0) : $0 })
                })
    }

    /// Prow's states that have another name here.
    private static func state(_ name: String) -> String {
        switch name {
        case "scheduling", "triggered": RunFilter.StateChoice.waiting.rawValue
        case "pending": RunFilter.StateChoice.running.rawValue
        default: name
        }
    }
}
