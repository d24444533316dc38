import FoundationEssentials
import Glibc
import LocalServices
import Subprocess
import Synchronization
import Testing

@Suite(.serialized, .timeLimit(.minutes(15)))
struct PrivateServicesTests {
    @Test func bothStartTogetherAndNothingIsLeftWhenTheyStop() async throws {
        try await withTemporaryFolder { folder in
            let told = Progress()
            let services = PrivateServices(folder: folder, durability: .relaxed, onProgress: told.add)
            let endpoints = try await services.start()
            #expect(PrivateServices.running(in: folder) == endpoints)
            #expect(
                told.lines.sorted() == ["created PostgreSQL", "created RabbitMQ", "PostgreSQL", "RabbitMQ"].sorted())
            #expect(
                try await psql(endpoints.databaseURL, "create table kept (n int); insert into kept values (7)") == "")

            let second = PrivateServices(folder: folder)
            await #expect(throws: ServiceError.self) { try await second.start() }

            var endings = services.unexpectedEndings.makeAsyncIterator()
            let broker = try #require(Processes.find(folder, arguments: "beam.smp"))
            kill(broker, SIGKILL)
            #expect(await endings.next() == .rabbitMQ)
            try await services.start(.rabbitMQ)

            let guardian = try #require(Processes.find(folder, arguments: "guardian.sh", folder + "/postgres"))
            kill(guardian, SIGKILL)
            #expect(await endings.next() == .postgreSQL)
            try await services.start(.postgreSQL)
            #expect(try await psql(endpoints.databaseURL, "select n from kept") == "7")

            await services.stop()
            #expect(Processes.of(folder) == [])
            #expect(PrivateServices.running(in: folder) == nil)

            #expect(try await services.start() == endpoints)
            #expect(try await psql(endpoints.databaseURL, "select n from kept") == "7")
            await services.stop()
            #expect(Processes.of(folder) == [])
        }
    }

    @Test func listensOnTheLoopbackInterfaceAlone() async throws {
        try await withTemporaryFolder { folder in
            let services = PrivateServices(folder: folder, durability: .relaxed)
            try await services.start()
            let ports = try Ports(folder: folder)
            for port in ports.served { #expect(accepts("127.0.0.1", port), "nothing listens on port \(port)") }
            // Whoever listens on every address of the machine is reached by any of them.
            for port in ports.all { #expect(!accepts("127.0.0.2", port), "port \(port) is open to others") }
            await services.stop()
        }
    }

    @Test func aPasswordIsAskedFor() async throws {
        try await withTemporaryFolder { folder in
            let services = PrivateServices(folder: folder, durability: .relaxed)
            try await services.start(.postgreSQL)
            let url = try #require(PrivateServices.running(in: folder)).databaseURL
            let password = try #require(url.split(separator: ":").dropFirst(2).first?.split(separator: "@").first)
            await #expect(throws: Failure.self) {
                try await psql(url.replacing(String(password), with: "wrong"), "select 1")
            }
            await services.stop()
        }
    }

    @Test func lostPasswordsAreReplaced() async throws {
        try await withTemporaryFolder { folder in
            let services = PrivateServices(folder: folder, durability: .relaxed)
            try await services.start(.postgreSQL)
            await services.stop()
            unlink(folder + "/services.json")
            try await services.start(.postgreSQL)
            let url = try #require(PrivateServices.running(in: folder)).databaseURL
            #expect(try await psql(url, "select 1") == "1")
            await services.stop()
        }
    }

    /// A killed owner's guardian takes its time; a new owner must not move away from the ports that others were told.
    @Test func portsAreKeptWhileTheFormerServiceIsBeingStopped() async throws {
        try await withTemporaryFolder { folder in
            let services = PrivateServices(folder: folder, durability: .relaxed)
            let endpoints = try await services.start(.postgreSQL)
            await services.stop()
            let lock = open(folder + "/postgres/guardian.lock", O_RDWR | O_CLOEXEC)
            #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
            let listener = try occupy(Ports(folder: folder).databasePort)
            async let next = services.start(.postgreSQL)
            while Processes.find(folder, arguments: "guardian.sh", folder + "/postgres") == nil { await Task.yield() }
            close(listener)
            close(lock)
            #expect(try await next == endpoints)
            await services.stop()
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root starts PostgreSQL as another user"))
    func aFolderThatPostgreSQLCannotEnterGetsALink() async throws {
        try await withTemporaryFolder { folder in
            chmod(folder, 0o700)
            let told = Progress()
            let services = PrivateServices(folder: folder + "/data", durability: .relaxed, onProgress: told.add)
            try await services.start(.postgreSQL)
            let place = try #require(told.lines.first?.split(separator: " ").last.map(String.init))
            #expect(place.hasPrefix("/var/lib/slipway/"))
            await services.stop()
            try await PrivateServices.remove(folder: folder + "/data")
            #expect(access(place, F_OK) != 0)
            #expect(access(folder + "/data", F_OK) != 0)
        }
    }

    @Test(arguments: ["relative/folder", "/tmp/with space", "/tmp/with[bracket", "/dev/null/folder"])
    func aFolderThatCannotServeIsRefused(_ folder: String) async throws {
        let error = await #expect(throws: ServiceError.self) { try await PrivateServices(folder: folder).start() }
        #expect(try #require(error).description.contains(folder))
    }
}

@Suite(.timeLimit(.minutes(15)))
struct GuardianTests {
    private static let script = #filePath.replacing(
        "Tests/LocalServicesTests/LocalServicesTests.swift", with: "Sources/Edges/LocalServices/Scripts/guardian.sh")

    /// The service ignores the polite signal and has children; the owner dies without a word.
    @Test func aKilledOwnerTakesTheServiceAndItsTemporaryFilesAlong() async throws {
        try await withTemporaryFolder { folder in
            let home = folder + "/home"
            try FileManager.default.createDirectory(atPath: home + "/service", withIntermediateDirectories: true)
            // sleep is the owner: it alone holds the other end of the guardian's input.
            let line =
                #"sleep 1000 | sh "$0" "$1" "TERM:1 KILL:5" remove - sh -c "trap '' TERM; sleep 1000; :""#
            _ = try await run(
                .name("sh"), arguments: ["-c", line, Self.script, home + "/service"],
                input: .none, output: .sequence, error: .discarded
            ) { execution in
                for try await text in execution.standardOutput.strings() {
                    guard text.hasPrefix("started ") else { continue }
                    #expect(!Processes.of(home).isEmpty)
                    let owner = try #require(children(of: execution.processIdentifier.value, named: "sleep").first)
                    kill(owner, SIGKILL)
                }
            }
            #expect(Processes.of(home) == [])
            #expect(access(home, F_OK) != 0)
        }
    }

    /// A pause is an outage: the service ends, its temporary files stay.
    @Test func aPauseKeepsTheFiles() async throws {
        try await withTemporaryFolder { folder in
            let home = folder + "/home"
            try FileManager.default.createDirectory(atPath: home + "/service", withIntermediateDirectories: true)
            let result = try await run(
                .name("sh"), arguments: [Self.script, home + "/service", "TERM:5", "remove", "-", "sleep", "1000"],
                input: .string("pause\n"), output: .string(limit: 1_000), error: .discarded)
            #expect(result.standardOutput.contains("ended"))
            #expect(access(home + "/service", F_OK) == 0)
        }
    }
}

/// A listener on a port of the loopback interface.
private func occupy(_ port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    try #require(bound == 0 && listen(descriptor, 1) == 0)
    return descriptor
}

private final class Progress: Sendable {
    private let told = Mutex<[String]>([])

    var lines: [String] { told.withLock { $0 } }

    @Sendable func add(_ progress: ServiceProgress) {
        let line =
            switch progress {
            case .creating(let service): "created \(service)"
            case .ready(let service, _): "\(service)"
            case .relocated(let service, let place): "\(service) \(place)"
            }
        told.withLock { $0.append(line) }
    }
}

private struct Failure: Error {
    let text: String
}

private func psql(_ url: String, _ statement: String) async throws -> String {
    let result = try await run(
        .name("psql"), arguments: ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", url, "-c", statement],
        output: .string(limit: 10_000), error: .combinedWithOutput)
    guard result.terminationStatus.isSuccess else { throw Failure(text: result.standardOutput) }
    return result.standardOutput.split(separator: "\n").joined(separator: "\n")
}

/// The ports that the services of a folder have chosen.
private struct Ports: Decodable {
    var databasePort: UInt16
    var brokerPort: UInt16
    var distributionPort: UInt16
    var portMapperPort: UInt16

    init(folder: String) throws {
        self = try JSONDecoder().decode(Ports.self, from: Data(contentsOf: URL(filePath: folder + "/services.json")))
    }

    /// Those that must be served; Erlang's port mapper may be one that was there before.
    var served: [UInt16] { [databasePort, brokerPort, distributionPort] }
    var all: Set<UInt16> { Set(served + [portMapperPort]) }
}

/// Whether somebody takes connections at this IPv4 address.
private func accepts(_ host: String, _ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr(host)
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

private func children(of parent: Int32, named name: String) -> [Int32] {
    guard let list = try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8) else {
        return []
    }
    return list.split(separator: " ").compactMap { Int32($0) }.filter { Processes.arguments($0).first == name }
}
