import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// Turns what happened to runs, and what other rooms wish, into rows of what the forge should show.
struct ReportingWorker: Worker {
    let name = "reporting"
    /// A run's start is no news at the forge: its status has been "pending" since the run was accepted.
    let topics = [RunAccepted.type, RunFinished.type, ForgeDesired.type]
    let database: PostgresPool
    let pageURL: String
    let wake: WakeUp

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        var runIDs: Set<RunID> = []
        var finished: Set<RunID> = []
        var wishes: [ForgeDesired] = []
        for message in messages {
            switch message.envelope.type {
            case RunAccepted.type:
                runIDs.insert(try message.decode(RunAccepted.self, only: RunName.self).runID)
            case RunFinished.type:
                let runID = try message.decode(RunFinished.self, only: RunName.self).runID
                runIDs.insert(runID)
                finished.insert(runID)
            default: wishes.append(try message.decode(ForgeDesired.self))
            }
        }
        let runs = try await database.execute(ReportingStore.runs, runIDs.map(\.uuid)).map(ReportingStore.run)
        wishes += runs.compactMap(status)
        // The table of a pull request is made once for all of its runs in the batch, in one order everywhere so that
        // two batches never wait for each other.
        var pulls: [String: ReportedRun] = [:]
        for run in runs where finished.contains(run.runID) && run.kind == .presubmit && run.pulls.count == 1 {
            pulls["\(run.repository)#\(run.pulls[0].number)"] = run
        }
        let tables = pulls.sorted { $0.key < $1.key }
        return { [self, wishes = Self.latest(wishes)] effects in
            try await Self.store(wishes, effects.database)
            for (pull, run) in tables { try await storeTable(of: run, pull, effects.database) }
            effects.afterCommit { wake.signal() }
        }
    }

    /// Of several wishes with one key, the newest.
    private static func latest(_ wishes: [ForgeDesired]) -> [ForgeDesired] {
        struct Key: Hashable {
            let repository: RepositoryName
            let key: String
        }
        let byKey = Dictionary(wishes.map { (Key(repository: $0.repository, key: $0.key), $0) }) { first, second in
            second.subjectVersion > first.subjectVersion ? second : first
        }
        return Array(byKey.values)
    }

    private static func store(_ wishes: [ForgeDesired], _ database: Transaction) async throws {
        let withdrawn = wishes.filter(\.value.isWithdrawal)
        let desired = wishes.filter { !$0.value.isWithdrawal }
        if !withdrawn.isEmpty {
            try await database.execute(
                ReportingStore.withdraw, withdrawn.map(\.repository.org), withdrawn.map(\.repository.repo),
                withdrawn.map(\.key), withdrawn.map { JSON($0.value) }, withdrawn.map(\.subjectVersion))
        }
        if !desired.isEmpty {
            try await database.execute(
                ReportingStore.desire, desired.map(\.repository.org), desired.map(\.repository.repo),
                desired.map(\.key), desired.map(\.target), desired.map { JSON($0.value) },
                desired.map(\.subjectVersion))
        }
    }

    private func status(of run: ReportedRun) -> ForgeDesired? {
        guard let sha = run.statusSHA else { return nil }
        let context = run.context ?? run.job
        return ForgeDesired(
            repository: run.repository, target: "commit/\(sha)", key: "status/\(sha)/\(context)",
            value: .status(
                sha: sha, context: context, state: ReportingText.statusState(run.state),
                description: ReportingText.description(of: run), targetURL: page(of: run.runID)),
            version: run.version)
    }

    /// Reads the runs and stores their table under one lock: two workers that each saw one of two failures would
    /// otherwise store half a table last.
    private func storeTable(of run: ReportedRun, _ pull: String, _ database: Transaction) async throws {
        let (org, repo) = (run.repository.org, run.repository.repo)
        let number = run.pulls[0].number
        _ = try await database.execute(ReportingStore.lockTable, pull)
        let latest = try await database.execute(
            ReportingStore.latestOfPull, org, repo, number, run.pulls[0].sha
        ).map(ReportingStore.run)
        let template =
            try await database.execute(ReportingStore.reportTemplate, org, repo).first?.decode(String?.self) ?? nil
        let body = ReportingText.failureTable(
            latest, author: run.pulls[0].author, template: template.flatMap { try? ReportTemplate($0) }, page: page)
        let value = JSON(ForgeDesired.Value.comment(number: number, tag: ReportingText.failureTag, body: body))
        let key = "comment/\(number)/failures"
        if body == nil {
            try await database.execute(ReportingStore.withdrawTable, org, repo, key, value)
        } else {
            try await database.execute(ReportingStore.desireTable, org, repo, key, "pull/\(number)", value)
        }
    }

    private func page(of run: RunID) -> String { "\(pageURL)/runs/\(run)" }
}

/// What reporting reads of a run's events: the rest it reads of the run itself, as it is by then.
private struct RunName: Decodable {
    var runID: RunID
}

extension ForgeDesired.Value {
    /// Takes away what was shown, instead of showing something.
    fileprivate var isWithdrawal: Bool {
        if case .comment(_, _, nil) = self { true } else { false }
    }
}
