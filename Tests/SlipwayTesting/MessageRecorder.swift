package import AMQP
package import Fleet
import FoundationEssentials
package import Postgres
import SlipwayModel
import Synchronization

/// Hears every event and signal in a test's name, in the broker's place.
package final class MessageRecorder: MessageSink {
    private let offered = Mutex<[OutgoingMessage]>([])
    private let taken = Mutex<Set<UUID>>([])

    /// A bus over a test's database whose messages are recorded.
    ///
    /// - Parameter own: types that a room says to itself, beside those of the house's model.
    package static func bus(
        over pool: PostgresPool, hearing own: [String] = []
    ) async throws -> (bus: FleetBus, recorder: MessageRecorder) {
        let recorder = MessageRecorder()
        let bus = FleetBus(database: pool, publisher: recorder, logger: quietLogger)
        try await bus.subscribe([Ear(own: own)])
        return (bus, recorder)
    }

    package func offer(_ messages: [OutgoingMessage]) { offered.withLock { $0 += messages } }

    /// What was offered since the last look, in order.
    package func take() throws -> [Message] {
        let messages = offered.withLock { offered in
            defer { offered = [] }
            return offered
        }
        let all = try messages.flatMap { try Message.all(in: $0.body) }
        taken.withLock { $0.formUnion(all.map(\.envelope.id)) }
        return all
    }

    /// What was stored and never offered, because its process died in between: the fleet's sweeper would find it.
    package func sweep(_ bus: FleetBus) async throws -> [Message] {
        let rows = try await bus.database.query(
            "delete from fleet.outbox where consumer = 'test' and due_at < now() + interval '1 minute' returning body")
        let all = try rows.flatMap { try Message.all(in: $0.decode([UInt8].self)) }
        return taken.withLock { taken in all.filter { taken.insert($0.envelope.id).inserted } }
    }

    private struct Ear: Worker {
        let name = "test"
        let own: [String]
        var topics: [String] { Self.common + own }
        private static let common = [
            DeliveryReceived.type, PullChanged.type, CommentWritten.type, PeopleChanged.type, BaseMoved.type,
            RepositoryNamed.type, StatusTold.type, RefPushed.type,
            CommandIssued.type, RunRequested.type,
            RunAccepted.type, RunRefused.type, RunCancel.type, RunStarted.type, RunFinished.type,
            PresubmitPassed.type, ResultsIngested.type, ForgeDesired.type,
        ]

        func plan(_ messages: [Message]) async throws -> CommitPlan { { _ in } }
    }
}
