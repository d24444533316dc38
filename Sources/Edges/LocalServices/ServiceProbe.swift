import Glibc

/// Asks a port whether the service behind it is ready, in the first words of its protocol.
enum ServiceProbe: Sendable {
    case postgreSQL
    case rabbitMQ

    /// True when the server asks for a password (PostgreSQL) or offers a connection (RabbitMQ). While PostgreSQL
    /// starts up it answers with an error; RabbitMQ listens only when it has started.
    func isAnswered(port: UInt16) async -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard withLoopbackAddress(port: port, { connect(descriptor, $0, $1) }) == 0 else { return false }
        let greeting = greeting
        guard send(descriptor, greeting, greeting.count, Int32(MSG_NOSIGNAL)) == greeting.count else {
            return false
        }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 100) == 1 else { return false }
        var first: UInt8 = 0
        return recv(descriptor, &first, 1, 0) == 1 && first == answer
    }

    private var greeting: [UInt8] {
        switch self {
        case .postgreSQL:
            // StartupMessage 3.0 (PostgreSQL manual, "Message Formats"): length, version, pairs, end.
            let pairs = Array("user\0\(ServiceRecord.user)\0database\0\(ServiceRecord.database)\0\0".utf8)
            return [0, 0, 0, UInt8(8 + pairs.count), 0, 3, 0, 0] + pairs
        case .rabbitMQ:
            return Array("AMQP".utf8) + [0, 0, 9, 1]
        }
    }

    private var answer: UInt8 {
        switch self {
        case .postgreSQL: UInt8(ascii: "R")
        case .rabbitMQ: 1  // a method frame: connection.start
        }
    }
}
