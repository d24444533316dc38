import FoundationEssentials
import LocalServices
import Postgres
import SlipwayTesting
import Testing

private struct Refused: Error {}

@Suite struct TransactionTests {
    private let insert = Statement("tests.insert", "insert into t values ($1)")

    private func withTable(
        _ change: (inout PostgresConfiguration) -> Void = { _ in }, _ body: (PostgresPool) async throws -> Void
    ) async throws {
        try await withPool(change) { pool async throws in
            try await pool.script("create table t (a int primary key, n int default 0)")
            try await body(pool)
        }
    }

    private func count(_ pool: PostgresPool) async throws -> Int {
        try await pool.query("select count(*) from t").one().decode(Int.self)
    }

    @Test func whatReturnsIsCommittedAndWhatThrowsIsNot() async throws {
        try await withTable { pool async throws in
            let insert = insert
            let tag = try await pool.transaction { transaction in
                try await transaction.execute(insert, 1)
                try await transaction.pipeline([(insert, [2]), (insert, [3])])
                try await transaction.copyIn("copy t (a) from stdin", rows: [[4]])
                return try await transaction.query("insert into t values (5)").commandTag
            }
            #expect(tag == "INSERT 0 1")
            await #expect(throws: Refused.self) {
                try await pool.transaction { transaction in
                    try await transaction.execute(insert, 6)
                    throw Refused()
                }
            }
            #expect(try await count(pool) == 5)
            #expect(try await pool.transaction { _ in 7 } == 7)
        }
    }

    @Test(arguments: Transaction.Isolation.allCases)
    func isolationAndReadOnlyAreWhatWasAskedFor(isolation: Transaction.Isolation) async throws {
        try await withTable { pool async throws in
            let shown = try await pool.transaction(isolation: isolation, readOnly: true) { transaction in
                try await transaction.query("show transaction_isolation").one().decode(String.self)
            }
            #expect(shown == isolation.rawValue)
            let insert = insert
            let error = await failure {
                try await pool.transaction(isolation: isolation, readOnly: true) { _ = try await $0.execute(insert, 1) }
            }
            #expect(error?.code == "25006")
        }
    }

    @Test func aTransactionWhoseErrorWasSwallowedIsNotReportedAsCommitted() async throws {
        try await withTable { pool async throws in
            let insert = insert
            let error = await failure {
                try await pool.transaction { transaction in
                    try await transaction.execute(insert, 1)
                    _ = try? await transaction.execute(insert, 1)
                }
            }
            #expect(error?.code == "25P02")
            #expect(try await count(pool) == 0)
        }
    }

    @Test func aTransactionThatEscapedIsOver() async throws {
        try await withTable { pool async throws in
            let escaped = try await pool.transaction { transaction in
                try await transaction.query("select 1")
                return transaction
            }
            #expect(await failure { try await escaped.query("select 1") }?.kind == .misuse)
            let unused = try await pool.transaction { $0 }
            #expect(await failure { try await unused.query("select 1") }?.kind == .misuse)
        }
    }

    @Test func aParameterThatCannotBeSentLeavesTheTransactionUsable() async throws {
        try await withTable { pool async throws in
            let insert = insert
            try await pool.transaction { transaction in
                #expect(await failure { try await transaction.query("select \("\0")") }?.kind == .encoding)
                try await transaction.execute(insert, 1)
            }
            #expect(try await count(pool) == 1)
        }
    }

    @Test func deadlocksAreRunAgain() async throws {
        try await withTable { pool async throws in
            try await pool.script("insert into t values (1), (2)")
            let arrived = Shared(0)
            let attempts = Shared(0)
            let update = Statement("tests.update", "update t set n = n + 1 where a = $1")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (first, second) in [(1, 2), (2, 1)] {
                    group.addTask {
                        try await pool.transaction { transaction in
                            attempts.withLock { $0 += 1 }
                            try await transaction.execute(update, first)
                            arrived.withLock { $0 += 1 }
                            try await eventually("both hold a row") { arrived.withLock { $0 } >= 2 }
                            try await transaction.execute(update, second)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(attempts.withLock { $0 } == 3)
            #expect(try await pool.query("select sum(n) from t").one().decode(Int.self) == 4)
        }
    }

    @Test func serializationFailuresAreRunAgainAlsoWhenTheBodyWrapsThem() async throws {
        struct Wrapped: Error {}
        try await withTable { pool async throws in
            try await pool.script("insert into t values (1)")
            let attempts = Shared(0)
            try await pool.transaction(isolation: .repeatableRead) { transaction in
                let attempt = attempts.withLock { count in
                    count += 1
                    return count
                }
                try await transaction.query("select n from t")
                if attempt < 3 { try await pool.query("update t set n = n + 1") }
                do { try await transaction.query("update t set n = n * 10") } catch { throw Wrapped() }
            }
            #expect(attempts.withLock { $0 } == 3)
            #expect(try await pool.query("select n from t").one().decode(Int.self) == 20)
        }
    }

    @Test func afterTheLastAttemptTheErrorIsThrown() async throws {
        try await withTable {
            $0.transactionAttempts = 2
        } _: { pool async throws in
            let attempts = Shared(0)
            let error = await failure {
                try await pool.transaction { transaction in
                    attempts.withLock { $0 += 1 }
                    try await transaction.script("do $$ begin raise exception 'again' using errcode = '40001'; end $$")
                }
            }
            #expect(error?.isSerializationFailureOrDeadlock == true)
            #expect(attempts.withLock { $0 } == 2)
        }
    }

    @Test func aLinkLostBeforeCommitIsRunAgain() async throws {
        try await withTable { pool async throws in
            let attempts = Shared(0)
            let insert = insert
            try await pool.transaction { transaction in
                let attempt = attempts.withLock { count in
                    count += 1
                    return count
                }
                let pid = try await transaction.query("select pg_backend_pid()").one().decode(Int.self)
                try await transaction.execute(insert, 1)
                if attempt == 1 { try await pool.query("select pg_terminate_backend(\(pid), 5000)") }
                try await transaction.execute(insert, 2)
            }
            #expect(attempts.withLock { $0 } == 2)
            #expect(try await count(pool) == 2)
        }
    }

    @Test func aLinkLostDuringCommitIsSaidToBeUnknown() async throws {
        try await withProxy { proxy, configuration async throws in
            let pool = PostgresPool(configuration: configuration, logger: quietLogger)
            try await pool.script("create table t (a int primary key, n int default 0)")
            let insert = insert
            let error = await failure {
                try await pool.transaction { transaction in
                    try await transaction.execute(insert, 1)
                    // The next bytes from the server answer COMMIT.
                    await proxy.cut(afterBytes: 1, .toClient)
                }
            }
            #expect(error?.kind == .commitUnknown)
            #expect(error.map { "\($0)" }?.contains("may or may not have happened") == true)
            #expect(try await count(pool) == 1)
            await pool.close()
        }
    }

    @Test func aCancelledTransactionIsRolledBackAndItsConnectionReused() async throws {
        try await withTable {
            $0.maximumConnections = 2
        } _: { pool async throws in
            try await pool.withConnection { holder in
                try await holder.query("select pg_advisory_lock(1)")
                let insert = insert
                let task = Task {
                    try await pool.transaction { transaction in
                        try await transaction.execute(insert, 1)
                        try await transaction.query("select pg_advisory_xact_lock(1)")
                    }
                }
                try await waitUntilBlocked(holder)
                task.cancel()
                #expect(await failure { try await task.value }?.kind == .cancelled)
            }
            #expect(try await count(pool) == 0)
            #expect(pool.statistics.opened == 2)
        }
    }

    @Test func aTransactionCancelledBeforeItsFirstStatementRunsNothingOutsideOne() async throws {
        try await withTable { pool async throws in
            let insert = insert
            let task = Task {
                try await pool.transaction { transaction in
                    withUnsafeCurrentTask { $0?.cancel() }
                    _ = try? await transaction.execute(insert, 1)
                    // A task of its own, which is not cancelled.
                    return await Task { await failure { try await transaction.execute(insert, 2) } }.value
                }
            }
            #expect(try await task.value?.kind == .misuse)
            #expect(try await count(pool) == 0)
        }
    }
}
