import FoundationEssentials
import Glibc

/// What a folder of services remembers between starts (`services.json`, readable by its owner alone).
struct ServiceRecord: Codable, Sendable {
    var databasePort: UInt16
    var brokerPort: UInt16
    /// Erlang's distribution and its port mapper: RabbitMQ's own tools speak to the broker through them.
    var distributionPort: UInt16
    var portMapperPort: UInt16
    var databasePassword: String
    var brokerPassword: String

    static let user = "slipway"
    static let database = "slipway"

    var endpoints: ServiceEndpoints {
        ServiceEndpoints(
            databaseURL: "postgresql://\(Self.user):\(databasePassword)@127.0.0.1:\(databasePort)/\(Self.database)",
            amqpURL: "amqp://\(Self.user):\(brokerPassword)@127.0.0.1:\(brokerPort)/")
    }

    /// A new record with fresh passwords; its ports are not chosen yet.
    init() {
        databasePort = 0
        brokerPort = 0
        distributionPort = 0
        portMapperPort = 0
        databasePassword = Self.secret()
        brokerPassword = Self.secret()
    }

    static func path(_ folder: String) -> String { folder + "/services.json" }

    static func exists(in folder: String) -> Bool { access(path(folder), F_OK) == 0 }

    static func read(from folder: String) throws(ServiceError) -> ServiceRecord {
        do {
            return try JSONDecoder().decode(
                ServiceRecord.self, from: Data(contentsOf: URL(filePath: path(folder))))
        } catch {
            throw .unusableFolder(folder, reason: "services.json is not readable: \(error)")
        }
    }

    func write(to folder: String) throws(ServiceError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            try writeFile(Self.path(folder), [UInt8](encoder.encode(self)), mode: 0o600)
        } catch let error as ServiceError {
            throw error
        } catch {
            throw .unusableFolder(folder, reason: "services.json cannot be written: \(error)")
        }
    }

    /// Keeps the ports of the former start where they are free, and of services that are just being stopped; chooses
    /// others where they are not.
    mutating func choosePorts(keeping stopping: [PrivateService]) throws(ServiceError) {
        var ports = FreePorts()
        if !stopping.contains(.postgreSQL) { databasePort = try ports.choose(databasePort) }
        if !stopping.contains(.rabbitMQ) {
            brokerPort = try ports.choose(brokerPort)
            distributionPort = try ports.choose(distributionPort)
            portMapperPort = try ports.choose(portMapperPort)
        }
    }

    static func secret() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// Free ports of the loopback interface, different from each other.
package struct FreePorts: ~Copyable {
    private var held: [BoundPort] = []

    package init() {}

    /// - Parameter wanted: taken if it is free; 0 takes any.
    package mutating func choose(_ wanted: UInt16 = 0) throws(ServiceError) -> UInt16 {
        if wanted != 0, let bound = BoundPort(wanted) {
            held.append(bound)
            return wanted
        }
        // Below the range the kernel takes outgoing connections' ports from, so that none of them is in the way.
        for _ in 0..<500 {
            if let bound = BoundPort(.random(in: 15_000..<32_000)) {
                held.append(bound)
                return bound.port
            }
        }
        throw .failed(.postgreSQL, detail: "there is no free port between 15000 and 32000 on 127.0.0.1.")
    }
}

/// A port of the loopback interface that is free because this holds it.
private final class BoundPort {
    let port: UInt16
    private let descriptor: Int32

    init?(_ port: UInt16) {
        self.port = port
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard withLoopbackAddress(port: port, { bind(descriptor, $0, $1) }) == 0 else { return nil }
    }

    deinit { close(descriptor) }
}

func withLoopbackAddress<R>(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

/// Writes a file whole or not at all.
func writeFile(_ path: String, _ bytes: [UInt8], mode: mode_t, owner: ServiceUser? = nil) throws(ServiceError) {
    let partial = path + ".new"
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    var written =
        descriptor >= 0 && fchmod(descriptor, mode) == 0 && write(descriptor, bytes, bytes.count) == bytes.count
    if written, let owner { written = fchown(descriptor, owner.userID, owner.groupID) == 0 }
    let reason = String(cString: strerror(errno))
    if descriptor >= 0 { close(descriptor) }
    guard written, rename(partial, path) == 0 else {
        throw .unusableFolder(path, reason: "it cannot be written (\(reason))")
    }
}
