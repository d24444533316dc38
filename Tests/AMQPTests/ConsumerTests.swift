import AMQP
import LocalServices
import SlipwayTesting
import Testing

@Suite(.timeLimit(.minutes(15))) struct ConsumerTests {
    /// Longer than any test runs: a batch that comes back did not wait for it.
    static let forever = Duration.seconds(3600)

    @Test func batchesHoldWhatIsReadyAndNeverMoreThanAsked() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(prefetch: 100)
        #expect(try await bench.deliver(bench.messages(0..<250), with: publisher) == 0)
        var ids: [String] = []
        while ids.count < 250 {
            let batch = try await consumer.next(maximum: 40)
            #expect((1...40).contains(batch.count))
            ids += batch.ids
            await consumer.ack(batch)
        }
        #expect(ids == (0..<250).map(String.init))
        await consumer.close()
        await publisher.close()
    }

    @Test func theBrokerHoldsBackWhatThePrefetchForbids() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(prefetch: 10)
        #expect(try await bench.deliver(bench.messages(0..<30), with: publisher) == 0)
        // Lingering ends early when nothing more can come.
        let first = try await consumer.next(maximum: 100, linger: Self.forever)
        #expect(first.ids == (0..<10).map(String.init))
        await consumer.ack(first)
        let second = try await consumer.next(maximum: 100, linger: Self.forever)
        #expect(second.ids == (10..<20).map(String.init))
        // Nothing was acknowledged since: the third ten come when there is room for them.
        await consumer.setPrefetch(20)
        let third = try await consumer.next(maximum: 10, linger: Self.forever)
        #expect(third.ids == (20..<30).map(String.init))
        await consumer.close()
        await publisher.close()
    }

    @Test func aPrefetchOfNothingTakesNothing() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let paused = try bench.consumer(prefetch: 10)
        #expect(try await bench.deliver(bench.messages(0..<10), with: publisher) == 0)
        let inHand = try await paused.next(maximum: 4)
        // What was not handed out goes to others, what was stays.
        await paused.setPrefetch(0)
        let other = try bench.consumer()
        let rest = try await bench.collect(10 - inHand.count, from: other)
        #expect(Set(rest.ids).isDisjoint(with: inHand.ids))
        await other.close()
        await paused.ack(inHand)
        let next = Task { try await paused.next(maximum: 1) }
        #expect(await publisher.publish([bench.message(10)]) == [.confirmed])
        await paused.setPrefetch(1)
        #expect(try await next.value.ids == ["10"])
        await paused.close()
        await publisher.close()
    }

    @Test func lingeringFillsABatch() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer(prefetch: 100)
        let batch = Task { try await consumer.next(maximum: 3, linger: Self.forever) }
        for number in 0..<3 { #expect(await publisher.publish([bench.message(number)]) == [.confirmed]) }
        #expect(try await batch.value.ids == ["0", "1", "2"])
        // And ends with its time when nobody fills it.
        #expect(await publisher.publish([bench.message(3)]) == [.confirmed])
        #expect(try await consumer.next(maximum: 3, linger: .milliseconds(1)).ids == ["3"])
        await consumer.close()
        await publisher.close()
    }

    @Test func whatWasNotAcknowledgedComesAgain() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        #expect(try await bench.deliver(bench.messages(0..<20), with: publisher) == 0)
        let first = try bench.consumer()
        let deliveries = try await first.next(maximum: 20, linger: Self.forever)
        // A run at the front, single ones behind it, and one twice.
        let settled = [0, 1, 2, 3, 7, 12, 13, 3]
        await first.ack(settled.map { deliveries[$0] })
        await first.close()
        let second = try bench.consumer()
        let rest = try await second.next(maximum: 20 - 7, linger: Self.forever)
        #expect(rest.ids.sorted() == (0..<20).filter { !settled.contains($0) }.map(String.init).sorted())
        #expect(rest.allSatisfy { $0.redelivered && $0.deliveryCount == 1 })
        await second.close()
        await publisher.close()
    }

    @Test func handingBackCounts() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer()
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])
        for count in 0..<4 {
            let batch = try await consumer.next(maximum: 10)
            #expect(batch.map(\.deliveryCount) == [count])
            #expect(batch.map(\.redelivered) == [count > 0])
            #expect(batch.allSatisfy { $0.headers.isEmpty })
            await consumer.nack(batch, requeue: count < 3)
        }
        // Without requeue it is gone.
        #expect(await publisher.publish([bench.message(2)]) == [.confirmed])
        #expect(try await consumer.next(maximum: 10).ids == ["2"])
        await consumer.close()
        await publisher.close()
    }

    @Test func aDeletedQueueIsDeclaredAndConsumedAgain() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer()
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])
        let before = try await consumer.next(maximum: 1)
        #expect(before.ids == ["1"])
        try await Broker.deleteQueue(address: bench.address, queue: bench.queue)
        let next = Task { try await consumer.next(maximum: 1) }
        var outcome = PublishOutcome.returned(reason: "")
        while outcome != .confirmed {
            outcome = await publisher.publish([bench.message(2) { $0.mandatory = true }])[0]
        }
        let after = try await next.value
        #expect(after.ids == ["2"])
        // The delivery of the queue that is gone can still be acknowledged; nothing comes of it.
        await consumer.ack(before)
        await consumer.ack(after)
        #expect(await consumer.state == .consuming)
        await consumer.close()
        await publisher.close()
    }

    @Test func cancellingNextEndsItAndNothingElse() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let consumer = try bench.consumer()
        let waiting = Task { try await consumer.next(maximum: 1) }
        let patient = Task { try await consumer.next(maximum: 1) }
        waiting.cancel()
        #expect(try await waiting.value.isEmpty)
        #expect(await publisher.publish([bench.message(1)]) == [.confirmed])
        #expect(try await patient.value.ids == ["1"])
        await consumer.close()
        await publisher.close()
    }

    @Test func cancellingNextDoesNotWaitForABrokerThatIsSilent() async throws {
        let bench = try await Bench()
        let proxy = try await bench.proxy()
        let consumer = try bench.consumer(through: proxy)
        let waiting = Task { try await consumer.next(maximum: 1) }
        await proxy.waitForConnections(1)
        await proxy.hold()
        waiting.cancel()
        #expect(try await waiting.value.isEmpty)
        await proxy.stop()
        await consumer.close()
    }

    @Test func stoppingHandsBackWhatWasNotHandedOut() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        let stopping = try bench.consumer(prefetch: 50)
        #expect(try await bench.deliver(bench.messages(0..<50), with: publisher) == 0)
        let inHand = try await stopping.next(maximum: 10)
        await stopping.stopConsuming()
        #expect(await stopping.state == .stopped)
        #expect(try await stopping.next(maximum: 10).isEmpty)

        let heir = try bench.consumer(prefetch: 50)
        let rest = try await bench.collect(50 - inHand.count, from: heir)
        #expect(Set(rest.ids).isDisjoint(with: inHand.ids))
        #expect(rest.count == 50 - inHand.count)
        // What was handed out can still be acknowledged: it does not come again, the next message does.
        await stopping.ack(inHand)
        await stopping.close()
        #expect(await stopping.state == .closed)
        #expect(await publisher.publish([bench.message(50)]) == [.confirmed])
        #expect(try await heir.next(maximum: 10).ids == ["50"])
        await heir.close()
        await publisher.close()
    }

    @Test func everyExclusiveQueueGetsItsCopy() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher(Topology(exchanges: [Exchange(name: bench.exchange)]))
        let consumers = try (0..<3).map { number in
            let own = QueueDeclaration(name: "\(bench.queue).\(number)", kind: .exclusive)
            let bindings = ["only.\(number)", "all"].map {
                Binding(queue: own.name, exchange: bench.exchange, routingKey: $0)
            }
            return try bench.consumer(
                Topology(exchanges: [Exchange(name: bench.exchange)], queues: [own], bindings: bindings),
                queue: own.name)
        }
        for (number, consumer) in consumers.enumerated() {
            let first = Task { try await consumer.next(maximum: 1) }
            // Comes back until the consumer has declared its queue.
            let message = bench.message(number) {
                $0.routingKey = "only.\(number)"
                $0.mandatory = true
            }
            while await publisher.publish([message]) != [.confirmed] {}
            let batch = try await first.value
            #expect(batch.ids == ["\(number)"])
            await consumer.ack(batch)
        }
        #expect(await publisher.publish([bench.message(9) { $0.routingKey = "all" }]) == [.confirmed])
        for consumer in consumers {
            #expect(try await consumer.next(maximum: 10).ids == ["9"])
            await consumer.close()
        }
        await publisher.close()
    }

    @Test func aQueueThatDoesNotExistYetIsWaitedFor() async throws {
        let bench = try await Bench()
        let late = QueueDeclaration(name: "\(bench.queue).late")
        let consumer = try bench.consumer(Topology(), queue: late.name)
        let next = Task { try await consumer.next(maximum: 1) }
        let publisher = try bench.publisher(
            Topology(
                queues: [late], bindings: [Binding(queue: late.name, exchange: bench.exchange, routingKey: "late")]))
        try await publisher.waitUntilConnected()
        let message = bench.message(1) {
            $0.routingKey = "late"
            $0.mandatory = true
        }
        #expect(await publisher.publish([message]) == [.confirmed])
        #expect(try await next.value.ids == ["1"])
        await consumer.close()
        await publisher.close()
    }

    @Test func aConflictReachesWhoAsks() async throws {
        let bench = try await Bench()
        let publisher = try bench.publisher()
        try await publisher.waitUntilConnected()
        let consumer = try bench.consumer(
            Topology(queues: [QueueDeclaration(name: bench.queue, arguments: ["x-max-length": .integer(5)])]))
        let error = try await #require(throws: BrokerError.self) { _ = try await consumer.next(maximum: 1) }
        guard case .conflict(_, "queue '\(bench.queue)'", _) = error else {
            Issue.record(error)
            return
        }
        await consumer.close()
        await publisher.close()
    }
}
