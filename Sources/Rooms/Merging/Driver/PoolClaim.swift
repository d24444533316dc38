import Fleet
import FoundationEssentials
import Postgres
import Signatures
import SlipwayModel

/// A branch that pull requests are merged into.
struct PoolName: Hashable, Sendable, CustomStringConvertible {
    var repository: RepositoryName
    var branch: String

    var org: String { repository.org }
    var repo: String { repository.repo }
    var description: String { "\(repository):\(branch)" }
}

/// A pool that this process works on, as long as its claim holds.
struct PoolClaim: Sendable {
    /// How long a claim lasts without renewal, and how often it is renewed, in seconds. A driver that died is followed
    /// after the first; the longest call to git or the forge is covered by the second.
    static let seconds = 15.0
    static let renewal = Duration.seconds(5)

    var pool: PoolName
    var poolID: UUID
    var claim: UUID
    /// Of the row; each stored step makes it one more.
    var version: Int64
    var train: MergeTrain?
    /// A look is owed.
    var isDirty: Bool
    /// Seconds since the last look; large where there was none.
    var age: Double
    /// The database's time of the claim.
    var time: Date

    init(_ row: Row, claim: UUID) throws {
        let (org, repo, branch, poolID, train, version, isDirty, age, time) = try row.decode(
            (String, String, String, UUID, JSON<MergeTrain>?, Int64, Bool, Double, Date).self)
        pool = PoolName(repository: RepositoryName(org: org, repo: repo), branch: branch)
        self.poolID = poolID
        self.claim = claim
        self.version = version
        self.train = train?.value
        self.isDirty = isDirty
        self.age = age
        self.time = time
    }

    /// The run's id for scheduling: the same for the same run of the same train, whoever asks again.
    func requestID(of run: Int) -> UUID { .named("merging/\(poolID.lowercased)/\(run)") }
}

/// Another driver has taken the pool over: whatever this one was about to store is the other's business now.
struct ClaimLost: Error {}

extension FleetBus {
    /// A transaction of a driver: locks the pool's row, and fails where the claim is another's.
    @discardableResult
    func commit<Result: Sendable>(
        holding claim: PoolClaim, _ body: @Sendable @escaping (Effects, Date) async throws -> Result
    ) async throws -> Result {
        try await commit { effects in
            let row = try await effects.database.execute(
                MergingStore.holdPool, claim.pool.org, claim.pool.repo, claim.pool.branch, claim.claim, claim.version
            ).first
            guard let row else { throw ClaimLost() }
            return try await body(effects, try row.decode(Date.self))
        }
    }
}
