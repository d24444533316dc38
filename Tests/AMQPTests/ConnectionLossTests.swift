import AMQP
import LocalServices
import Logging
import SlipwayTesting
import Synchronization
import Testing

/// Why messages were not confirmed.
private final class Heard: Sendable {
    let reasons = Mutex<[String]>([])
}

/// What happens when the network or the broker fails, through a proxy that does it on request.
@Suite(.timeLimit(.minutes(15))) struct ConnectionLossTests {
    @Test(arguments: [1, 21, 50])
    func aLossAmongConfirmsLosesNoMessage(bytes: Int) async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher(through: proxy)
        let consumer = try bench.consumer()
        try await publisher.waitUntilConnected()
        await proxy.cut(afterBytes: bytes, .toClient)
        // What is unknown is published again, so it may come twice, but it comes.
        _ = try await bench.deliver(bench.messages(0..<2000), with: publisher)
        let deliveries = try await bench.collect(2000, from: consumer)
        #expect(Set(deliveries.ids) == Set((0..<2000).map(String.init)))
        #expect(await proxy.acceptedCount == 2)
        await consumer.close()
        await publisher.close()
        await proxy.stop()
    }

    @Test func aMessageCutInTheMiddleIsPublishedWhole() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher(through: proxy)
        let consumer = try bench.consumer()
        try await publisher.waitUntilConnected()
        await proxy.cut(afterBytes: 10_000, .toServer)
        let message = bench.message(1) { $0.body = Array(repeating: 1, count: 60_000) }
        guard case .unknown(let reason) = await publisher.publish([message])[0] else {
            Issue.record("confirmed, though it cannot have arrived")
            return
        }
        #expect(reason.contains("lost") && reason.contains("before the confirm"))
        _ = try await bench.deliver([message], with: publisher)
        let batch = try await consumer.next(maximum: 10)
        #expect(batch.map(\.body) == [message.body])
        await consumer.close()
        await publisher.close()
        await proxy.stop()
    }

    @Test(arguments: [100, 4321, 20_000])
    func aConsumerCutInTheMiddleOfADeliveryGetsItAgain(bytes: Int) async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(prefetch: 50, through: proxy)
        #expect(try await bench.deliver(bench.messages(0..<1), with: publisher) == 0)
        let first = try await consumer.next(maximum: 1)
        #expect(first.ids == ["0"])
        await proxy.cut(afterBytes: bytes, .toClient)
        #expect(try await bench.deliver(bench.messages(1..<600), with: publisher) == 0)
        let deliveries = try await bench.collect(600, from: consumer)
        #expect(Set(deliveries.ids) == Set((0..<600).map(String.init)))
        #expect(deliveries.allSatisfy { $0.body == bench.message(Int($0.messageID ?? "") ?? -1).body })
        // The first one was in hand when the connection went: it came again.
        #expect(deliveries.contains { $0.messageID == "0" && $0.redelivered && $0.epoch > first[0].epoch })
        await consumer.close()
        await publisher.close()
        await proxy.stop()
    }

    @Test func anAcknowledgementOfALostConnectionIsIgnored() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(through: proxy)
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])
        let before = try await consumer.next(maximum: 1)
        await proxy.cut()
        let again = try await consumer.next(maximum: 1)
        #expect(again.ids == before.ids)
        #expect(again[0].tag == before[0].tag && again[0].epoch > before[0].epoch)
        // Its tag names the new delivery now; acknowledging that would lose it.
        await consumer.ack(before)
        await consumer.close()
        let heir = try bench.consumer()
        #expect(try await heir.next(maximum: 1).ids == ["1"])
        await heir.close()
        await publisher.close()
        await proxy.stop()
    }

    @Test func aHalfOpenConnectionIsNoticedByItsMissingHeartbeats() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher(through: proxy, "?heartbeat=1")
        let consumer = try bench.consumer(through: proxy, "?heartbeat=1")
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])
        await consumer.ack(try await consumer.next(maximum: 1))
        await proxy.hold()
        // Nobody ends the two connections; both clients give them up and connect anew.
        let next = Task { try await bench.collect(1, from: consumer) }
        guard case .unknown(let reason) = await publisher.publish([bench.message(2)])[0] else {
            Issue.record("confirmed over a connection that passes nothing on")
            return
        }
        #expect(reason.contains("nothing came for 2 s, not even a heartbeat"))
        _ = try await bench.deliver([bench.message(3)], with: publisher)
        let ids = Set(try await next.value.ids)
        #expect(!ids.isEmpty && ids.isSubset(of: ["1", "2", "3"]))
        await proxy.waitForConnections(4)
        await consumer.close()
        await publisher.close()
        await proxy.stop()
    }

    @Test func aPublisherThatNeverPausesGivesUpASilentBroker() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher(through: proxy, "?heartbeat=1")
        #expect(await publisher.publish([bench.message(0)]) == [.confirmed])
        await proxy.hold()
        let heard = Heard()
        try await withThrowingTaskGroup(of: Void.self) { group in
            var number = 0
            // Between the last heartbeat that was due and the look for it, something is published.
            try await eventually("the connection is given up") {
                number += 1
                group.addTask { [message = bench.message(number)] in
                    guard case .unknown(let reason) = await publisher.publish([message])[0] else { return }
                    heard.reasons.withLock { $0.append(reason) }
                }
                return heard.reasons.withLock { !$0.isEmpty }
            }
            try await group.waitForAll()
        }
        #expect(heard.reasons.withLock { $0[0].contains("nothing came for 2 s, not even a heartbeat") })
        await publisher.close()
        await proxy.stop()
    }

    @Test func aPeerThatTakesNothingMoreDoesNotHoldThePublisher() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher(through: proxy, "?heartbeat=1")
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])
        await proxy.hold()
        // More than the buffers of two sockets hold.
        let outcomes = await publisher.publish(
            (2..<402).map { id in bench.message(id) { $0.body = [UInt8](repeating: 0, count: 64 << 10) } })
        // What was under way is given up; the rest goes over the next connection.
        guard case .unknown = outcomes[0] else {
            Issue.record("\(outcomes[0]) over a connection that passes nothing on")
            return
        }
        _ = try await bench.deliver([bench.message(402)], with: publisher)
        await publisher.close()
        await proxy.stop()
    }

    @Test func aConnectionWithoutTrafficLivesOnHeartbeats() async throws {
        let bench = try await Bench()
        let (quietWay, brokenWay) = (try await bench.proxy(), try await bench.proxy())
        let silent = try bench.publisher(through: quietWay, "?heartbeat=2")
        let other = try bench.publisher(through: brokenWay, "?heartbeat=2")
        try await silent.waitUntilConnected()
        // Each time the other one is given up, more than two of the silent one's heartbeats have passed.
        for number in 0..<2 {
            try await other.waitUntilConnected()
            await brokenWay.hold()
            _ = await other.publish([bench.message(number)])
        }
        #expect(await silent.publish([bench.message(2)]) == [.confirmed])
        #expect(await quietWay.acceptedCount == 1)
        await silent.close()
        await other.close()
        await quietWay.stop()
        await brokenWay.stop()
    }

    @Test func aCloseByTheBrokerIsToldAndSurvived() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher(through: proxy)
        let consumer = try bench.consumer(through: proxy)
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])
        await consumer.ack(try await consumer.next(maximum: 1))
        await proxy.hold([.toClient])
        let call = Task { await publisher.publish([bench.message(2)]) }
        // A frame of an unknown type, on behalf of both clients.
        await proxy.inject([9, 0, 0, 0, 0, 0, 0, 0xCE], .toServer)
        await proxy.release()
        if case .unknown(let reason) = await call.value[0] {
            #expect(reason.contains("closed") || reason.contains("not sent"))
        }
        _ = try await bench.deliver([bench.message(3)], with: publisher)
        var ids: Set<String> = []
        while !ids.contains("3") {
            let batch = try await consumer.next(maximum: 10)
            ids.formUnion(batch.ids)
            await consumer.ack(batch)
        }
        await proxy.waitForConnections(4)
        await consumer.close()
        await publisher.close()
        await proxy.stop()
    }

    @Test func aBrokerThatIsNotThereIsSaidAndWaitedFor() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        await proxy.refuse()
        let publisher = try bench.publisher(through: proxy)
        let reason =
            "cannot reach RabbitMQ at 127.0.0.1:\(proxy.port): connection refused; start it, or correct AMQP_URL"
        #expect(await publisher.publish([bench.message(1)]) == [.unknown("not sent: \(reason)")])
        #expect(await !publisher.isConnected)
        let consumer = try bench.consumer(through: proxy)
        let next = Task { try await consumer.next(maximum: 1) }
        try await proxy.accept()
        #expect(try await bench.deliver([bench.message(1)], with: publisher) == 0)
        #expect(try await next.value.ids == ["1"])
        await consumer.close()
        await publisher.close()
        await proxy.stop()
    }

    @Test func closingAnswersWhoWaits() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        await proxy.refuse()
        let publisher = try bench.publisher(through: proxy)
        let connected = Task { try await publisher.waitUntilConnected() }
        _ = await publisher.publish([bench.message(1)])
        await publisher.close()
        await #expect(throws: BrokerError.closed) { try await connected.value }
        await proxy.stop()
    }

    // MARK: Waiting at start

    @Test func waitingSaysSoOnceAndOnceMoreAtItsEnd() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        await proxy.refuse()
        let lines = Lines()
        let logger = Logger(label: "amqp-tests") { _ in lines }
        let address = try bench.address(through: proxy)
        let wait = Task { try await Broker.waitUntilReachable(address: address, logger: logger) }
        await lines.first()
        try await proxy.accept()
        try await wait.value
        let endpoint = "127.0.0.1:\(proxy.port)"
        #expect(lines.all.count == 2)
        #expect(lines.all.first == "waiting for RabbitMQ at \(endpoint): connection refused")
        #expect(lines.all.last?.hasPrefix("RabbitMQ at \(endpoint) is back after ") == true)
        await proxy.stop()
    }

    @Test func waitingEndsWithItsTask() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        await proxy.refuse()
        let address = try bench.address(through: proxy)
        let wait = Task { try await Broker.waitUntilReachable(address: address, logger: quietLogger) }
        wait.cancel()
        await #expect(throws: CancellationError.self) { try await wait.value }
        await proxy.stop()
    }

    @Test func whatWaitingCannotChangeIsThrown() async throws {
        let bench = try await Bench()
        let (port, user) = (bench.address.port, bench.address.user)
        for (url, text) in [
            ("amqp://\(user):secret@127.0.0.1:\(port)", "refused user '\(user)' or its password"),
            ("amqp://nobody:secret@127.0.0.1:\(port)", "refused user 'nobody' or its password"),
            (
                bench.url + "none",
                "did not let user '\(user)' into the virtual host: NOT_ALLOWED - vhost none not found"
            ),
        ] {
            let address = try BrokerAddress(url: url)
            let error = try await #require(throws: BrokerError.self) {
                try await Broker.waitUntilReachable(address: address, logger: quietLogger)
            }
            let sentence = "\(error)"
            #expect(sentence.contains(text) && sentence.contains("127.0.0.1:\(port)") && !sentence.contains("secret"))
            #expect(error.isPermanent)
            let consumer = BrokerConsumer(
                address: address, topology: Topology(), queue: "none", prefetch: 1, logger: quietLogger,
                name: "stranger")
            await #expect(throws: error) { _ = try await consumer.next(maximum: 1) }
            await consumer.close()
        }
    }

    @Test func depthCountsAndSaysWhenThereIsNoQueue() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        #expect(try await bench.deliver(bench.messages(0..<3), with: publisher) == 0)
        let depth = try await Broker.queueDepth(address: bench.address, queue: bench.queue)
        #expect(depth == (ready: 3, consumers: 0))
        let error = try await #require(throws: BrokerError.self) {
            _ = try await Broker.queueDepth(address: bench.address, queue: "\(bench.queue).none")
        }
        #expect("\(error)".contains("404 NOT_FOUND - no queue '\(bench.queue).none'"))
        #expect(try await Broker.deleteQueue(address: bench.address, queue: bench.queue) == 3)
        #expect(try await Broker.deleteQueue(address: bench.address, queue: bench.queue) == 0)
        await publisher.close()
    }
}

/// Keeps log lines and tells when the first one came.
private final class Lines: LogHandler {
    private let state = Mutex((lines: [String](), waiting: CheckedContinuation<Void, Never>?.none))

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        state.withLock { state in
            state.lines.append("\(event.message)")
            state.waiting?.resume()
            state.waiting = nil
        }
    }

    var all: [String] { state.withLock(\.lines) }

    func first() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.lines.isEmpty { state.waiting = continuation } else { continuation.resume() }
            }
        }
    }
}
