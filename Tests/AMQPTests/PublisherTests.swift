import AMQP
import LocalServices
import SlipwayTesting
import Testing

@Suite(.timeLimit(.minutes(15))) struct PublisherTests {
    struct Content: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var body: [UInt8] = Array("{}".utf8)
        var headers: [String: String] = [:]
        var type = "test.item.v1"
        var routingKey = "work.item"
        var persistent = true
    }

    @Test(arguments: [
        Content(testDescription: "plain"),
        Content(testDescription: "empty body", body: []),
        Content(testDescription: "64 KB", body: Array(repeating: 7, count: 65536)),
        Content(testDescription: "several frames", body: (0..<400_000).map { UInt8(truncatingIfNeeded: $0) }),
        Content(testDescription: "headers", headers: ["traceparent": "00-abc", "größe": "½ Pfund", "empty": ""]),
        Content(testDescription: "longest names", type: String(repeating: "t", count: 255)),
        Content(testDescription: "longest key", routingKey: "work." + String(repeating: "k", count: 250)),
        Content(testDescription: "transient", persistent: false),
    ])
    func propertiesArriveAsSent(_ content: Content) async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer()
        let message = bench.message(1) {
            $0.body = content.body
            $0.headers = content.headers
            $0.type = content.type
            $0.routingKey = content.routingKey
            $0.persistent = content.persistent
        }
        #expect(await publisher.publish([message]) == [.confirmed])
        let delivery = try #require(try await consumer.next(maximum: 1).first)
        #expect(delivery.body == message.body)
        #expect(delivery.headers == message.headers)
        #expect(delivery.messageID == message.messageID)
        #expect(delivery.type == message.type)
        #expect(delivery.exchange == message.exchange)
        #expect(delivery.routingKey == message.routingKey)
        #expect(delivery.queue == bench.queue)
        #expect(delivery.deliveryCount == 0)
        #expect(!delivery.redelivered)
        await consumer.close()
        await publisher.close()
    }

    @Test func tenThousandAreConfirmedAndArriveInOrder() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(prefetch: 500)
        async let outcomes = publisher.publish(bench.messages(0..<10_000))
        let deliveries = try await bench.collect(10_000, from: consumer)
        #expect(deliveries.ids == (0..<10_000).map(String.init))
        #expect(await outcomes.allSatisfy { $0 == .confirmed })
        await consumer.close()
        await publisher.close()
    }

    @Test func whatNoQueueTakesComesBackInItsPlace() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let messages = (0..<900).map { number in
            bench.message(number % 7) {
                $0.mandatory = number % 3 != 2
                $0.routingKey = number % 3 == 0 ? "work.item" : "nowhere"
            }
        }
        for (number, outcome) in await publisher.publish(messages).enumerated() {
            switch (number % 3, outcome) {
            case (0, .confirmed), (2, .confirmed): break
            case (1, .returned(let reason)):
                #expect(reason == "312 NO_ROUTE: exchange '\(bench.exchange)' has no queue for 'nowhere'")
            default: Issue.record("message \(number): \(outcome)")
            }
        }
        await publisher.close()
    }

    @Test func concurrentCallsGetTheirOwnOutcomes() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        await withTaskGroup { group in
            for call in 0..<20 {
                group.addTask {
                    let outcomes = await publisher.publish(
                        (0..<call * 10).map { number in
                            bench.message(number) {
                                $0.mandatory = true
                                $0.routingKey = number % 20 == call ? "nowhere" : "work.item"
                            }
                        })
                    return (call, outcomes)
                }
            }
            for await (call, outcomes) in group {
                #expect(outcomes.count == call * 10)
                for (number, outcome) in outcomes.enumerated() {
                    #expect((outcome == .confirmed) == (number % 20 != call))
                }
            }
        }
        await publisher.close()
    }

    @Test func anExchangeThatDoesNotExistHarmsOnlyItsOwnMessages() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let outcomes = await publisher.publish([bench.message(1) { $0.exchange = "\(bench.exchange).none" }])
        let text = "404 NOT_FOUND - no exchange '\(bench.exchange).none' in vhost '/'"
        #expect(outcomes == [.returned(reason: text)])
        #expect(try await bench.deliver(bench.messages(0..<10), with: publisher) == 0)
        await publisher.close()
    }

    @Test(arguments: ["exchange", "routing key", "message id", "type", "header name", "headers"])
    func whatAMQPCannotCarryIsNotSent(part: String) async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let long = String(repeating: "x", count: 256)
        let message = bench.message(1) {
            switch part {
            case "exchange": $0.exchange = long
            case "routing key": $0.routingKey = long
            case "message id": $0.messageID = long
            case "type": $0.type = long
            case "header name": $0.headers[long] = ""
            default: $0.headers["h"] = String(repeating: "x", count: 70_000)
            }
        }
        let outcomes = await publisher.publish([bench.message(0), message, bench.message(2)])
        guard case .returned(let reason) = outcomes[1] else {
            Issue.record("\(outcomes[1])")
            return
        }
        #expect(reason.hasPrefix("not sent: the \(part) "))
        #expect(outcomes[0] == .confirmed && outcomes[2] == .confirmed)
        await publisher.close()
    }

    @Test func aFullQueueRefuses() async throws {
        let bench = try await Bench()
        let full = QueueDeclaration(
            name: "\(bench.queue).full", kind: .exclusive,
            arguments: ["x-max-length": .integer(1), "x-overflow": .text("reject-publish")])
        let publisher = try bench.publisher(Topology(queues: [full]))
        let message = bench.message(1) {
            $0.exchange = ""
            $0.routingKey = full.name
        }
        #expect(await publisher.publish([message]) == [.confirmed])
        #expect(await publisher.publish([message]) == [.nacked])
        await publisher.close()
    }

    @Test func aClosedPublisherSaysSo() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        #expect(await publisher.publish([]) == [])
        await publisher.close()
        #expect(await publisher.publish([bench.message(1)]) == [.unknown("not sent: this broker client was closed")])
        await #expect(throws: BrokerError.closed) { try await publisher.waitUntilConnected() }
    }

    @Test func aCancelledCallDoesNotWaitForItsConfirms() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let publisher = try bench.publisher(through: proxy)
        try await publisher.waitUntilConnected()
        await proxy.hold([.toClient])
        let call = Task { await publisher.publish(bench.messages(0..<1000)) }
        call.cancel()
        let outcomes = await call.value
        #expect(outcomes.count == 1000)
        #expect(
            outcomes.allSatisfy { if case .unknown(let reason) = $0 { reason.contains("cancelled") } else { false } })
        await proxy.release()
        #expect(try await bench.deliver([bench.message(1)], with: publisher) == 0)
        await publisher.close()
        await proxy.stop()
    }

    // MARK: Declaring

    @Test func aConflictNamesTheQueueAndWhatDiffers() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let other = QueueDeclaration(name: bench.queue, arguments: ["x-max-length": .integer(5)])
        try await publisher.waitUntilConnected()
        let late = try bench.publisher(Topology(queues: [other]))
        let error = try await #require(throws: BrokerError.self) { try await late.waitUntilConnected() }
        guard case .conflict(_, let subject, let text) = error else {
            Issue.record(error)
            return
        }
        #expect(subject == "queue '\(bench.queue)'")
        #expect(text.contains("inequivalent arg 'x-max-length'"))
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])

        guard case .unknown(let reason) = await late.publish([bench.message(1)])[0] else {
            Issue.record("published in spite of a conflict")
            return
        }
        #expect(reason.hasPrefix("not sent: ") && reason.contains(bench.queue))
        await late.close()
        await publisher.close()
    }

    @Test func theTopologyIsDeclaredAgainAfterALoss() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        // An exclusive queue goes with the connection.
        let own = QueueDeclaration(name: "\(bench.queue).own", kind: .exclusive)
        let publisher = try bench.publisher(
            Topology(queues: [own], bindings: [Binding(queue: own.name, exchange: bench.exchange, routingKey: "own")]),
            through: proxy)
        let message = bench.message(1) {
            $0.routingKey = "own"
            $0.mandatory = true
        }
        #expect(await publisher.publish([message]) == [.confirmed])
        await proxy.cut()
        _ = try await bench.deliver([message], with: publisher)
        #expect(await proxy.acceptedCount >= 2)
        await publisher.close()
        await proxy.stop()
    }
}
