import Forge
import FoundationEssentials
import Logging
import Postgres
import SlipwayModel

/// Asks the forge which deliveries never arrived, and to make them again. What comes twice is stored once.
struct MissedDeliveries: Sendable {
    /// GitHub keeps deliveries for three days.
    private static let memory: TimeInterval = 3 * 86_400
    /// Looked back beyond what was checked: deliveries are listed a little late, and clocks differ.
    static let overlap: TimeInterval = 600

    let database: PostgresPool
    let forge: ForgeClient
    /// The address that the forge's hooks lead to.
    let hookURL: String
    let limits: RecoveryLimits
    let logger: Logger

    private struct Source: Sendable {
        var name: String
        var owner: ForgeClient.HookOwner
    }

    /// One look at every hook that leads here.
    ///
    /// - Throws: `RecoveryFailure` at last, when every source that can be asked was.
    func round(_ repositories: [RepositoryName], now: Date) async throws {
        var failures = RecoveryFailure.Collector()
        let sources = try await sources(repositories, &failures)
        let kept = ["deliveries"] + repositories.flatMap { ["deliveries/\($0.org)", "deliveries/\($0)"] }
        let states = try await WatchedSource.load(sources.map(\.name), of: kept, prefix: "deliveries", database)
        for source in sources {
            guard let state = states[source.name] else { continue }
            do {
                try await check(source, state, now)
            } catch let error as ForgeError {
                failures.note(source.name, error)
            }
        }
        try failures.raise()
    }

    /// The App's hook, or those of organisations and repositories that lead to this gateway.
    private func sources(
        _ repositories: [RepositoryName], _ failures: inout RecoveryFailure.Collector
    ) async throws -> [Source] {
        if forge.isApp { return [Source(name: "deliveries", owner: .app)] }
        var sources: [Source] = []
        for org in Set(repositories.map(\.org)).sorted() {
            // Reading an organisation's hooks takes a right of its own, which a repository's bot rarely has.
            guard let hooks = try? await forge.hooks(of: org), let hook = hooks.first(where: leadsHere) else {
                continue
            }
            sources.append(Source(name: "deliveries/\(org)", owner: .organization(org, hook: hook.id)))
        }
        for repository in repositories {
            do {
                guard let hook = try await forge.hooks(repository).first(where: leadsHere) else { continue }
                sources.append(
                    Source(name: "deliveries/\(repository)", owner: .repository(repository, hook: hook.id)))
            } catch {
                failures.note("deliveries/\(repository)", error)
            }
        }
        return sources
    }

    private func leadsHere(_ hook: Hook) -> Bool { hook.isActive && hook.config.url == hookURL }

    private func check(_ source: Source, _ state: WatchedSource, _ now: Date) async throws {
        let start = max(
            state.checkedUntil.addingTimeInterval(-Self.overlap), now.addingTimeInterval(-Self.memory))
        guard let found = try await forge.deliveries(of: source.owner, since: start, unless: state.etag) else { return }
        let guids = Set(found.deliveries.map(\.guid)).sorted()
        let stored = try await database.execute(RecoveryStore.storedDeliveries, guids).map {
            try $0.decode(String.self)
        }
        let plan = RedeliveryPlan(
            found.deliveries, stored: Set(stored), now: now, firstPause: limits.firstPause)
        for delivery in plan.repeated { try await forge.redeliver(delivery, of: source.owner) }
        if !plan.repeated.isEmpty {
            logger.notice(
                "\(plan.repeated.count) deliveries of \(source.name) never arrived; the forge makes them again")
        }
        guard plan.isSettled else { return }
        if !plan.givenUp.isEmpty {
            logger.warning(
                "\(plan.givenUp.count) deliveries of \(source.name) are given up after many attempts; the first is \(plan.givenUp[0])"
            )
        }
        try await database.execute(RecoveryStore.advance, source.name, now, found.etag)
    }
}

/// A source that the forge is asked about again and again.
struct WatchedSource: Sendable {
    /// All that happened before is known.
    var checkedUntil: Date
    /// The version of the last answer, where nothing of it was left to do.
    var etag: String?

    /// Those watched before; the others of `names` are watched from now on.
    ///
    /// - Parameter all: Every source that might be named; whatever else begins with `prefix` is watched no more.
    static func load(
        _ names: [String], of all: [String], prefix: String, _ database: PostgresPool
    ) async throws -> [String: WatchedSource] {
        var states: [String: WatchedSource] = [:]
        for row in try await database.execute(RecoveryStore.sources, names) {
            let (source, checkedUntil, etag) = try row.decode((String, Date, String?).self)
            states[source] = WatchedSource(checkedUntil: checkedUntil, etag: etag)
        }
        if states.count < names.count { try await database.execute(RecoveryStore.watch, names) }
        try await database.execute(RecoveryStore.forget, prefix, all)
        return states
    }
}

/// Sources that could not be asked; those that could were.
struct RecoveryFailure: Error, CustomStringConvertible {
    let description: String

    /// Gathers failures while the others go on.
    struct Collector {
        private var count = 0
        private var first: (source: String, error: ForgeError)?

        mutating func note(_ source: String, _ error: ForgeError) {
            count += 1
            if first == nil { first = (source, error) }
        }

        func raise() throws {
            guard let first else { return }
            throw RecoveryFailure(
                description: "\(count) sources could not be asked for what was missed; \(first.source): \(first.error)")
        }
    }
}
