import Fleet
import Postgres
import SlipwayModel
import Synchronization

/// Stores deliveries with the events they mean. Deliveries that arrive while a transaction is under way share the next
/// one, so that a burst costs few commits and a single delivery waits for nobody.
final class DeliveryIntake: Sendable {
    enum Outcome: Sendable { case stored, repeated }

    private struct Waiting {
        let delivery: StoredDelivery
        let continuation: CheckedContinuation<Outcome, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isBusy = false
    }

    private static let batchSize = 100
    private let bus: FleetBus
    private let state = Mutex(State())

    init(_ bus: FleetBus) { self.bus = bus }

    /// Returns once the delivery has committed.
    func store(_ delivery: StoredDelivery) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(Waiting(delivery: delivery, continuation: continuation))
                defer { state.isBusy = true }
                return !state.isBusy
            }
            // Not a child of the caller: whoever goes away must not take the others' deliveries along.
            if isFirst { Task { await drain() } }
        }
    }

    private func drain() async {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.batchSize))
                state.waiting.removeFirst(batch.count)
                if batch.isEmpty { state.isBusy = false }
                return batch
            }
            guard !batch.isEmpty else { return }
            await commit(batch)
        }
    }

    private func commit(_ batch: [Waiting]) async {
        let deliveries = batch.map(\.delivery)
        do {
            let stored = try await bus.commit { effects in
                let rows = try await effects.database.execute(
                    TriggersStore.insertDeliveries, deliveries.map(\.id), deliveries.map(\.event),
                    deliveries.map(\.action), deliveries.map { $0.repository?.org },
                    deliveries.map { $0.repository?.repo }, deliveries.map(\.sender), deliveries.map(\.payload))
                var stored: Set<String> = []
                for row in rows { stored.insert(try row.decode(String.self)) }
                var announced: Set<String> = []
                for delivery in deliveries where stored.contains(delivery.id) && announced.insert(delivery.id).inserted
                {
                    try Self.announce(delivery, effects)
                }
                return stored
            }
            var first: Set<String> = []
            for entry in batch {
                let isNew = stored.contains(entry.delivery.id) && first.insert(entry.delivery.id).inserted
                entry.continuation.resume(returning: isNew ? .stored : .repeated)
            }
        } catch {
            guard batch.count > 1 else {
                batch[0].continuation.resume(throwing: error)
                return
            }
            // One delivery that PostgreSQL refuses must not fail its neighbours.
            for entry in batch { await commit([entry]) }
        }
    }

    private static func announce(_ delivery: StoredDelivery, _ effects: Effects) throws {
        try effects.emit(
            DeliveryReceived(
                deliveryID: delivery.id, event: delivery.event, action: delivery.action,
                repository: delivery.repository))
        if let pull = delivery.meaning.pull { try effects.emit(pull) }
        if let push = delivery.meaning.push { try effects.emit(push.bounded) }
        if let command = delivery.meaning.command { try effects.emit(command) }
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
