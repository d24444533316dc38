import FoundationEssentials
import SlipwayModel
import Web

/// `/pr-history?org=&repo=&pr=`: the runs of a pull request as Prow's table shows them, a row per job and a column per
/// commit.
struct PullHistoryPage {
    let store: ResultsStore

    /// Commits that are shown, the newest first.
    static let columns = 12

    func values(_ repository: RepositoryName, _ number: Int, now: Date) async throws -> [String: PageValue] {
        var filter = RunFilter()
        filter.repository = repository
        filter.pull = number
        let pull = try await store.pull(repository, number: number)
        let runs = try await store.runs(filter, limit: PullPages.runs).filter { $0.kind == .presubmit }
        guard pull != nil || !runs.isEmpty else {
            throw WebError.notFound(ResultsText.noSuchPull(repository, number))
        }
        let table = Table(PullHistory(runs, head: pull?.headSHA).pushes.prefix(Self.columns))
        return [
            "name": .text("\(repository)#\(number)"), "title": .optional(pull?.title ?? runs.first?.title),
            "path": .text(RunRow.pullPath(repository, number)),
            "commits": .objects(
                table.commits.map { push in
                    [
                        "sha": .markup(RunFacts.commit(push.sha, link: nil)),
                        "age": push.runs.last.map { .markup(.age($0.requestedAt, now: now)) } ?? .nothing,
                    ]
                }),
            "jobs": .objects(
                table.rows.map { job, cells in
                    [
                        "job": .text(job), "jobPath": .text(RunRow.jobPath(job)),
                        "cells": .objects(
                            cells.map { runs in ["runs": .objects(runs.map { RunRow.values($0, now: now) })] }),
                    ]
                }),
            "isEmpty": .flag(table.rows.isEmpty),
            "emptyText": "No run yet.",
        ]
    }

    /// Runs by job and commit. Pure.
    struct Table {
        let commits: [PullHistory.Push]
        /// By name; a cell per commit, each with its runs, newest first.
        let rows: [(job: String, cells: [[RunSummary]])]

        init(_ pushes: some Sequence<PullHistory.Push>) {
            let commits = Array(pushes)
            self.commits = commits
            let jobs = Set(commits.flatMap { $0.runs.map(\.job) }).sorted()
            rows = jobs.map { job in (job, commits.map { push in push.runs.filter { $0.job == job } }) }
        }
    }
}
