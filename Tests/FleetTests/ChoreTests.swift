import Fleet
import Logging
import Postgres
import SlipwayTesting
import Synchronization
import Testing

@Suite("Chores")
struct ChoreTests {
    @Test("more chores at once than the pool has connections: each gets its turn, and none twice")
    func manyAtOnce() async throws {
        try await withDatabase(connections: 3) { pool in
            try await pool.script("create table done (chore int)")
            let locks = ChoreLocks(pool)
            let started = Mutex(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...8 {
                    let chore = Chore(name: "chore-\(number)", every: .seconds(3600), owner: .single) {
                        started.withLock { $0 += 1 }
                        try await eventually("all hold their locks") { started.withLock { $0 == 8 } }
                        try await pool.query("insert into done values (\(number))")
                    }
                    group.addTask {
                        try await ChoreRunner(chore, locks: locks, instruments: Instruments(), logger: quietLogger)
                            .run()
                    }
                }
                try await eventually("every chore is done") {
                    try await pool.query("select count(distinct chore) from done").one().decode(Int.self) == 8
                }
                group.cancelAll()
                while let _ = try? await group.next() {}
            }
            #expect(try await pool.query("select count(*) from done").one().decode(Int.self) == 8)
        }
    }

    @Test("what one process does, no other does meanwhile; what has ended, any may do")
    func oneAtATime() async throws {
        try await withDatabase { pool in
            let (mine, theirs) = (ChoreLocks(pool), ChoreLocks(pool))
            let done = Mutex<[String]>([])
            try await mine.holding("sweep") {
                done.withLock { $0.append("mine") }
                try await theirs.holding("sweep") { done.withLock { $0.append("theirs, too early") } }
                try await theirs.holding("reap") { done.withLock { $0.append("another chore") } }
            }
            struct Failure: Error {}
            await #expect(throws: Failure.self) { try await theirs.holding("sweep") { throw Failure() } }
            try await mine.holding("sweep") { done.withLock { $0.append("mine again") } }
            #expect(done.withLock { $0 } == ["mine", "another chore", "mine again"])
        }
    }

    @Test("a lock connection that breaks is replaced")
    func brokenConnection() async throws {
        try await withDatabase { pool in
            let locks = ChoreLocks(pool)
            let done = Mutex(0)
            try await locks.holding("outer") {
                try await pool.query(
                    """
                    select pg_terminate_backend(pid) from pg_locks
                     where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
                    """)
                try await eventually("the next chore has a connection") {
                    (try? await locks.holding("inner") { done.withLock { $0 += 1 } }) != nil
                }
            }
            #expect(done.withLock { $0 } == 1)
        }
    }
}
