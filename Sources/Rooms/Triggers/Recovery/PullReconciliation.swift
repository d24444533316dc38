import Fleet
import Forge
import FoundationEssentials
import Logging
import Postgres
import SlipwayModel
import Synchronization

/// Compares the forge's pull requests with those known, and announces what no delivery told of. Costs one call without
/// rate a repository where nothing happened.
final class PullReconciliation: Sendable {
    private struct Suspicion: Hashable {
        var repository: RepositoryName
        var number: Int
        var headSHA: String
        var difference: PullDifference
    }

    private let bus: FleetBus
    private let forge: ForgeClient
    private let limits: RecoveryLimits
    /// When each difference was first seen.
    private let suspicions = Mutex<[Suspicion: Date]>([:])

    init(bus: FleetBus, forge: ForgeClient, limits: RecoveryLimits) {
        self.bus = bus
        self.forge = forge
        self.limits = limits
    }

    /// One look at the pull requests of every repository.
    ///
    /// - Parameter mayAnnounce: False while deliveries are on their way that may tell what is found.
    func round(
        _ repositories: [RepositoryName], now: Date, mayAnnounce: Bool, _ failures: RecoveryFailure.Collector
    ) async throws {
        let names = repositories.map { "pulls/\($0)" }
        let states = try await WatchedSource.load(names, of: names, prefix: "pulls/", bus.database)
        let seen = Mutex<Set<Suspicion>>([])
        try await concurrently(repositories) { [self] repository in
            guard let state = states["pulls/\(repository)"] else { return }
            do {
                let found = try await check(repository, state, now, mayAnnounce: mayAnnounce)
                seen.withLock { $0.formUnion(found) }
            } catch let error as ForgeError {
                failures.note("pulls/\(repository)", error)
            }
        }
        let left = seen.withLock { $0 }
        suspicions.withLock { suspicions in suspicions = suspicions.filter { left.contains($0.key) } }
    }

    /// - Returns: the differences found.
    private func check(
        _ repository: RepositoryName, _ state: WatchedSource, _ now: Date, mayAnnounce: Bool
    ) async throws -> Set<Suspicion> {
        let start = state.checkedUntil.addingTimeInterval(-MissedDeliveries.overlap)
        guard let found = try await forge.changedPulls(repository, since: start, unless: state.etag) else { return [] }
        let known = try await known(found.pulls, repository)
        var seen: Set<Suspicion> = []
        var missed: [PullChanged] = []
        for pull in found.pulls {
            guard let difference = PullDifference(known[pull.number], pull) else { continue }
            let suspicion = Suspicion(
                repository: repository, number: pull.number, headSHA: pull.head.sha, difference: difference)
            seen.insert(suspicion)
            guard isConfirmed(suspicion, now), mayAnnounce else { continue }
            let isToldAlready = try await bus.database.execute(
                RecoveryStore.hasDelivery, repository.org, repository.repo, pull.number, difference.action,
                pull.head.sha
            ).one().decode(Bool.self)
            if !isToldAlready { missed.append(difference.event(pull, in: repository)) }
        }
        if seen.isEmpty {
            try await bus.database.execute(RecoveryStore.advance, "pulls/\(repository)", now, found.etag)
        } else if !missed.isEmpty {
            try await bus.commit { [missed] effects in
                for event in missed { effects.emit(event) }
            }
            bus.logger.notice(
                "\(missed.count) changes of pull requests of \(repository) were never delivered; they are made up for")
        }
        return seen
    }

    private func isConfirmed(_ suspicion: Suspicion, _ now: Date) -> Bool {
        suspicions.withLock { suspicions in
            guard let first = suspicions[suspicion] else {
                suspicions[suspicion] = now
                return false
            }
            return now.timeIntervalSince(first) >= Double(limits.confirmation.components.seconds)
        }
    }

    private func known(_ pulls: [PullRequest], _ repository: RepositoryName) async throws -> [Int: PullDifference.Known]
    {
        var known: [Int: PullDifference.Known] = [:]
        let rows = try await bus.database.execute(
            RecoveryStore.knownPulls, repository.org, repository.repo, pulls.map(\.number))
        for row in rows {
            let (number, headSHA, baseRef, isOpen, isDraft, labels) = try row.decode(
                (Int, String, String, Bool, Bool, [String]).self)
            known[number] = PullDifference.Known(
                headSHA: headSHA, baseRef: baseRef, isOpen: isOpen, isDraft: isDraft, labels: labels)
        }
        return known
    }
}
