import Fleet
import Foundation
import Postgres
import SlipwayModel
import SlipwayTesting

/// What a version says to the schema and to its neighbours, as files: those of the previous version stand in `Previous`,
/// written by that version's own test.
struct PreviousVersion: Codable, Equatable {
    /// Statements by their names.
    var statements: [String: String]
    /// By table: columns that an insert must fill.
    var requiredColumns: [String: [String]]
    /// A message of each type, as it stands in the outbox.
    var messages: [JSONValue]

    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Previous/version.json")

    static func read() throws -> PreviousVersion {
        try JSONDecoder().decode(PreviousVersion.self, from: Data(contentsOf: file))
    }

    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: Self.file)
    }

    /// Columns of the house's tables that have neither a default nor NULL to fall back on, by table.
    static func requiredColumns(_ pool: PostgresPool) async throws -> [String: [String]] {
        let rows = try await pool.query(
            """
            select table_schema || '.' || table_name, column_name
              from information_schema.columns
             where table_schema not in ('pg_catalog', 'information_schema') and is_nullable = 'NO'
               and column_default is null and is_generated = 'NEVER' and is_identity = 'NO'
             order by 1, 2
            """)
        return try rows.reduce(into: [:]) { columns, row in
            let (table, column) = try row.decode((String, String).self)
            columns[table, default: []].append(column)
        }
    }

    /// The bodies of messages as this version writes them.
    static func messages(of events: [any Event], _ pool: PostgresPool) async throws -> [JSONValue] {
        let (bus, recorder) = try await MessageRecorder.bus(over: pool, hearing: events.map { type(of: $0).type })
        try await bus.commit { effects in
            for event in events { effects.emit(event) }
        }
        return try recorder.take().map { try JSONDecoder().decode(JSONValue.self, from: Data($0.body)) }
    }
}
