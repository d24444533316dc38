package import FoundationEssentials
import Postgres
import SlipwayModel

/// Messages that were given up: to be read, replayed once the cause is mended, or discarded.
package struct DeadLetters: Sendable {
    private let bus: FleetBus

    package init(_ bus: FleetBus) { self.bus = bus }

    /// Newest first.
    package func list(limit: Int = 100) async throws -> [DeadLetter] {
        try await bus.database.execute(FleetStore.listDeadLetters, limit).map { row in
            let (id, consumer, messageID, type, subject, reason, attempts, diedAt) = try row.decode(
                (Int64, String, UUID, String, String, String, Int, Date).self)
            return DeadLetter(
                id: id, consumer: consumer, messageID: messageID, type: type, subject: subject, reason: reason,
                attempts: attempts, diedAt: diedAt)
        }
    }

    /// The letter and the JSON it carried; nil where there is none of that id.
    package func show(_ id: Int64) async throws -> (letter: DeadLetter, body: [UInt8])? {
        guard let row = try await bus.database.execute(FleetStore.showDeadLetter, id).first else { return nil }
        let (id, consumer, messageID, type, subject, reason, attempts, diedAt, body) = try row.decode(
            (Int64, String, UUID, String, String, String, Int, Date, [UInt8]).self)
        let letter = DeadLetter(
            id: id, consumer: consumer, messageID: messageID, type: type, subject: subject, reason: reason,
            attempts: attempts, diedAt: diedAt)
        return (letter, body)
    }

    /// Sends the message to its consumer again, with a fresh count of tries; false where there is none of that id.
    package func replay(_ id: Int64) async throws -> Bool {
        try await bus.database.execute(FleetStore.replayDeadLetter, id).affected == 1
    }

    /// Deletes the letter; false where there is none of that id.
    package func discard(_ id: Int64) async throws -> Bool {
        try await bus.database.execute(FleetStore.discardDeadLetter, id).affected == 1
    }
}

/// A message that was given up.
package struct DeadLetter: Sendable, Codable {
    package var id: Int64
    package var consumer: String
    package var messageID: UUID
    package var type: String
    package var subject: String
    package var reason: String
    package var attempts: Int
    package var diedAt: Date

    enum CodingKeys: String, CodingKey {
        case id, consumer, type, subject, reason, attempts
        case messageID = "message_id"
        case diedAt = "died_at"
    }
}
