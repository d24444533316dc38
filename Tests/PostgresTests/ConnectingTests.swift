import FoundationEssentials
import Glibc
import LocalServices
import Logging
import Postgres
import SlipwayTesting
import Testing

@Suite struct ConnectingTests {
    @Test(arguments: [
        ("postgres://slipway:secret@db.example:6000/ci?sslmode=require", "postgres://slipway@db.example:6000/ci"),
        ("postgresql://slipway@[::1]/ci", "postgres://slipway@::1:5432/ci"),
        ("host=/run/postgresql dbname=ci user=slipway password=secret", "postgres://slipway@/run/postgresql:5432/ci"),
        ("postgres://slipway:secret@one,two:7000/ci", "postgres://slipway@one,two:5432,7000/ci"),
    ])
    func descriptionsShowNoPassword(url: String, description: String) throws {
        let configuration = try PostgresConfiguration(url: url)
        #expect(configuration.description == description)
        #expect("\(configuration)".contains("secret") == false)
    }

    @Test(arguments: [
        "postgres://slipway:se cret@host:port:1/ci", "mysql://slipway:secret@host/ci", "secret",
        "postgres://slipway:secret@[::1/ci", "postgres://slipway:secret%ZZ@host/ci", "host='secret",
    ])
    func aURLThatCannotBeReadIsRefusedWithoutQuotingIt(url: String) async {
        let error = await failure { _ = try PostgresConfiguration(url: url) }
        #expect(error?.kind == .misuse)
        #expect(error.map { "\($0)" }?.contains("postgres://user:password@host:port/database") == true)
        #expect(error.map { "\($0)" }?.contains("secret") == false)
    }

    @Test func aRefusedConnectionSaysWhereAndWhatTheSystemAnswered() async throws {
        // Port 1 of the loopback interface: nobody listens there.
        var configuration = try PostgresConfiguration(url: "postgres://slipway:secret@127.0.0.1:1/ci")
        let error = await failure { _ = try await PostgresConnection.connect(configuration, logger: quietLogger) }
        #expect(error?.kind == .connectionFailed)
        #expect(error?.message.contains("\"127.0.0.1\", port 1 failed: Connection refused") == true)
        #expect(error.map { "\($0)" }?.contains("secret") == false)

        configuration.acquireTimeout = .milliseconds(150)
        let pool = PostgresPool(configuration: configuration, logger: quietLogger)
        let waited = await failure { try await pool.query("select 1") }
        #expect(waited?.kind == .acquireTimedOut)
        #expect(waited?.message.contains("127.0.0.1:1; last attempt to connect: ") == true)
        #expect(waited?.message.contains("Connection refused") == true)
        #expect(pool.statistics.open == 0)
    }

    @Test func anUnknownHostIsNamed() async throws {
        let configuration = try PostgresConfiguration(url: "postgres://slipway@nowhere.invalid/ci")
        let error = await failure { _ = try await PostgresConnection.connect(configuration, logger: quietLogger) }
        #expect(error?.kind == .connectionFailed)
        #expect(error?.message.hasPrefix("cannot resolve host 'nowhere.invalid': ") == true)
    }

    @Test func aHostNameIsResolvedToAllItsAddresses() async throws {
        try await withDatabase(address: []) { configuration async throws in
            // The server listens on 127.0.0.1; where localhost is also ::1, libpq must go on to the next address.
            let url = try await TestServices.shared.databaseURL()
            var named = try PostgresConfiguration(url: url.replacing("@127.0.0.1:", with: "@localhost:"))
            named.database = configuration.database
            let connection = try await PostgresConnection.connect(named, logger: quietLogger)
            #expect(try await connection.query("select 1").one().decode(Int.self) == 1)
            await connection.close()
        }
    }

    @Test func anUnknownDatabaseFailsAtOnceEverywhere() async throws {
        try await withDatabase(address: []) { configuration async throws in
            var configuration = configuration
            configuration.database = "no_such_database"
            configuration.acquireTimeout = .seconds(600)
            let unknown = configuration
            let direct = await failure { _ = try await PostgresConnection.connect(unknown, logger: quietLogger) }
            #expect(direct?.code == "3D000")
            #expect(direct?.message.contains("database \"no_such_database\" does not exist") == true)
            let pool = PostgresPool(configuration: unknown, logger: quietLogger)
            let pooled = await failure { try await pool.query("select 1") }
            #expect(pooled?.code == "3D000")
            let waited = await failure { try await waitUntilReachable(unknown, logger: quietLogger) }
            #expect(waited?.code == "3D000")
        }
    }

    @Test func aServerThatDoesNotAnswerTimesOut() async throws {
        let server = try SilentServer()
        var configuration = server.configuration
        configuration.connectTimeout = .milliseconds(100)
        let silent = configuration
        let error = await failure { _ = try await PostgresConnection.connect(silent, logger: quietLogger) }
        #expect(error?.kind == .connectionFailed)
        #expect(error?.message.contains("did not answer within 0.1 seconds") == true)
    }

    @Test func aConnectionWhoseWordsAreSwallowedIsGivenUp() async throws {
        try await withProxy { proxy, configuration in
            var impatient = configuration
            impatient.patience = .milliseconds(50)
            let connection = try await PostgresConnection.connect(impatient, logger: quietLogger)
            await proxy.hold()
            let error = await failure { try await connection.query("select 1") }
            #expect(error?.kind == .timedOut)
            #expect(error?.message.contains("waits for what was sent") == true, "\(String(describing: error))")
        }
    }

    @Test func aConnectionWhoseSessionHasEndedUnheardIsGivenUp() async throws {
        try await withProxy { proxy, configuration in
            var impatient = configuration
            impatient.patience = .milliseconds(50)
            let connection = try await PostgresConnection.connect(impatient, logger: quietLogger)
            let session = try await connection.query("select pg_backend_pid()").one().decode(Int.self)
            await proxy.hold()
            let other = try await PostgresConnection.connect(configuration, logger: quietLogger)
            try await other.query("select pg_terminate_backend(\(session), 60000)")
            await other.close()
            let error = await failure { try await connection.query("select 1") }
            #expect(error?.message.contains("waits for what was sent") == true, "\(String(describing: error))")
        }
    }

    @Test func aStatementThatTakesItsTimeIsWaitedFor() async throws {
        try await withProxy { _, configuration in
            var impatient = configuration
            impatient.patience = .milliseconds(20)
            let connection = try await PostgresConnection.connect(impatient, logger: quietLogger)
            #expect(try await connection.query("select 7 from pg_sleep(0.5)").one().decode(Int.self) == 7)
            await connection.close()
        }
    }

    @Test func connectingCanBeCancelled() async throws {
        let server = try SilentServer()
        let task = Task { try await PostgresConnection.connect(server.configuration, logger: quietLogger) }
        task.cancel()
        #expect(await failure { _ = try await task.value }?.kind == .cancelled)

        let pool = PostgresPool(configuration: server.configuration, logger: quietLogger)
        let pooled = Task { try await pool.query("select 1") }
        pooled.cancel()
        #expect(await failure { _ = try await pooled.value }?.kind == .cancelled)
        #expect(pool.statistics.open == 0)
    }

    @Test func waitingUntilReachableSaysWhenItBeginsAndWhenItEnds() async throws {
        try await withProxy { proxy, configuration async throws in
            let log = LogLines()
            try await waitUntilReachable(configuration, logger: log.logger)
            #expect(log.lines.isEmpty)
            await proxy.refuse()
            let task = Task { try await waitUntilReachable(configuration, logger: log.logger) }
            try await eventually("it says that it waits") { !log.lines.isEmpty }
            try await proxy.accept()
            try await task.value
            #expect(log.lines.count == 2)
            #expect(log.lines[0].hasPrefix("warning waiting for PostgreSQL at 127.0.0.1:\(proxy.port): "))
            #expect(log.lines[1].hasPrefix("info PostgreSQL at 127.0.0.1:\(proxy.port) is back after "))
        }
    }
}

/// A port that takes connections and never says a word.
final class SilentServer: Sendable {
    let configuration: PostgresConfiguration
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(descriptor, address, size)
                _ = listen(descriptor, 16)
                _ = getsockname(descriptor, address, &size)
            }
        }
        configuration = try PostgresConfiguration(
            url: "postgres://slipway@127.0.0.1:\(UInt16(bigEndian: address.sin_port))/ci?sslmode=disable")
    }

    deinit { close(descriptor) }
}

/// Runs `body` with a database behind a proxy that can misbehave.
func withProxy(_ body: (TCPProxy, PostgresConfiguration) async throws -> Void) async throws {
    try await withDatabase(address: []) { direct in
        let proxy = try await TCPProxy(to: direct.port)
        var configuration = direct
        configuration.port = proxy.port
        do {
            try await body(proxy, configuration)
            await proxy.stop()
        } catch {
            await proxy.stop()
            throw error
        }
    }
}
