/// Where a broker is and how to log in: `amqp://user:password@host:port/vhost` or `amqps://…`, as RabbitMQ's URI
/// specification has it. Left out: port 5672 (5671 for amqps), user and password guest, virtual host `/`.
///
/// Query parameters: `heartbeat` (seconds, 20), `connection_timeout` (milliseconds, 10000), and for amqps `cacertfile`,
/// `certfile`, `keyfile` (PEM). Peer and host name are always verified, against the system's roots without `cacertfile`.
package struct BrokerAddress: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    package let host: String
    package let port: Int
    package let virtualHost: String
    package let user: String
    let password: String
    package let usesTLS: Bool
    /// Seconds; the connection is given up after twice that without a byte.
    package let heartbeat: Int
    package let connectTimeout: Duration
    package let certificateAuthorityFile: String?
    package let certificateFile: String?
    package let keyFile: String?

    /// Reads the URL; throws `.invalidAddress` with what is wrong in it.
    package init(url: String) throws(BrokerError) {
        let (scheme, rest) = try Self.cut(url, at: "://", orElse: "it must begin with amqp:// or amqps://")
        switch scheme.lowercased() {
        case "amqp": usesTLS = false
        case "amqps": usesTLS = true
        default: throw .invalidAddress("its scheme must be amqp or amqps")
        }
        guard !rest.contains("#") else { throw .invalidAddress("'#' must be written %23") }
        let questionMark = rest.firstIndex(of: "?") ?? rest.endIndex
        let beforeQuery = rest[..<questionMark]
        let slash = beforeQuery.firstIndex(of: "/") ?? beforeQuery.endIndex

        let authority = beforeQuery[..<slash]
        let hostStart = authority.lastIndex(of: "@").map { authority.index(after: $0) } ?? authority.startIndex
        (host, port) = try Self.hostAndPort(authority[hostStart...], defaultPort: usesTLS ? 5671 : 5672)
        (user, password) = try Self.credentials(authority[..<hostStart].dropLast())

        let path = beforeQuery[slash...].dropFirst()
        guard !path.contains("/") else {
            throw .invalidAddress("a '/' within the virtual host must be written %2f")
        }
        virtualHost = path.isEmpty ? "/" : try Self.decoded(path, "the virtual host")

        let query = try Query(rest[questionMark...].dropFirst(), usesTLS: usesTLS)
        heartbeat = query.heartbeat
        connectTimeout = query.connectTimeout
        certificateAuthorityFile = query.files["cacertfile"]
        certificateFile = query.files["certfile"]
        keyFile = query.files["keyfile"]
    }

    /// Host, port and virtual host, as messages name the broker.
    package var endpoint: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(name):\(port)\(virtualHost == "/" ? "" : " (virtual host \(virtualHost))")"
    }

    /// The address without its password.
    package var description: String {
        "\(usesTLS ? "amqps" : "amqp")://\(user):***@\(host.contains(":") ? "[\(host)]" : host):\(port)"
            + (virtualHost == "/" ? "" : "/\(virtualHost)")
    }

    package var debugDescription: String { description }

    // MARK: Parts

    private static func cut(
        _ text: String, at separator: String, orElse problem: String
    ) throws(BrokerError) -> (Substring, Substring) {
        guard let range = text.firstRange(of: separator) else { throw .invalidAddress(problem) }
        return (text[..<range.lowerBound], text[range.upperBound...])
    }

    private static func hostAndPort(_ text: Substring, defaultPort: Int) throws(BrokerError) -> (String, Int) {
        var host = text
        var port: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else {
                throw .invalidAddress("'[' opens a host and no ']' ends it")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let after = text[text.index(after: end)...]
            guard after.isEmpty || after.first == ":" else { throw .invalidAddress("after ']' only :port may follow") }
            port = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        let name = host.isEmpty ? "localhost" : try decoded(host, "the host")
        guard let port else { return (name, defaultPort) }
        guard let number = Int(port), (1...65535).contains(number) else {
            throw .invalidAddress("its port must be a number from 1 to 65535")
        }
        return (name, number)
    }

    private static func credentials(_ text: Substring) throws(BrokerError) -> (String, String) {
        guard !text.isEmpty else { return ("guest", "guest") }
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let user = try decoded(text[..<colon], "the user")
        return (user, try decoded(text[colon...].dropFirst(), "the password"))
    }

    fileprivate static func decoded(_ text: Substring, _ part: String) throws(BrokerError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw .invalidAddress("in \(part), '%' must be followed by two hexadecimal digits")
            }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        // A NUL would cut the text short on its way through C.
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .invalidAddress("\(part) must be UTF-8 text")
        }
        return decoded
    }

    private struct Query {
        var heartbeat = 20
        var connectTimeout = Duration.seconds(10)
        var files: [String: String] = [:]

        init(_ text: Substring, usesTLS: Bool) throws(BrokerError) {
            for pair in text.split(separator: "&") {
                let equals = pair.firstIndex(of: "=") ?? pair.endIndex
                let key = String(pair[..<equals])
                let value = try decoded(pair[equals...].dropFirst(), "parameter \(key)")
                switch key {
                case "heartbeat": heartbeat = try Self.number(value, key, 1...3600, "seconds")
                case "connection_timeout":
                    connectTimeout = .milliseconds(try Self.number(value, key, 1...600_000, "milliseconds"))
                case "cacertfile", "certfile", "keyfile":
                    guard usesTLS else { throw .invalidAddress("parameter \(key) needs the scheme amqps") }
                    guard !value.isEmpty else { throw .invalidAddress("parameter \(key) must name a file") }
                    files[key] = value
                case "verify" where value == "verify_peer": break
                case "verify":
                    throw .invalidAddress("parameter verify can only be verify_peer; name the CA with cacertfile")
                default:
                    throw .invalidAddress(
                        "parameter \(key) is not known; known are heartbeat, connection_timeout, cacertfile, certfile, "
                            + "keyfile, verify")
                }
            }
            guard (files["certfile"] == nil) == (files["keyfile"] == nil) else {
                throw .invalidAddress("certfile and keyfile belong together")
            }
        }

        private static func number(
            _ text: String, _ key: String, _ range: ClosedRange<Int>, _ unit: String
        ) throws(BrokerError) -> Int {
            guard let number = Int(text), range.contains(number) else {
                throw .invalidAddress(
                    "parameter \(key) must be from \(range.lowerBound) to \(range.upperBound) \(unit)")
            }
            return number
        }
    }
}
