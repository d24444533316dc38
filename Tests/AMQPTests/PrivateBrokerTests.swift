import AMQP
import FoundationEssentials
import LocalServices
import SlipwayTesting
import Subprocess
import Testing

/// What needs a broker that no other test uses: alarms, outages, TLS.
@Suite(.serialized, .timeLimit(.minutes(15))) struct PrivateBrokerTests {
    @Test func publishingWaitsWhileTheBrokerIsShortOfMemory() async throws {
        let broker = try await PrivateBroker.shared.value
        let bench = try await Bench(url: broker.url)
        let publisher = try bench.publisher()
        #expect(await publisher.publish([bench.message(0)]) == [.confirmed])
        #expect(await !publisher.isBlocked)

        try await broker.control("set_vm_memory_high_watermark", "0.00001")
        let call = Task { await publisher.publish(bench.messages(1..<2000)) }
        try await eventually("the broker says stop") { await publisher.isBlocked }
        // At most one window left before the broker said stop.
        let depth = try await Broker.queueDepth(address: bench.address, queue: bench.queue)
        #expect(depth.ready <= 501)
        let impatient = Task { await publisher.publish([bench.message(1)]) }
        impatient.cancel()
        #expect(await impatient.value == [.unknown("not sent: cancelled")])

        try await broker.control("set_vm_memory_high_watermark", "absolute", "1GB")
        #expect(await call.value.allSatisfy { $0 == .confirmed })
        #expect(await !publisher.isBlocked)
        let consumer = try bench.consumer()
        #expect(try await bench.collect(2000, from: consumer).ids == (0..<2000).map(String.init))
        await consumer.close()
        await publisher.close()
    }

    @Test func anOutageLosesNothingThatWasConfirmed() async throws {
        let broker = try await PrivateBroker.shared.value
        let bench = try await Bench(url: broker.url)
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(prefetch: 10)
        #expect(try await bench.deliver(bench.messages(0..<100), with: publisher) == 0)
        let inHand = try await consumer.next(maximum: 10)

        await broker.services.stop(.rabbitMQ)
        guard case .unknown = await publisher.publish([bench.message(100)])[0] else {
            Issue.record("published without a broker")
            return
        }
        let reachable = Task { try await Broker.waitUntilReachable(address: bench.address, logger: quietLogger) }
        try await broker.services.start(.rabbitMQ)
        try await reachable.value

        _ = try await bench.deliver([bench.message(100)], with: publisher)
        await consumer.ack(inHand)
        let deliveries = try await bench.collect(101, from: consumer)
        #expect(Set(deliveries.ids) == Set((0...100).map(String.init)))
        await consumer.close()
        await publisher.close()
    }

    @Test func aVerifiedBrokerIsSpokenToOverTLS() async throws {
        let broker = try await PrivateBroker.shared.value
        let bench = try await Bench(url: broker.secureURL(host: "127.0.0.1"))
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(prefetch: 500)
        // More than one TLS record, also within one message.
        let large = (0..<20).map { number in
            bench.message(number) { $0.body = Array(repeating: UInt8(number), count: 100_000) }
        }
        #expect(try await bench.deliver(large + bench.messages(20..<1000), with: publisher) == 0)
        let deliveries = try await bench.collect(1000, from: consumer)
        #expect(deliveries.prefix(20).map(\.body) == large.map(\.body))
        #expect(deliveries.ids == (0..<1000).map(String.init))
        await consumer.close()
        await publisher.close()
    }

    /// As after a full disk: the node runs, its quorum queues do not.
    @Test func whatABrokerNeverConfirmsIsGivenUpAndPublishedAgainWhenItDoes() async throws {
        let broker = try await PrivateBroker.shared.value
        let bench = try await Bench(url: broker.url)
        let publisher = try bench.publisher(nil, "?heartbeat=1", patience: .seconds(1))
        #expect(await publisher.publish([bench.message(0)]) == [.confirmed])

        try await broker.control("eval", "application:stop(ra).")
        guard case .unknown(let reason) = await publisher.publish([bench.message(1)])[0] else {
            Issue.record("confirmed by a broker that keeps nothing")
            return
        }
        #expect(reason.contains("1 message(s) were not confirmed"), "\(reason)")

        await broker.services.stop(.rabbitMQ)
        try await broker.services.start(.rabbitMQ)
        try await publisher.waitUntilConnected()
        _ = try await bench.deliver([bench.message(1)], with: publisher)
        let consumer = try bench.consumer()
        #expect(try await Set(bench.collect(2, from: consumer).ids) == ["0", "1"])
        await consumer.close()
        await publisher.close()
    }

    @Test func aBrokerThatCannotBeVerifiedIsRefused() async throws {
        let broker = try await PrivateBroker.shared.value
        let good = broker.secureURL(host: "127.0.0.1")
        for (url, reason) in [
            (broker.secureURL(host: "localhost"), "hostname mismatch"),
            (good.replacing("/ca.pem", with: "/stranger.pem"), "self-signed certificate in certificate chain"),
            (good.replacing("cacertfile=\(broker.tls)/ca.pem&", with: ""), "certificate"),
            (good.replacing("/ca.pem", with: "/missing.pem"), "no certificates can be read from cacertfile"),
            (good.replacing("/client.key", with: "/stranger.key"), "cannot be used"),
        ] {
            let address = try BrokerAddress(url: url)
            let error = try await #require(throws: BrokerError.self) {
                _ = try await Broker.queueDepth(address: address, queue: "none")
            }
            guard case .untrusted(let endpoint, let text) = error else {
                Issue.record(error)
                continue
            }
            #expect(text.contains(reason), "\(url)")
            #expect(endpoint == "\(address.host):\(address.port)")
            #expect(error.isPermanent)
        }
        // No TLS spoken at the other end, and no certificate of ours.
        for url in [
            broker.url.replacing("amqp://", with: "amqps://"),
            String(good.prefix { $0 != "?" }) + "?cacertfile=\(broker.tls)/ca.pem",
        ] {
            let address = try BrokerAddress(url: url)
            await #expect(throws: BrokerError.self) {
                _ = try await Broker.queueDepth(address: address, queue: "none")
            }
        }
    }
}

/// A RabbitMQ with a TLS listener, for this process alone, gone with it.
struct PrivateBroker: Sendable {
    static let shared = Task { try await PrivateBroker() }

    let services: PrivateServices
    private let folder: String
    /// The folder of the certificates.
    var tls: String { folder + "/rabbitmq/tls" }
    let url: String
    private let securePort: Int

    private init() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/\(uniqueName("broker"))"
        let tls = folder + "/rabbitmq/tls"
        self.folder = folder
        let listener = try await TCPProxy(to: 0)
        securePort = listener.port
        await listener.stop()
        try FileManager.default.createDirectory(atPath: folder + "/rabbitmq/conf.d", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: tls, withIntermediateDirectories: true)
        try await Self.makeCertificates(in: tls)
        try """
        listeners.ssl.default = 127.0.0.1:\(securePort)
        ssl_options.cacertfile = \(tls)/ca.pem
        ssl_options.certfile = \(tls)/server.pem
        ssl_options.keyfile = \(tls)/server.key
        ssl_options.verify = verify_peer
        ssl_options.fail_if_no_peer_cert = true

        """.write(toFile: folder + "/rabbitmq/conf.d/tls.conf", atomically: true, encoding: .utf8)
        // Killed within half a second of declaring a quorum queue, RabbitMQ 3.10 forgets which log is the queue's and
        // never elects a leader for it again; so this one is stopped in an orderly way.
        services = PrivateServices(folder: folder, durability: .full, retention: .remove)
        try await services.start(.rabbitMQ)
        url = try #require(PrivateServices.running(in: folder)).amqpURL
    }

    func secureURL(host: String) -> String {
        let port = (try? BrokerAddress(url: url).port) ?? 0
        return url.replacing("amqp://", with: "amqps://").replacing("127.0.0.1:\(port)", with: "\(host):\(securePort)")
            + "?cacertfile=\(tls)/ca.pem&certfile=\(tls)/client.pem&keyfile=\(tls)/client.key"
    }

    /// Runs `rabbitmqctl`, the one of the server's own folder.
    func control(_ arguments: String...) async throws {
        struct Record: Decodable {
            let portMapperPort: Int
        }
        let record = try JSONDecoder().decode(
            Record.self, from: Data(contentsOf: URL(filePath: folder + "/services.json")))
        let root = "/usr/lib/rabbitmq/lib"
        let versions = try FileManager.default.contentsOfDirectory(atPath: root).sorted()
        let server = try #require(versions.last { $0.hasPrefix("rabbitmq_server-") })
        try await Self.succeed(
            "\(root)/\(server)/sbin/rabbitmqctl", arguments,
            environment: [
                "HOME": folder + "/rabbitmq/home", "ERL_EPMD_PORT": "\(record.portMapperPort)", "LANG": "C.UTF-8",
                "RABBITMQ_NODENAME": "slipway@localhost", "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            ])
    }

    /// An authority with a certificate for 127.0.0.1 and one for a client, and a stranger.
    private static func makeCertificates(in folder: String) async throws {
        func make(_ name: String, _ extra: String...) async throws {
            try await succeed(
                "openssl",
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"]
                    + ["-subj", "/CN=\(name)", "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem"]
                    + extra)
        }
        let signed = ["-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key"]
        try await make("ca")
        try await make("stranger")
        try await make("server", signed[0], signed[1], signed[2], signed[3], "-addext", "subjectAltName=IP:127.0.0.1")
        try await make("client", signed[0], signed[1], signed[2], signed[3])
    }

    private static func succeed(
        _ program: String, _ arguments: [String], environment: [Environment.Key: String] = [:]
    ) async throws {
        let result = try await run(
            .name("sh"), arguments: Arguments(["-c", "exec \"$@\"", "sh", program] + arguments),
            environment: .inherit.updating(environment), output: .string(limit: 65536), error: .combinedWithOutput)
        try #require(result.terminationStatus.isSuccess, "\(program) \(arguments): \(result.standardOutput)")
    }
}
