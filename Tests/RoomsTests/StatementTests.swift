import Postgres
import RoomKit
import SlipwayTesting
import Testing

@Suite("The SQL of the house")
struct StatementTests {
    @Test("every statement is prepared against the migrated schema, under a name of its own")
    func prepare() async throws {
        let rooms = try await houseRooms()
        let statements = houseStatements(rooms)
        #expect(rooms.allSatisfy { !$0.statements.isEmpty })
        #expect(Set(statements.map(\.name)).count == statements.count)
        try await withDatabase(migrations: houseMigrations(rooms)) { pool in
            for statement in statements {
                if let refusal = await pool.refusal(of: statement.sql) {
                    Issue.record("\(statement.name): \(refusal)")
                }
            }
        }
    }
}

extension PostgresPool {
    /// Why the schema does not take a statement; nil where it does.
    func refusal(of sql: String) async -> PostgresError? {
        do {
            try await script("prepare tried as \(sql); deallocate tried")
            return nil
        } catch {
            return error
        }
    }
}
