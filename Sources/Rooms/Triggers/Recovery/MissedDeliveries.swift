import Forge
import FoundationEssentials
import Logging
import Postgres
import SlipwayModel
import Synchronization

/// Asks the forge which deliveries never arrived, and to make them again. What comes twice is stored once.
final class MissedDeliveries: Sendable {
    /// GitHub keeps deliveries for three days.
    private static let memory: TimeInterval = 3 * 86_400
    /// Looked back beyond what was checked: deliveries are listed a little late, and clocks differ.
    static let overlap: TimeInterval = 600

    private let database: PostgresPool
    private let forge: ForgeClient
    private let hookURL: String
    private let limits: RecoveryLimits
    private let logger: Logger
    /// How many repositories' hooks could not be read, when it was said last.
    private let unreadable = Mutex(0)

    /// - Parameter hookURL: The address that the forge's hooks lead to.
    init(database: PostgresPool, forge: ForgeClient, hookURL: String, limits: RecoveryLimits, logger: Logger) {
        self.database = database
        self.forge = forge
        self.hookURL = hookURL
        self.limits = limits
        self.logger = logger
    }

    private struct Source: Sendable {
        var name: String
        var owner: ForgeClient.HookOwner
    }

    /// One look at every hook that leads here.
    ///
    /// - Returns: whether any delivery was asked for, and so is on its way now.
    func round(
        _ repositories: [RepositoryName], now: Date, _ failures: RecoveryFailure.Collector
    ) async throws -> Bool {
        let hasAsked = Atomic(false)
        let sources = try await sources(repositories, failures)
        let kept = ["deliveries"] + repositories.flatMap { ["deliveries/\($0.org)", "deliveries/\($0)"] }
        let states = try await WatchedSource.load(sources.map(\.name), of: kept, prefix: "deliveries", database)
        try await concurrently(sources) { [self] source in
            guard let state = states[source.name] else { return }
            do {
                if try await check(source, state, now) { hasAsked.store(true, ordering: .relaxed) }
            } catch let error as ForgeError {
                failures.note(source.name, error)
            }
        }
        return hasAsked.load(ordering: .relaxed)
    }

    /// The App's hook, or those of organisations and repositories that lead to this gateway.
    private func sources(
        _ repositories: [RepositoryName], _ failures: RecoveryFailure.Collector
    ) async throws -> [Source] {
        if forge.isApp { return [Source(name: "deliveries", owner: .app)] }
        let found = Mutex<[Source]>([])
        let hidden = Mutex<[RepositoryName]>([])
        try await concurrently(Set(repositories.map(\.org)).sorted()) { [self] org in
            // Reading an organisation's hooks takes a right of its own, which a repository's bot rarely has.
            guard let hook = try? await forge.hooks(of: org).first(where: leadsHere) else { return }
            found.withLock {
                $0.append(Source(name: "deliveries/\(org)", owner: .organization(org, hook: hook.id)))
            }
        }
        try await concurrently(repositories) { [self] repository in
            do {
                guard let hook = try await forge.hooks(repository).first(where: leadsHere) else { return }
                found.withLock {
                    $0.append(
                        Source(name: "deliveries/\(repository)", owner: .repository(repository, hook: hook.id)))
                }
            } catch let error as ForgeError where error.isNotFound || error.status == 403 {
                hidden.withLock { $0.append(repository) }
            } catch let error as ForgeError {
                failures.note("deliveries/\(repository)", error)
            }
        }
        tellHidden(hidden.withLock { $0 })
        return found.withLock { $0 }
    }

    private func tellHidden(_ repositories: [RepositoryName]) {
        let before = unreadable.withLock { count in
            defer { count = repositories.count }
            return count
        }
        guard let first = repositories.first, before != repositories.count else { return }
        logger.warning(
            """
            the hooks of \(repositories.count) repositories cannot be read, \(first) among them: give the forge's token the \
            right admin:repo_hook, or be a GitHub App; until then only their pull requests are made up for
            """)
    }

    private func leadsHere(_ hook: Hook) -> Bool {
        guard hook.isActive, let url = hook.config.url else { return false }
        return url.lowercased() == hookURL.lowercased()
    }

    /// - Returns: whether a delivery was asked for.
    private func check(_ source: Source, _ state: WatchedSource, _ now: Date) async throws -> Bool {
        let start = max(
            state.checkedUntil.addingTimeInterval(-Self.overlap), now.addingTimeInterval(-Self.memory))
        guard let found = try await forge.deliveries(of: source.owner, since: start, unless: state.etag) else {
            return false
        }
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
        guard plan.isSettled else { return !plan.repeated.isEmpty }
        if !plan.givenUp.isEmpty {
            logger.warning(
                "\(plan.givenUp.count) deliveries of \(source.name) are given up after many attempts; the first is \(plan.givenUp[0])"
            )
        }
        try await database.execute(RecoveryStore.advance, source.name, now, found.etag)
        return false
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
    final class Collector: Sendable {
        private let content = Mutex<(count: Int, first: (source: String, error: ForgeError)?)>((0, nil))

        func note(_ source: String, _ error: ForgeError) {
            content.withLock { content in
                content.count += 1
                if content.first == nil || source < content.first?.source ?? "" { content.first = (source, error) }
            }
        }

        func raise() throws {
            let (count, first) = content.withLock { $0 }
            guard let first else { return }
            throw RecoveryFailure(
                description: "\(count) sources could not be asked for what was missed; \(first.source): \(first.error)")
        }
    }
}

/// Asks the forge about many things, some at a time: a round over a thousand repositories takes seconds.
func concurrently<Element: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Void
) async throws {
    let limit = 8
    try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, element) in elements.enumerated() {
            if index >= limit { try await group.next() }
            group.addTask { try await body(element) }
        }
        try await group.waitForAll()
    }
}
