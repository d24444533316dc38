import Fleet
import Postgres
import SlipwayModel

/// Stores deliveries with the events they mean. Deliveries that arrive while a transaction is under way share the next
/// one, so that a burst costs few commits and a single delivery waits for nobody.
struct DeliveryIntake: Sendable {
    enum Outcome: Sendable { case stored, repeated }

    private let commits: GroupCommit<StoredDelivery, Outcome>

    init(_ bus: FleetBus) {
        commits = GroupCommit(limit: 100) { try await Self.commit($0, bus) }
    }

    /// Returns once the delivery has committed.
    func store(_ delivery: StoredDelivery) async throws -> Outcome { try await commits.submit(delivery) }

    private static func commit(_ deliveries: [StoredDelivery], _ bus: FleetBus) async throws -> [Outcome] {
        try await bus.commit { effects in
            let rows = try await effects.database.execute(
                TriggersStore.insertDeliveries, deliveries.map(\.id), deliveries.map(\.event),
                deliveries.map(\.action), deliveries.map { $0.repository?.org },
                deliveries.map { $0.repository?.repo }, deliveries.map(\.sender), deliveries.map(\.payload),
                deliveries.map { JSON($0.headers) })
            var fresh: Set<String> = []
            for row in rows { fresh.insert(try row.decode(String.self)) }
            try await announceBases(deliveries.filter { fresh.contains($0.id) }, effects)
            return deliveries.map { delivery in
                // Of two with one id in a batch the first is the new one.
                guard fresh.remove(delivery.id) != nil else { return .repeated }
                announce(delivery, effects)
                return .stored
            }
        }
    }

    /// Tells of pushes to branches that pull requests are merged into: whoever cares has not to hear of every push.
    private static func announceBases(_ deliveries: [StoredDelivery], _ effects: Effects) async throws {
        let pushes = deliveries.compactMap(\.meaning.push).filter { !$0.isTag }
        guard !pushes.isEmpty else { return }
        let rows = try await effects.database.execute(
            TriggersStore.movedBases, pushes.map(\.repository.org), pushes.map(\.repository.repo),
            pushes.map(\.ref), pushes.map(\.after), pushes.map(\.deliveryID))
        for row in rows {
            let (org, repo, ref, sha, delivery) = try row.decode((String, String, String, String, String).self)
            effects.emit(
                BaseMoved(
                    repository: RepositoryName(org: org, repo: repo), branch: ref, sha: sha, deliveryID: delivery))
        }
    }

    private static func announce(_ delivery: StoredDelivery, _ effects: Effects) {
        effects.emit(
            DeliveryReceived(
                deliveryID: delivery.id, event: delivery.event, action: delivery.action,
                repository: delivery.repository))
        if let pull = delivery.meaning.pull { effects.emit(pull) }
        if let push = delivery.meaning.push { effects.emit(push.bounded) }
        if let comment = delivery.meaning.comment { effects.emit(comment) }
        if let people = delivery.meaning.people { effects.emit(people) }
        if let naming = delivery.meaning.naming { effects.emit(naming) }
        if let status = delivery.meaning.status { effects.emit(status) }
    }
}

extension RefPushed {
    /// A message stays below 64 KB: a push that names more files than fit is as good as one that changed "everything",
    /// so the list is cut at a length that still decides change rules sensibly.
    var bounded: RefPushed {
        var copy = self
        var bytes = 0
        copy.changedFiles = Array(
            changedFiles.prefix {
                bytes += $0.utf8.count + 4
                return bytes < 48_000
            })
        return copy
    }
}
