import FoundationEssentials
import SlipwayModel
import Web

/// `/pr`: the open pull requests of one author, and what each waits for. Prow's PR dashboard; `?author=` needs no
/// sign-in.
struct MyPullsPage {
    let store: ResultsStore

    static let rows = 50

    func values(author: String?, now: Date) async throws -> [String: PageValue] {
        var values: [String: PageValue] = [
            "author": .optional(author),
            "tabs": .objects(PullPages.tabs(current: "/pr")),
        ]
        guard let author else { return values }
        let pulls = try await store.openPulls(of: author, limit: Self.rows)
        let runs = try await store.headRuns(of: pulls)
        values["pulls"] = .objects(
            pulls.map { pull in
                let key = "\(pull.org)/\(pull.repo)#\(pull.number)"
                let history = PullHistory(runs[key] ?? [], head: pull.headSHA)
                let waits = Self.waits(pull, history)
                return PullPages.row(pull, now: now).merging([
                    "waits": .list(waits.map { .text($0) }),
                    "isReady": .flag(waits.isEmpty && !history.contexts.isEmpty),
                    "isSilent": .flag(waits.isEmpty && history.contexts.isEmpty),
                    "contexts": .objects(
                        history.contexts.map { run in
                            RunRow.values(run, now: now).merging(["context": .text(run.context ?? run.job)]) { $1 }
                        }),
                ]) { $1 }
            })
        values["isEmpty"] = .flag(pulls.isEmpty)
        values["emptyText"] = .text(ResultsText.noPullsOf(author))
        return values
    }

    /// What stands between a pull request and its base, as far as this room knows, the author's own part first. Pure.
    static func waits(_ pull: PullRow, _ history: PullHistory) -> [String] {
        var waits: [String] = []
        if pull.isDraft { waits.append("it is a draft: mark it ready for review") }
        if pull.mergeable == false { waits.append("it conflicts with \(pull.baseRef): rebase it") }
        if pull.labels.contains("needs-ok-to-test") { waits.append("somebody trusted has to say /ok-to-test") }
        let holds = pull.labels.filter { $0.hasPrefix("do-not-merge/") }
        if !holds.isEmpty { waits.append("it is held back by \(holds.joined(separator: ", "))") }
        let required = history.contexts.filter { !$0.isOptional }
        let failed = required.filter { $0.state.isFinished && $0.state != .success }
        if !failed.isEmpty {
            waits.append("\(names(failed)) did not pass: look at why, or say /retest")
        }
        let open = required.filter { !$0.state.isFinished }
        if !open.isEmpty { waits.append("\(names(open)) \(open.count == 1 ? "is" : "are") still on the way") }
        return waits
    }

    private static func names(_ runs: [RunSummary]) -> String {
        let names = runs.prefix(3).map { $0.context ?? $0.job }.joined(separator: ", ")
        return runs.count > 3 ? "\(names) and \(runs.count - 3) more" : names
    }
}
