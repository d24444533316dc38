import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// A pool as pages show it.
struct ShownPool: Sendable {
    var pool: PoolName
    var id: UUID
    var train: MergeTrain?
    var facts: PoolFacts?
    var problem: String?
    var members: [ShownMember] = []
    /// By trial.
    var runs: [Int: [ShownRun]] = [:]
    /// Newest first.
    var landed: [(number: Int, commit: String, at: Date)] = []
    /// Seconds that a trial takes.
    var pace: Double?

    /// Why nothing goes on.
    var trouble: String? { problem ?? train?.landingTrouble.map(MergingText.landingTrouble) }
}

struct ShownMember: Sendable {
    var number: Int
    var head: String
    var title: String
    var author: String
    var isEligible: Bool
    var since: Date?
    var method: MergeMethod?
    var obstacles: [MergeObstacle]
    var state: String
    var text: String
    var ejection: String?
}

struct ShownRun: Sendable {
    var run: Int
    var job: String
    var verdict: String?
    var runID: UUID?
    var state: RunState?
}

struct ShownAction: Sendable {
    var pool: PoolName
    var at: Date
    var action: String
    var base: String
    var targets: [Pull]
    var reason: String
    var error: String
}

/// Reads what the pages show.
struct MergingReader: Sendable {
    let database: PostgresPool

    func pulse() async throws -> String {
        try await database.execute(MergingStore.pulse).one().decode(String.self)
    }

    /// - Parameter repository: nil for all.
    func pools(_ repository: RepositoryName?, limit: Int) async throws -> [ShownPool] {
        var pools = try await database.execute(
            MergingStore.shownPools, repository?.org, repository?.repo, limit
        ).map { row in
            let (org, repo, branch, id, train, facts, problem, _) = try row.decode(
                (String, String, String, UUID, JSON<MergeTrain>?, JSON<JSONValue>, String?, Date).self)
            return ShownPool(
                pool: PoolName(repository: RepositoryName(org: org, repo: repo), branch: branch), id: id,
                train: train?.value, facts: try? Self.facts(facts.value), problem: problem)
        }
        guard !pools.isEmpty else { return [] }
        let index = Dictionary(uniqueKeysWithValues: pools.enumerated().map { ($1.pool, $0) })
        let byID = Dictionary(uniqueKeysWithValues: pools.enumerated().map { ($1.id, $0) })
        let (orgs, repos, branches) = (pools.map(\.pool.org), pools.map(\.pool.repo), pools.map(\.pool.branch))
        for row in try await database.execute(MergingStore.shownMembers, orgs, repos, branches) {
            let (pool, member) = try Self.member(row)
            if let place = index[pool] { pools[place].members.append(member) }
        }
        let trials = pools.flatMap { $0.train?.trials ?? [] }.map(\.id)
        for row in try await database.execute(MergingStore.shownRuns, pools.map(\.id), trials) {
            let (id, trial, run, job, verdict, runID, state) = try row.decode(
                (UUID, Int, Int, String, String?, UUID?, RunState?).self)
            guard let place = byID[id] else { continue }
            pools[place].runs[trial, default: []].append(
                ShownRun(run: run, job: job, verdict: verdict, runID: runID, state: state))
        }
        for row in try await database.execute(MergingStore.recentLandings, orgs, repos, branches) {
            let (org, repo, branch, number, commit, at) = try row.decode(
                (String, String, String, Int, String, Date).self)
            let pool = PoolName(repository: RepositoryName(org: org, repo: repo), branch: branch)
            if let place = index[pool] { pools[place].landed.append((number, commit, at)) }
        }
        for row in try await database.execute(MergingStore.pace, pools.map(\.id)) {
            let (id, seconds) = try row.decode((UUID, Double?).self)
            if let place = byID[id] { pools[place].pace = seconds }
        }
        return pools
    }

    func history(_ repository: RepositoryName?, limit: Int) async throws -> [ShownAction] {
        try await database.execute(MergingStore.shownHistory, repository?.org, repository?.repo, limit).map(Self.action)
    }

    func history(of repository: RepositoryName, _ number: Int) async throws -> [ShownAction] {
        try await database.execute(MergingStore.memberHistory, repository.org, repository.repo, number).map(Self.action)
    }

    /// A pull request with its pool's train; nil where no pool knows it.
    func member(_ repository: RepositoryName, _ number: Int) async throws -> (ShownPool, ShownMember, link: String?)? {
        guard
            let row = try await database.execute(
                MergingStore.shownMember, repository.org, repository.repo, number
            ).first
        else { return nil }
        let (pool, member) = try Self.member(row)
        let id = try row.get("pool_id", as: UUID?.self)
        let train = try row.get("train", as: JSON<MergeTrain>?.self)
        var shown = ShownPool(
            pool: pool, id: id ?? UUID(), train: train?.value, problem: try row.get("problem", as: String?.self))
        for row in try await database.execute(MergingStore.pace, [shown.id]) {
            shown.pace = try row.decode((UUID, Double?).self).1
        }
        return (shown, member, try row.get("link", as: String?.self))
    }

    private static func member(_ row: Row) throws -> (PoolName, ShownMember) {
        let pool = PoolName(
            repository: RepositoryName(org: try row.get("org"), repo: try row.get("repo")),
            branch: try row.get("branch"))
        let method: String? = try row.get("method")
        let obstacles: JSON<[MergeObstacle]> = try row.get("obstacles")
        return (
            pool,
            ShownMember(
                number: try row.get("number"), head: try row.get("head_sha"), title: try row.get("title"),
                author: try row.get("author"), isEligible: try row.get("is_eligible"),
                since: try row.get("eligible_since"), method: method.flatMap(MergeMethod.init),
                obstacles: obstacles.value, state: try row.get("status_state"), text: try row.get("status_text"),
                ejection: try row.get("ejection"))
        )
    }

    private static func action(_ row: Row) throws -> ShownAction {
        let (org, repo, branch, at, action, base, targets, reason, error) = try row.decode(
            (String, String, String, Date, String, String, JSON<[Pull]>, String, String).self)
        return ShownAction(
            pool: PoolName(repository: RepositoryName(org: org, repo: repo), branch: branch), at: at, action: action,
            base: base, targets: targets.value, reason: reason, error: error)
    }

    /// Empty until the first look.
    private static func facts(_ value: JSONValue) throws -> PoolFacts {
        try JSONDecoder().decode(PoolFacts.self, from: JSONEncoder().encode(value))
    }
}
