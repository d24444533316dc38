import FoundationEssentials
import SlipwayModel
import Web

/// `/pulls` and `/pulls/<org>/<repo>/<number>`.
struct PullPages {
    let store: ResultsStore

    static let listRows = 100
    static let runs = 300

    func list(now: Date) async throws -> [String: PageValue] {
        let pulls = try await store.openPulls(limit: Self.listRows)
        return [
            "pulls": .objects(pulls.map { Self.row($0, now: now) }),
            "isEmpty": .flag(pulls.isEmpty), "emptyText": .text(ResultsText.noPulls),
            "tabs": .objects(Self.tabs(current: "/pulls")),
        ]
    }

    static func tabs(current: String) -> [[String: PageValue]] {
        [("All open", "/pulls"), ("By author, and what they wait for", "/pr")].map {
            ["title": .text($0.0), "path": .text($0.1), "isCurrent": .flag($0.1 == current)]
        }
    }

    static func row(_ pull: PullRow, now: Date) -> [String: PageValue] {
        let repository = RepositoryName(org: pull.org, repo: pull.repo)
        return [
            "path": .text(RunRow.pullPath(repository, pull.number)),
            "name": .text("\(repository)#\(pull.number)"), "title": .text(pull.title), "author": .text(pull.author),
            "authorPath": .text("/pr" + Link.query([("author", pull.author)])),
            "base": .text(pull.baseRef), "isDraft": .flag(pull.isDraft),
            "conflicts": .flag(pull.mergeable == false),
            "labels": .list(pull.labels.prefix(8).map { .text($0) }),
            "age": .markup(.age(pull.updatedAt, now: now)),
        ]
    }

    func pull(_ repository: RepositoryName, _ number: Int, now: Date) async throws -> (PageHead, [String: PageValue]) {
        var filter = RunFilter()
        filter.repository = repository
        filter.pull = number
        async let foundPull = store.pull(repository, number: number)
        async let foundRuns = store.runs(filter, limit: Self.runs)
        async let foundBatches = store.batches(repository, number: number, limit: 20)
        let (pull, runs, batches) = try await (foundPull, foundRuns, foundBatches)
        guard pull != nil || !runs.isEmpty else {
            throw WebError.notFound(ResultsText.noSuchPull(repository, number))
        }
        let own = runs.prefix(Self.runs).filter { $0.kind == .presubmit }
        let failures = try await store.failureCounts(of: own.filter(\.state.isFinished).map(\.buildID))
        let history = PullHistory(Array(own), head: pull?.headSHA)
        let name = "\(repository)#\(number)"
        let values: [String: PageValue] = [
            "name": .text(name),
            "title": .text(pull?.title ?? own.first?.title ?? name),
            "author": .optional(pull?.author ?? own.first?.author),
            "authorPath": .text("/pr" + Link.query([("author", pull?.author ?? own.first?.author)])),
            "link": .optional(Link.external(pull?.link)),
            "standing": .text(Self.standing(pull)),
            "standingClass": .text(Self.standingClass(pull)),
            "conflicts": .flag(pull?.isOpen == true && pull?.mergeable == false),
            "base": .optional(pull?.baseRef), "head": .optional(pull?.headRef),
            "sha": history.head.map { .markup(RunFacts.commit($0, link: nil)) } ?? .nothing,
            "labels": .list((pull?.labels ?? []).map { .text($0) }),
            "updated": pull.map { .markup(.age($0.updatedAt, now: now)) } ?? .nothing,
            "verdict": .text(history.verdict),
            "contexts": .objects(
                history.contexts.map { run in
                    RunRow.values(run, failures: failures[run.buildID], now: now).merging([
                        "context": .text(run.context ?? run.job),
                        "need": .text(run.isOptional ? "optional" : "required"),
                    ]) { $1 }
                }),
            "noContexts": .flag(history.contexts.isEmpty),
            "emptyText": .text(ResultsText.nothingStarted(pull)),
            "pushes": .objects(
                history.pushes.map { push in
                    [
                        "sha": .markup(RunFacts.commit(push.sha, link: nil)),
                        "isHead": .flag(push.sha == history.head),
                        "age": push.runs.last.map { .markup(.age($0.requestedAt, now: now)) } ?? .nothing,
                        "runs": .objects(
                            push.runs.map { RunRow.values($0, failures: failures[$0.buildID], now: now) }),
                    ]
                }),
            "batches": .objects(batches.map { RunRow.values($0, now: now) }),
            "hasPushes": .flag(!history.pushes.isEmpty),
            "hasBatches": .flag(!batches.isEmpty),
            "allPath": .text(RunsPage.path(filter)),
            "historyPath": .text(
                "/pr-history"
                    + Link.query([("org", repository.org), ("repo", repository.repo), ("pr", String(number))])),
        ]
        let head = PageHead(
            title: "\(name) \(pull?.title ?? "")", section: "/pulls",
            crumbs: [
                .init("Pull requests", "/pulls"),
                .init(repository.description, "/runs" + Link.query([("repo", repository.description)])),
                .init("#\(number)"),
            ])
        return (head, values)
    }

    private static func standing(_ pull: PullRow?) -> String {
        guard let pull else { return "Unknown" }
        if pull.isMerged { return "Merged" }
        if !pull.isOpen { return "Closed" }
        return pull.isDraft ? "Draft" : "Open"
    }

    private static func standingClass(_ pull: PullRow?) -> String {
        guard let pull else { return "skipped" }
        if pull.isMerged { return "success" }
        return pull.isOpen ? (pull.isDraft ? "aborted" : "running-still") : "aborted"
    }
}

/// The runs of one pull request, told apart by push and by context. Pure.
package struct PullHistory: Sendable {
    package struct Push: Sendable {
        package let sha: String
        /// Newest first.
        package var runs: [RunSummary]
    }

    /// The newest commit: the forge's word, else that of the newest run.
    package let head: String?
    /// Newest first.
    package let pushes: [Push]
    /// The newest run of each context at the head, required ones first, then by name.
    package let contexts: [RunSummary]

    /// - Parameter runs: presubmits of the pull request, newest first.
    package init(_ runs: [RunSummary], head: String?) {
        var pushes: [Push] = []
        for run in runs {
            let sha = run.headSHA ?? ""
            if let index = pushes.firstIndex(where: { $0.sha == sha }) {
                pushes[index].runs.append(run)
            } else {
                pushes.append(Push(sha: sha, runs: [run]))
            }
        }
        self.pushes = pushes
        let newest = head ?? pushes.first?.sha
        self.head = newest
        var seen: Set<String> = []
        contexts = (pushes.first { $0.sha == newest }?.runs ?? [])
            .filter { seen.insert($0.context ?? $0.job).inserted }
            .sorted { ($0.isOptional ? 1 : 0, $0.context ?? $0.job) < ($1.isOptional ? 1 : 0, $1.context ?? $1.job) }
    }

    /// One sentence on how the required contexts of the head stand.
    package var verdict: String {
        let required = contexts.filter { !$0.isOptional }
        guard !contexts.isEmpty else { return "Nothing has run for the newest commit." }
        let failed = required.filter { $0.state.isFinished && $0.state != .success }
        let open = required.count { !$0.state.isFinished }
        if !failed.isEmpty {
            let names = failed.prefix(3).map { $0.context ?? $0.job }.joined(separator: ", ")
            return
                "\(failed.count) of \(required.count) required did not pass: \(names)\(failed.count > 3 ? ", …" : "")."
        }
        if open > 0 { return "\(open) of \(required.count) required \(open == 1 ? "is" : "are") still on the way." }
        return required.isEmpty ? "Only optional jobs ran." : "All \(required.count) required passed."
    }
}
