import Fleet
import Forge
import FoundationEssentials
import Postgres
import SlipwayModel
import Synchronization

/// Finds what the forge could not tell: at the start of a gateway, so after an outage, and then every minute.
final class Recovery: Sendable {
    private let database: PostgresPool
    private let deliveries: MissedDeliveries
    private let pulls: PullReconciliation
    private let limits: RecoveryLimits
    /// When deliveries were asked for last.
    private let lastAsked = Mutex<Date>(.distantPast)

    init(bus: FleetBus, forge: ForgeClient, hookURL: String, limits: RecoveryLimits) {
        database = bus.database
        self.limits = limits
        deliveries = MissedDeliveries(
            database: bus.database, forge: forge, hookURL: hookURL, limits: limits, logger: bus.logger)
        pulls = PullReconciliation(bus: bus, forge: forge, limits: limits)
    }

    /// One gateway does it at a time. What is missed is made up for within three looks, so within five minutes of
    /// coming back.
    var chore: Chore {
        Chore(name: "missed-deliveries", every: .seconds(60), owner: .single) { [self] in try await round() }
    }

    /// First the deliveries, then what they did not tell: a delivery that is on its way makes a difference of a pull
    /// request no event that was missed.
    ///
    /// - Throws: `RecoveryFailure` at last, when every source that can be asked was.
    private func round() async throws {
        let (repositories, now) = try await repositories()
        let failures = RecoveryFailure.Collector()
        let hasAsked = try await deliveries.round(repositories.map(\.name), now: now, failures)
        let pause = lastAsked.withLock { last in
            if hasAsked { last = now }
            return now.timeIntervalSince(last)
        }
        let isQuiet = !hasAsked && pause >= Double(limits.confirmation.components.seconds)
        try await pulls.round(
            repositories.filter(\.hasPresubmits).map(\.name), now: now, mayAnnounce: isQuiet, failures)
        try failures.raise()
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
