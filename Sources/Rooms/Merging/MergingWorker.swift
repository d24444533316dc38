import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// Hears what may concern a pool, and has it looked at. It decides nothing: the driver reads what is true then.
struct MergingWorker: Worker {
    let name = "merging"
    let topics = [
        PullChanged.type, BaseMoved.type, StatusTold.type, RunRefused.type, PresubmitPassed.type, CommandIssued.type,
        Self.configurationApplied,
    ]
    let database: PostgresPool
    let configuration: MergingConfiguration
    /// Of the merger's own status.
    let statusContext: String
    let wake: WakeUp

    /// Scheduling's word for another version of the configuration; nothing of its payload is read.
    private static let configurationApplied = "config.applied"
    /// Commands that ask for another try.
    private static let retries: Set<String> = ["retest", "test"]

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        let tide = try await configuration.current(database).tide
        var changed: Set<PoolName> = []
        var known: Set<PoolName> = []
        var told: Set<CommitName> = []
        var retried: Set<PullName> = []
        var refused: [UUID: String] = [:]
        var isConfigured = false
        for message in messages {
            switch message.envelope.type {
            case PullChanged.type:
                let pull = try message.decode(PullChanged.self)
                guard let tide, !tide.queries(of: pull.repository).isEmpty else { continue }
                changed.insert(PoolName(repository: pull.repository, branch: pull.baseRef))
                if let previous = pull.previousBaseRef {
                    changed.insert(PoolName(repository: pull.repository, branch: previous))
                }
            case BaseMoved.type:
                let base = try message.decode(BaseMoved.self)
                known.insert(PoolName(repository: base.repository, branch: base.branch))
            case StatusTold.type:
                let status = try message.decode(StatusTold.self)
                // Merging's own word is no news to it.
                guard status.context != statusContext else { continue }
                told.insert(CommitName(repository: status.repository, sha: status.sha))
            case RunRefused.type:
                let refusal = try message.decode(RunRefused.self)
                refused[refusal.requestID] = refusal.reason
            case PresubmitPassed.type:
                let passed = try message.decode(PresubmitPassed.self)
                known.insert(PoolName(repository: passed.repository, branch: passed.branch))
            case CommandIssued.type:
                let issued = try message.decode(CommandIssued.self)
                if issued.commands.contains(where: { Self.retries.contains($0.name) }) {
                    retried.insert(PullName(repository: issued.repository, number: issued.number))
                }
            default: isConfigured = true
            }
        }
        return { [wake, changed, known, told, retried, refused, isConfigured] effects in
            let database = effects.database
            if !changed.isEmpty { try await database.wake(Array(changed), MergingStore.wakePools) }
            var known = Array(known)
            if !told.isEmpty {
                let commits = Array(told)
                known += try await database.execute(
                    MergingStore.forgetContexts, commits.map(\.repository.org), commits.map(\.repository.repo),
                    commits.map(\.sha)
                ).map(PoolName.init)
            }
            if !refused.isEmpty {
                known += try await database.execute(
                    MergingStore.refuseRuns, Array(refused.keys), Array(refused.values)
                ).map(PoolName.init)
            }
            if !retried.isEmpty {
                let pulls = Array(retried)
                known += try await database.execute(
                    MergingStore.readmit, pulls.map(\.repository.org), pulls.map(\.repository.repo), pulls.map(\.number)
                ).map(PoolName.init)
            }
            if !known.isEmpty { try await database.wake(known, MergingStore.wakeKnownPools) }
            if isConfigured { try await database.execute(MergingStore.wakeAll) }
            effects.afterCommit { wake.signal() }
        }
    }
}

private struct PullName: Hashable, Sendable {
    var repository: RepositoryName
    var number: Int
}

private struct CommitName: Hashable, Sendable {
    var repository: RepositoryName
    var sha: String
}

extension PoolName {
    fileprivate init(_ row: Row) throws {
        let (org, repo, branch) = try row.decode((String, String, String).self)
        self.init(repository: RepositoryName(org: org, repo: repo), branch: branch)
    }
}

extension Transaction {
    fileprivate func wake(_ pools: [PoolName], _ statement: Statement) async throws {
        try await execute(statement, pools.map(\.org), pools.map(\.repo), pools.map(\.branch))
    }
}
