import FoundationEssentials
import Postgres
import SlipwayTesting
import Testing

@Suite struct MigratorTests {
    private let first = Migration(name: "m202601010000_a_one.sql", bytes: Array("create table one (a int);".utf8))
    private let second = Migration(
        name: "m202601010001_b_two", sql: "alter table one add b int; insert into one values (1, 2);")
    private let third = Migration(name: "m202601020000_a_three", sql: "create index on one (b)")

    @Test func migrationsAreAppliedOnceInTheOrderOfTheirNames() async throws {
        try await withPool { pool async throws in
            #expect(try await Migrator.pending(pool, [second, first]) == [first, second].map(\.name))
            #expect(
                try await Migrator.migrate(pool, [second, first], logger: quietLogger)
                    == ["m202601010000_a_one", "m202601010001_b_two"])
            #expect(
                try await Migrator.migrate(pool, [third, second, first], logger: quietLogger) == [
                    "m202601020000_a_three"
                ])
            #expect(try await Migrator.pending(pool, [second, first]) == [])
            // An older version, which knows fewer, leaves the newer alone.
            #expect(try await Migrator.migrate(pool, [first], logger: quietLogger) == [])
            #expect(try await Migrator.migrate(pool, [], logger: quietLogger) == [])
            #expect(try await pool.query("select a, b from one").one().decode((Int, Int).self) == (1, 2))
            #expect(
                try await pool.query("select count(*) from slipway_migrations where length(checksum) = 64").one()
                    .decode(Int.self) == 3)
        }
    }

    @Test func aChangedMigrationIsRefusedAndNothingIsApplied() async throws {
        try await withPool { pool async throws in
            _ = try await Migrator.migrate(pool, [first], logger: quietLogger)
            let changed = Migration(name: first.name, sql: first.sql + " -- a word")
            let error = await failure { _ = try await Migrator.migrate(pool, [changed, second], logger: quietLogger) }
            #expect(error?.kind == .migration)
            #expect(error?.message.contains("m202601010000_a_one was changed after it had been applied") == true)
            #expect(try await pool.query("select count(*) from slipway_migrations").one().decode(Int.self) == 1)
        }
    }

    @Test func aFailingMigrationLeavesWhatCameBefore() async throws {
        try await withPool { pool async throws in
            let wrong = Migration(name: "m202601010002_b_wrong", sql: "create table half (a int);\nselect 1/0;")
            let error = await failure {
                _ = try await Migrator.migrate(pool, [first, wrong, third], logger: quietLogger)
            }
            #expect(error?.kind == .migration)
            #expect(error?.code == "22012")
            #expect(error?.message == "m202601010002_b_wrong: division by zero")
            let names = try await pool.query("select name from slipway_migrations").map { try $0.decode(String.self) }
            #expect(names == ["m202601010000_a_one"])
            #expect(try await pool.query("select to_regclass('half') is null").one().decode(Bool.self))
        }
    }

    @Test(arguments: ["create table x (a int); commit;", "rollback"])
    func aMigrationMustNotEndItsTransaction(sql: String) async throws {
        try await withPool { pool async throws in
            let error = await failure {
                _ = try await Migrator.migrate(pool, [Migration(name: "m1", sql: sql)], logger: quietLogger)
            }
            #expect(error?.message == "m1: it ends its transaction itself; remove BEGIN, COMMIT and ROLLBACK")
        }
    }

    @Test func twoOfOneNameAreRefused() async throws {
        try await withPool { pool async throws in
            let error = await failure {
                _ = try await Migrator.migrate(
                    pool, [first, Migration(name: first.name, sql: "")], logger: quietLogger)
            }
            #expect(error?.message.contains("two migrations are named m202601010000_a_one") == true)
        }
    }

    @Test func severalMigratorsAtOnceApplyEachOnce() async throws {
        try await withPool { pool async throws in
            let all = [first, second, third]
            let applied = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<4 { group.addTask { try await Migrator.migrate(pool, all, logger: quietLogger) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied.sorted() == all.map(\.name))
        }
    }

    @Test func whoWaitsForAnotherMigratorSaysSo() async throws {
        try await withPool { pool async throws in
            let log = LogLines()
            try await pool.withConnection { holder in
                try await holder.query("select pg_advisory_lock(8317138543606593793)")
                async let migrated = Migrator.migrate(pool, [first], logger: log.logger)
                try await waitUntilBlocked(holder)
                try await holder.query("select pg_advisory_unlock_all()")
                #expect(try await migrated == ["m202601010000_a_one"])
            }
            #expect(
                log.lines.filter { $0.hasPrefix("info") } == [
                    "info waiting for another process that is migrating the database",
                    "info applied migration m202601010000_a_one",
                ])
        }
    }
}
