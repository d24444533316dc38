import Fleet
import Leases
import LocalServices
import Postgres
import SlipwayTesting
import Testing

/// A transaction of the desk whose COMMIT is under way when the link to the database breaks: it may have happened.
@Suite("A COMMIT that is not answered")
struct LostAnswerTests {
    enum Break: CaseIterable {
        /// The answer is on its way.
        case afterwards
        /// The server has not finished, and does.
        case meanwhile
        /// The server gives up.
        case refused
    }

    @Test("is found out about: whoever was granted something hears of it", arguments: Break.allCases)
    func claim(_ kind: Break) async throws {
        try await LeasesHarness.run { room in
            let direct = room.bus.database
            // COMMIT waits for whoever has the lock 42.
            try await direct.script(
                """
                create function hold_commit() returns trigger language plpgsql as
                $$ begin perform pg_advisory_xact_lock_shared(42); return null; end $$;
                create constraint trigger hold_commit after update on leases.resources
                    deferrable initially deferred for each row execute function hold_commit()
                """)
            let proxy = try await TCPProxy(to: direct.configuration.port)
            var configuration = direct.configuration
            configuration.port = proxy.port
            let database = PostgresPool(configuration: configuration, logger: quietLogger)
            let desk = LeaseDesk(bus: FleetBus(database: database, publisher: nil, logger: quietLogger))
            async let answer = direct.withConnection { holder in
                _ = try await holder.query("select pg_advisory_lock(42)")
                async let answer = desk.claim(LeaseClaim(owner: "a", wish: LeaseWish(type: "bench")))
                try await eventually("COMMIT is under way") { try await Self.waiting(direct).count == 1 }
                switch kind {
                case .afterwards: await proxy.hold([.toClient])
                case .meanwhile: await proxy.cut()
                case .refused:
                    for pid in try await Self.waiting(direct) {
                        _ = try await direct.query("select pg_terminate_backend(\(pid))")
                    }
                }
                _ = try await holder.query("select pg_advisory_unlock(42)")
                if kind == .afterwards {
                    try await eventually("it has happened") { try await room.resources().contains("bench-1 leased a") }
                    await proxy.cut()
                }
                return try await answer
            }
            guard case .granted(let resources, _, _) = try await answer else {
                Issue.record("not granted")
                return
            }
            #expect(resources.map(\.name) == ["bench-1"] && resources.map(\.token) == [1])
            #expect(try await room.resources().contains("bench-1 leased a"))
            await database.close()
            await proxy.stop()
        }
    }

    /// Sessions that wait for the lock 42.
    private static func waiting(_ database: PostgresPool) async throws -> [Int] {
        try await database.query(
            """
            select pid from pg_locks
             where locktype = 'advisory' and objid = 42 and not granted
               and database = (select oid from pg_database where datname = current_database())
            """
        ).map { try $0.decode(Int.self) }
    }
}
