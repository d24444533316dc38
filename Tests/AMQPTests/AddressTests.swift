import AMQP
import Testing

@Suite struct AddressTests {
    struct Reading: Sendable, CustomTestStringConvertible {
        let url: String
        let host: String
        let port: Int
        let virtualHost: String
        let user: String
        var heartbeat = 20
        var usesTLS = false
        var testDescription: String { url }
    }

    @Test(arguments: [
        Reading(url: "amqp://localhost", host: "localhost", port: 5672, virtualHost: "/", user: "guest"),
        Reading(url: "amqp://", host: "localhost", port: 5672, virtualHost: "/", user: "guest"),
        Reading(url: "AMQP://broker:1234/", host: "broker", port: 1234, virtualHost: "/", user: "guest"),
        Reading(url: "amqps://broker/ci", host: "broker", port: 5671, virtualHost: "ci", user: "guest", usesTLS: true),
        Reading(url: "amqp://ann:x@broker/%2f", host: "broker", port: 5672, virtualHost: "/", user: "ann"),
        Reading(url: "amqp://a%40b:p%3Aw@broker/a%2Fb", host: "broker", port: 5672, virtualHost: "a/b", user: "a@b"),
        Reading(url: "amqp://ann:p@ss@broker", host: "broker", port: 5672, virtualHost: "/", user: "ann"),
        Reading(url: "amqp://[::1]:99/v", host: "::1", port: 99, virtualHost: "v", user: "guest"),
        Reading(url: "amqp://[::1]", host: "::1", port: 5672, virtualHost: "/", user: "guest"),
        Reading(url: "amqp://b?heartbeat=3", host: "b", port: 5672, virtualHost: "/", user: "guest", heartbeat: 3),
        Reading(
            url: "amqps://b/v?cacertfile=/ca&certfile=/c&keyfile=/k&verify=verify_peer&connection_timeout=500",
            host: "b", port: 5671, virtualHost: "v", user: "guest", usesTLS: true),
    ])
    func reads(_ reading: Reading) throws {
        let address = try BrokerAddress(url: reading.url)
        #expect(address.host == reading.host)
        #expect(address.port == reading.port)
        #expect(address.virtualHost == reading.virtualHost)
        #expect(address.user == reading.user)
        #expect(address.heartbeat == reading.heartbeat)
        #expect(address.usesTLS == reading.usesTLS)
    }

    @Test(arguments: [
        ("broker:5672", "must begin with amqp://"),
        ("http://broker", "scheme must be amqp or amqps"),
        ("amqp://broker:0", "port must be a number from 1 to 65535"),
        ("amqp://broker:65536", "port must be a number from 1 to 65535"),
        ("amqp://broker:", "port must be a number"),
        ("amqp://broker:five", "port must be a number"),
        ("amqp://broker/a/b", "must be written %2f"),
        ("amqp://broker/%zz", "in the virtual host, '%' must be followed by two hexadecimal digits"),
        ("amqp://broker/%ff", "the virtual host must be UTF-8 text"),
        ("amqp://broker/%00", "the virtual host must be UTF-8 text"),
        ("amqp://u:%4@broker", "in the password, '%'"),
        ("amqp://[::1", "no ']' ends it"),
        ("amqp://[::1]x", "only :port may follow"),
        ("amqp://u:secret#1@broker", "'#' must be written %23"),
        ("amqp://broker?heartbeat=0", "heartbeat must be from 1 to 3600 seconds"),
        ("amqp://broker?heartbeat=x", "heartbeat must be from 1 to 3600 seconds"),
        ("amqp://broker?cacertfile=/ca", "needs the scheme amqps"),
        ("amqps://broker?certfile=/c", "certfile and keyfile belong together"),
        ("amqps://broker?cacertfile=", "must name a file"),
        ("amqps://broker?verify=verify_none", "can only be verify_peer"),
        ("amqp://broker?color=red", "parameter color is not known"),
    ])
    func refuses(url: String, problem: String) throws {
        let error = try #require(throws: BrokerError.self) { try BrokerAddress(url: url) }
        #expect("\(error)".contains(problem))
        #expect(!"\(error)".contains("secret"))
        #expect(error.isPermanent)
    }

    @Test func neverShowsThePassword() throws {
        let address = try BrokerAddress(url: "amqps://ann:secret@broker:1/v")
        #expect("\(address)" == "amqps://ann:***@broker:1/v")
        #expect(!String(reflecting: address).contains("secret"))
        #expect(address.endpoint == "broker:1 (virtual host v)")
    }
}
