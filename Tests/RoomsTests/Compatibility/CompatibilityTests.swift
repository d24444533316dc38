import Fleet
import Foundation
import Postgres
import RoomKit
import SlipwayModel
import SlipwayTesting
import Testing

/// Two versions run side by side while one replaces the other: the older one's statements meet the newer one's schema,
/// and its messages the newer one's workers.
@Suite("The previous version beside this one")
struct CompatibilityTests {
    @Test("the schema takes the previous version's statements")
    func statements() async throws {
        let previous = try PreviousVersion.read()
        let rooms = try await houseRooms()
        #expect(previous.statements.count > 100)
        try await withDatabase(migrations: houseMigrations(rooms)) { pool in
            for (name, sql) in previous.statements {
                if let refusal = await pool.refusal(of: sql) {
                    Issue.record("\(name), as the previous version has it: \(refusal)")
                }
            }
        }
    }

    @Test("the schema demands no column that the previous version does not fill")
    func columns() async throws {
        let previous = try PreviousVersion.read()
        let rooms = try await houseRooms()
        try await withDatabase(migrations: houseMigrations(rooms)) { pool in
            for (table, columns) in try await PreviousVersion.requiredColumns(pool) {
                // A new table is filled by the new version alone.
                guard let known = previous.requiredColumns[table] else { continue }
                #expect(Set(columns).isSubset(of: known), "\(table)")
            }
        }
    }

    @Test("a contracted schema is noticed")
    func contraction() async throws {
        let previous = try PreviousVersion.read()
        let rooms = try await houseRooms()
        try await withDatabase(migrations: houseMigrations(rooms)) { pool in
            try await pool.script("alter table fleet.outbox drop column due_at, add column reason text not null")
            let sql = try #require(previous.statements["fleet_insert_outbox"])
            #expect(await pool.refusal(of: sql)?.code == "42703")
            #expect(try await PreviousVersion.requiredColumns(pool)["fleet.outbox"]?.contains("reason") == true)
        }
    }

    @Test("messages of the previous version are read")
    func messages() throws {
        let previous = try PreviousVersion.read()
        let known = Dictionary(
            EventSamples.all.map { (type(of: $0).type, type(of: $0) as any Event.Type) },
            uniquingKeysWith: { first, _ in first })
        #expect(previous.messages.count > 20)
        for document in previous.messages {
            let message = try Message(body: [UInt8](JSONEncoder().encode(document)))
            let event = try #require(known[message.envelope.type], "no worker reads \(message.envelope.type) any more")
            try read(message, as: event)
        }
    }

    @Test("there is a sample of every event that a worker hears")
    func samples() async throws {
        let heard = Set(try await houseRooms().flatMap(\.workers).flatMap(\.topics))
        #expect(heard.subtracting(EventSamples.all.map { type(of: $0).type }) == [])
    }

    /// With the version that is about to be released, before its successor is begun.
    @Test(
        "this version is recorded as the previous one",
        .enabled(
            if: ProcessInfo.processInfo.environment["SLIPWAY_RECORD_VERSION"] == "1", "only when a release is made"))
    func record() async throws {
        let rooms = try await houseRooms()
        try await withDatabase(migrations: houseMigrations(rooms)) { pool in
            let version = PreviousVersion(
                statements: Dictionary(
                    uniqueKeysWithValues: houseStatements(rooms).map { ($0.name, $0.sql) }),
                requiredColumns: try await PreviousVersion.requiredColumns(pool),
                messages: try await PreviousVersion.messages(of: EventSamples.all, pool))
            try version.write()
            #expect(try PreviousVersion.read() == version)
        }
    }

    private func read<E: Event>(_ message: Message, as type: E.Type) throws {
        _ = try message.decode(type)
    }
}
