import AMQP
import LocalServices
import SlipwayTesting

/// An exchange and a queue of one test's own on the broker that all tests share.
struct Bench {
    let url: String
    let address: BrokerAddress
    let exchange: String
    let queue: String

    /// The queue exists from the start: RabbitMQ 3.10 answers the second of two who declare a quorum queue at the same
    /// time before the queue runs, and then refuses the first messages.
    init() async throws {
        try await self.init(url: TestServices.shared.amqpURL())
    }

    /// The same on a broker of one's own.
    init(url: String) async throws {
        self.url = url
        address = try BrokerAddress(url: url)
        let name = uniqueName("amqp")
        (exchange, queue) = ("\(name).events", "\(name).queue")
        let publisher = try publisher()
        try await publisher.waitUntilConnected()
        await publisher.close()
    }

    /// The queue takes what is published with routing keys that begin with `work.`.
    var topology: Topology {
        Topology(
            exchanges: [Exchange(name: exchange)], queues: [QueueDeclaration(name: queue)],
            bindings: [Binding(queue: queue, exchange: exchange, routingKey: "work.#")])
    }

    func publisher(
        _ topology: Topology? = nil, through proxy: TCPProxy? = nil, _ query: String = "",
        patience: Duration = .seconds(30)
    ) throws -> BrokerPublisher {
        BrokerPublisher(
            address: try address(through: proxy, query), topology: topology ?? self.topology, patience: patience,
            logger: quietLogger, name: "publisher")
    }

    func consumer(
        _ topology: Topology? = nil, queue: String? = nil, prefetch: Int = 100, through proxy: TCPProxy? = nil,
        _ query: String = ""
    ) throws -> BrokerConsumer {
        BrokerConsumer(
            address: try address(through: proxy, query), topology: topology ?? self.topology,
            queue: queue ?? self.queue, prefetch: prefetch, logger: quietLogger, name: "consumer")
    }

    func address(through proxy: TCPProxy?, _ query: String = "") throws -> BrokerAddress {
        let text = proxy.map { url.replacing(":\(address.port)", with: ":\($0.port)") } ?? url
        return try BrokerAddress(url: text + query)
    }

    func proxy() async throws -> TCPProxy { try await TCPProxy(to: address.port) }

    func message(_ id: Int, _ change: (inout OutgoingMessage) -> Void = { _ in }) -> OutgoingMessage {
        var message = OutgoingMessage(
            exchange: exchange, routingKey: "work.item", messageID: "\(id)", type: "test.item.v1",
            body: Array("{\"number\":\(id)}".utf8))
        change(&message)
        return message
    }

    func messages(_ ids: Range<Int>) -> [OutgoingMessage] { ids.map { message($0) } }

    /// Publishes until each message was confirmed, and says how many confirms went missing on the way.
    func deliver(_ messages: [OutgoingMessage], with publisher: BrokerPublisher) async throws -> Int {
        var open = messages
        var repeated = 0
        while !open.isEmpty {
            try await publisher.waitUntilConnected()
            let outcomes = await publisher.publish(open)
            open = zip(open, outcomes).filter { $1 != .confirmed }.map(\.0)
            repeated += open.count
        }
        return repeated
    }

    /// Takes and acknowledges batches until `count` different messages came.
    func collect(_ count: Int, from consumer: BrokerConsumer) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        var ids: Set<String?> = []
        while ids.count < count {
            let batch = try await consumer.next(maximum: 100)
            if batch.isEmpty { return deliveries }
            deliveries += batch
            ids.formUnion(batch.map(\.messageID))
            await consumer.ack(batch)
        }
        return deliveries
    }
}

extension [Delivery] {
    var ids: [String] { compactMap(\.messageID) }
}
