import FoundationEssentials
import SlipwayModel
import Web

/// How runs, repositories and pull requests show wherever they are named.
enum RunRow {
    /// The values of the `run_row` partial.
    static func values(
        _ run: RunSummary, failures: (failed: Int, flaky: Int)? = nil, now: Date
    ) -> [String: PageValue] {
        [
            "path": .text("/runs/\(run.runID)"),
            "state": .text(run.state.rawValue),
            "label": .text(ResultsText.label(run.state)),
            "build": .text(run.buildID.description),
            "job": .text(run.job),
            "kind": .text(ResultsText.kind(run.kind)),
            "isOptional": .flag(run.isOptional),
            "subject": .markup(subject(run)),
            "title": .optional(run.title),
            "author": .optional(run.author),
            "age": .markup(.age(run.requestedAt, now: now)),
            "took": .text(took(run, now: now)),
            "attempt": run.attempt > 1 ? .text("attempt \(run.attempt)") : .nothing,
            "tests": .optional(tests(failures)),
            "testsClass": .text((failures?.failed ?? 0) > 0 ? "bad" : "warn"),
            "description": .optional(
                run.state == .error || run.state == .aborted ? run.description.prefixOfBytes(300) : nil),
        ]
    }

    /// What is tested: the pull request, the batch or the branch, with links to this site's pages.
    static func subject(_ run: RunSummary) -> Markup {
        guard let repository = run.repository else { return "" }
        let name = repository.description
        switch run.kind {
        case .presubmit:
            guard let number = run.pullNumbers.first else { return Markup(escaping: name) }
            return "<a href=\"\(pullPath(repository, number))\">\(name)#\(number)</a>"
        case .batch:
            let pulls = run.pullNumbers.map { number -> Markup in
                "<a href=\"\(pullPath(repository, number))\">#\(number)</a>"
            }
            return "\(name) \(Markup(joining: pulls, by: " "))"
        case .postsubmit, .periodic:
            return "\(name) <span class=\"quiet\">\(run.baseRef ?? "")</span>"
        }
    }

    static func pullPath(_ repository: RepositoryName, _ number: Int) -> String {
        Link.path("pulls", repository.org, repository.repo, String(number))
    }

    static func jobPath(_ job: String) -> String { Link.path("jobs", job) }

    /// How long it ran; for one that runs, so far.
    static func took(_ run: RunSummary, now: Date) -> String {
        guard let start = run.startedAt else { return "" }
        return HumanTime.duration((run.finishedAt ?? now).timeIntervalSince(start))
    }

    private static func tests(_ failures: (failed: Int, flaky: Int)?) -> String? {
        guard let failures else { return nil }
        switch (failures.failed, failures.flaky) {
        case (0, 0): return nil
        case (let failed, 0): return "\(failed) failed"
        case (0, let flaky): return "\(flaky) flaky"
        case (let failed, let flaky): return "\(failed) failed, \(flaky) flaky"
        }
    }

    /// Rows of a list, each with what its tests say.
    static func rows(_ runs: [RunSummary], store: ResultsStore, now: Date) async throws -> [[String: PageValue]] {
        let failures = try await store.failureCounts(of: runs.filter(\.state.isFinished).map(\.buildID))
        return runs.map { values($0, failures: failures[$0.buildID], now: now) }
    }
}
