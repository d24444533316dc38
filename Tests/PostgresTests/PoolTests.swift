import FoundationEssentials
import LocalServices
import Postgres
import SlipwayTesting
import Testing

@Suite struct PoolStateTests {
    typealias State = PoolState<Int, String>

    private func describe(_ grant: State.Grant?) -> String {
        switch grant {
        case .use(let connection): "use \(connection)"
        case .open: "open"
        case nil: "wait"
        }
    }

    private func describe(_ next: (waiter: String, grant: State.Grant)?) -> String {
        next.map { "\($0.waiter): \(describe($0.grant))" } ?? "nobody"
    }

    private let now = ContinuousClock.now

    @Test func slotsAreBoundedAndWaitersServedInOrder() {
        var state = State(maximum: 2)
        #expect(describe(state.acquire()) == "open")
        #expect(describe(state.acquire()) == "open")
        #expect(describe(state.acquire()) == "wait")
        _ = state.wait("a")
        let b = state.wait("b")
        _ = state.wait("c")
        #expect(state.stopWaiting(b) == "b")
        #expect(state.stopWaiting(b) == nil)
        #expect(describe(state.giveBack(1, now: now)) == "a: use 1")
        #expect(describe(state.giveUpSlot()) == "c: open")
        #expect(state.taken == 2)
        #expect(describe(state.giveUpSlot()) == "nobody")
        #expect(state.taken == 1)
    }

    @Test func theNewestIdleConnectionIsUsedFirstAndTheOldestExpire() {
        var state = State(maximum: 4)
        for _ in 1...4 { _ = state.acquire() }
        for connection in 1...4 { _ = state.giveBack(connection, now: now + .seconds(connection)) }
        #expect(describe(state.acquire()) == "use 4")
        #expect(state.expire(unusedSince: now + .seconds(2)) == [1, 2])
        #expect(state.taken == 2)
        state.removeIdle { $0 == 3 }
        state.removeIdle { $0 == 4 }
        #expect(state.taken == 1)
        #expect(describe(state.acquire()) == "open")
    }

    @Test func closingTurnsWaitersAway() {
        var state = State(maximum: 1)
        _ = state.acquire()
        _ = state.wait("a")
        let (idle, waiters) = state.close()
        #expect(idle.isEmpty)
        #expect(waiters == ["a"])
        #expect(state.isClosed)
        #expect(describe(state.giveUpSlot()) == "nobody")
        #expect(state.taken == 0)
    }
}

@Suite struct PoolTests {
    @Test func noMoreConnectionsThanAllowed() async throws {
        try await withPool {
            $0.maximumConnections = 3
        } _: { pool async throws in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<60 {
                    group.addTask { try await pool.query("select \(number)::int").one().decode(Int.self) }
                }
                let sum = try await group.reduce(0, +)
                #expect(sum == 59 * 60 / 2)
            }
            let statistics = pool.statistics
            #expect(statistics.opened <= 3)
            #expect(statistics.idle == statistics.open)
            #expect(statistics.waiting == 0)
            #expect(statistics.acquired == 60)
        }
    }

    @Test func waitersAreServedInTheirOrder() async throws {
        try await withPool {
            $0.maximumConnections = 1
        } _: { pool async throws in
            let order = Shared<[Int]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withConnection { _ in
                    for number in 0..<10 {
                        group.addTask {
                            try await pool.withConnection { _ in order.withLock { $0.append(number) } }
                        }
                        try await eventually("it waits") { pool.statistics.waiting > number }
                    }
                }
                try await group.waitForAll()
            }
            #expect(order.withLock { $0 } == Array(0..<10))
        }
    }

    @Test func waitingForAConnectionEndsWithAnErrorThatSaysWhy() async throws {
        try await withPool {
            $0.maximumConnections = 1
            $0.acquireTimeout = .milliseconds(30)
        } _: { pool async throws in
            try await pool.withConnection { _ in
                let error = await failure { try await pool.query("select 1") }
                #expect(error?.kind == .acquireTimedOut)
                #expect(error?.message.contains("all 1 connections of this process are in use") == true)
            }
            #expect(try await pool.query("select 1").count == 1)
        }
    }

    @Test func aCancelledWaiterLeavesTheQueue() async throws {
        try await withPool {
            $0.maximumConnections = 1
            $0.acquireTimeout = .seconds(600)
        } _: { pool async throws in
            try await pool.withConnection { _ in
                let task = Task { try await pool.query("select 1") }
                try await eventually("it waits") { pool.statistics.waiting == 1 }
                task.cancel()
                #expect(await failure { _ = try await task.value }?.kind == .cancelled)
                #expect(pool.statistics.waiting == 0)
            }
            #expect(try await pool.query("select 1").count == 1)
        }
    }

    @Test func brokenConnectionsAreReplaced() async throws {
        try await withPool {
            $0.maximumConnections = 2
        } _: { pool async throws in
            try await withDatabase { elsewhere in
                let admin = try await PostgresConnection.connect(elsewhere, logger: quietLogger)
                for _ in 0..<5 {
                    let pid = try await pool.query("select pg_backend_pid()").one().decode(Int.self)
                    try await admin.query("select pg_terminate_backend(\(pid), 5000)")
                    // The pool hears of it by itself, and no caller meets the dead connection.
                    try await eventually("the pool has noticed") { pool.statistics.idle == 0 }
                }
                // One that ends while it is lent is not given out again either.
                let lost = await failure {
                    try await pool.withConnection { connection async throws in
                        let pid = try await connection.query("select pg_backend_pid()").one().decode(Int.self)
                        try await admin.query("select pg_terminate_backend(\(pid), 5000)")
                        try await connection.query("select 1")
                    }
                }
                #expect(lost?.kind == .connectionLost)
                #expect(try await pool.query("select 1").count == 1)
                await admin.close()
            }
        }
    }

    @Test func callersWaitForAServerThatComesBack() async throws {
        try await withProxy { proxy, configuration async throws in
            let pool = PostgresPool(configuration: configuration, logger: quietLogger)
            try await pool.query("select 1")
            await proxy.refuse()
            await proxy.cut()
            async let answer = pool.transaction { try await $0.query("select 5").one().decode(Int.self) }
            // The pool has noticed by now or meets the broken link: both lead to a new connection.
            try await eventually("the broken link is gone") { pool.statistics.idle == 0 }
            try await proxy.accept()
            #expect(try await answer == 5)
            await pool.close()
        }
    }

    @Test func oneConnectionWithoutAnAnswerMakesTheUnusedOnesSuspect() async throws {
        try await withProxy { proxy, configuration async throws in
            var configuration = configuration
            configuration.statementTimeout = .milliseconds(50)
            let pool = PostgresPool(configuration: configuration, logger: quietLogger)
            try await pool.withConnection { _ in
                try await pool.withConnection { _ in try await pool.query("select 1") }
            }
            #expect(pool.statistics.idle == 3)
            await proxy.hold()
            #expect(await failure { try await pool.query("select 1") }?.kind == .timedOut)
            try await eventually("the others are closed") { pool.statistics.idle == 0 }
            #expect(try await pool.query("select 5").one().decode(Int.self) == 5)
            await pool.close()
        }
    }

    @Test func unusedAndAgedConnectionsAreClosed() async throws {
        try await withPool {
            $0.idleTimeout = .milliseconds(20)
        } _: { pool async throws in
            try await pool.query("select 1")
            try await eventually("it is closed") { pool.statistics.open == 0 }
            #expect(try await pool.query("select 1").count == 1)
        }
        try await withPool {
            $0.maximumLifetime = .zero
        } _: { pool async throws in
            for _ in 0..<3 { try await pool.query("select 1") }
            #expect(pool.statistics.opened == 3)
            #expect(pool.statistics.open == 0)
        }
    }

    @Test func whatABorrowerLeavesBehindIsCleared() async throws {
        try await withPool {
            $0.maximumConnections = 1
        } _: { pool async throws in
            try await pool.script("create table t (a int)")
            try await pool.withConnection { connection async throws in
                try await connection.script("begin; insert into t values (1)")
            }
            #expect(try await pool.query("select count(*) from t").one().decode(Int.self) == 0)
            #expect(pool.statistics.opened == 1)
            try await pool.withConnection { connection async throws in
                _ = try await connection.listen("left behind")
            }
            #expect(try await pool.query("select count(*) from pg_listening_channels()").one().decode(Int.self) == 0)
            #expect(pool.statistics.opened == 2)
        }
    }

    @Test func aClosedPoolTurnsCallersAway() async throws {
        try await withPool { pool async throws in
            try await pool.query("select 1")
            await pool.close()
            #expect(pool.statistics.open == 0)
            #expect(await failure { try await pool.query("select 1") }?.kind == .closed)
        }
    }

    @Test func closingWaitsForWhatIsLent() async throws {
        try await withPool { pool async throws in
            let done = Shared(false)
            async let closing: Void = pool.withConnection { connection async throws in
                let task = Task { await pool.close() }
                try await eventually("the pool closes") {
                    await failure { try await pool.query("select 1") }?.kind == .closed
                }
                try await connection.query("select 1")
                done.withLock { $0 = true }
                _ = task
            }
            try await closing
            await pool.close()
            #expect(done.withLock { $0 })
            #expect(pool.statistics.open == 0)
        }
    }
}
