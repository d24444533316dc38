import Fleet
import Forge
import FoundationEssentials
import Postgres
import SlipwayModel

/// Finds what the forge could not tell: at the start of a gateway, so after an outage, and then again and again.
struct Recovery: Sendable {
    private let database: PostgresPool
    private let deliveries: MissedDeliveries
    private let pulls: PullReconciliation

    init(bus: FleetBus, forge: ForgeClient, hookURL: String, limits: RecoveryLimits) {
        database = bus.database
        deliveries = MissedDeliveries(
            database: bus.database, forge: forge, hookURL: hookURL, limits: limits, logger: bus.logger)
        pulls = PullReconciliation(bus: bus, forge: forge, limits: limits)
    }

    /// One gateway does it at a time. Two looks at a pull request lie within two minutes, so that a missed change is
    /// made up for within five of coming back.
    var chores: [Chore] {
        [
            Chore(name: "missed-deliveries", every: .seconds(60), owner: .single) {
                let (repositories, now) = try await repositories()
                try await deliveries.round(repositories.map(\.name), now: now)
            },
            Chore(name: "pull-reconciliation", every: .seconds(60), owner: .single) {
                let (repositories, now) = try await repositories()
                try await pulls.round(repositories.filter(\.hasPresubmits).map(\.name), now: now)
            },
        ]
    }

    private func repositories() async throws -> ([(name: RepositoryName, hasPresubmits: Bool)], now: Date) {
        var now = Date()
        let repositories = try await database.execute(RecoveryStore.repositories).map { row in
            let (org, repo, hasPresubmits, time) = try row.decode((String, String, Bool, Date).self)
            now = time
            return (RepositoryName(org: org, repo: repo), hasPresubmits)
        }
        return (repositories, now)
    }
}
