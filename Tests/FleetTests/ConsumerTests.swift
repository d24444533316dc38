import AMQP
import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel
import SlipwayTesting
import Testing

@Suite("A worker's queue")
struct ConsumerTests {
    @Test("what commits is published, handled once and gone from the outbox")
    func roundTrip() async throws {
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker]) { harness in
            try await harness.consuming(worker) {
                try await harness.bus.commit { effects in
                    for number in 1...1000 { effects.emit(event(number)) }
                }
                await worker.handled.wait(for: 1000)
            }
            #expect(worker.handled.numbers.sorted() == Array(1...1000))
            #expect(try await harness.count("fleet.outbox") == 0)
        }
    }

    @Test("a transaction that fails publishes nothing")
    func rollback() async throws {
        struct Refusal: Error {}
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker]) { harness in
            await #expect(throws: Refusal.self) {
                try await harness.bus.commit { effects in
                    effects.emit(event(1))
                    throw Refusal()
                }
            }
            let left = try await harness.count("fleet.outbox")
            #expect(left == 0)
        }
    }

    @Test("a message that comes twice takes effect once")
    func duplicates() async throws {
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker], publishing: false) { harness in
            try await harness.bus.commit { effects in
                for number in 1...20 { effects.emit(event(number)) }
            }
            // Published without being taken from the outbox, as by a process that died in between; then again.
            let body = try await harness.bus.database.query(
                "select message_id, body from fleet.outbox order by message_id")
            let messages = try body.map { row in
                let (id, body) = try row.decode((UUID, [UInt8]).self)
                return OutgoingMessage(
                    exchange: harness.bus.topology.events, routingKey: ResultsIngested.type,
                    messageID: id.uuidString, type: ResultsIngested.type, body: body, mandatory: true)
            }
            let publisher = BrokerPublisher(
                address: harness.address, topology: Topology(), logger: quietLogger, name: "twice")
            for _ in 1...2 {
                let outcomes = await publisher.publish(messages)
                #expect(outcomes.allSatisfy { $0 == .confirmed })
            }
            await publisher.close()
            try await harness.bus.commit { effects in effects.emit(event(21)) }
            try await harness.bus.database.query("update fleet.outbox set due_at = now()")
            try await harness.consuming(worker, batchSize: 7) {
                try await harness.publisher.sweep()
                await worker.handled.wait(for: 21)
            }
            #expect(worker.handled.numbers.sorted() == Array(1...21))
            #expect(try await harness.count("fleet.outbox") == 0)
        }
    }

    @Test("a database that takes nothing is asked again, and counts no failure", arguments: ["53100", "53200"])
    func fullDisk(code: String) async throws {
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker]) { harness in
            let database = harness.bus.database
            // A sequence counts what is rolled back, too.
            try await database.script(
                """
                create sequence refusals;
                create function refuse() returns trigger language plpgsql as
                    $$begin perform nextval('refusals'); raise 'no room' using errcode = '\(code)'; end$$;
                create trigger refusal before delete or update on fleet.outbox for each row execute function refuse();
                """)
            try await harness.consuming(worker) {
                try await harness.bus.commit { effects in
                    for number in 1...3 { effects.emit(event(number)) }
                }
                try await eventually("it was tried three times") {
                    try await database.query("select last_value from refusals").one().decode(Int.self) >= 3
                }
                #expect(worker.handled.numbers.isEmpty)
                try await database.script("drop trigger refusal on fleet.outbox")
                await worker.handled.wait(for: 3)
            }
            #expect(worker.handled.numbers.sorted() == [1, 2, 3])
            #expect(try await harness.count("fleet.dead_letters") == 0)
        }
    }

    @Test("what the broker has lost is published again, and what only waits is not")
    func lostQueue() async throws {
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker]) { harness in
            let queue = harness.bus.topology.queue(of: worker.name)
            // One by one, so that each is a message of its own.
            for number in 1...30 {
                try await harness.bus.commit { effects in effects.emit(event(number)) }
            }
            try await eventually("all are in the queue") {
                try await Broker.queueDepth(address: harness.address, queue: queue).ready == 30
            }
            // Overdue, but the queue still holds them.
            try await harness.bus.database.query("update fleet.outbox set due_at = now()")
            try await harness.publisher.sweep()
            #expect(try await Broker.queueDepth(address: harness.address, queue: queue).ready == 30)
            #expect(try await Broker.deleteQueue(address: harness.address, queue: queue) == 30)
            try await harness.consuming(worker) {
                try await eventually("the queue is there again") {
                    (try? await Broker.queueDepth(address: harness.address, queue: queue))?.consumers == 1
                }
                try await harness.publisher.sweep()
                await worker.handled.wait(for: 30)
            }
            #expect(worker.handled.numbers.sorted() == Array(1...30))
            #expect(try await harness.count("fleet.outbox") == 0)
        }
    }

    @Test("each worker that hears an event handles it once, and what nobody hears is not kept")
    func subscriptions() async throws {
        let first = RecordingWorker("first")
        let second = RecordingWorker("second")
        try await FleetHarness.run(workers: [first, second]) { harness in
            try await harness.bus.commit { effects in
                effects.emit(event(1))
                effects.emit(RunCancel(runID: RunID(), by: "nobody", reason: "nobody listens"))
            }
            #expect(try await harness.count("fleet.outbox") == 2)
            try await harness.consuming(first) { await first.handled.wait(for: 1) }
            #expect(try await harness.count("fleet.outbox") == 1)
            try await harness.consuming(second) { await second.handled.wait(for: 1) }
            #expect(try await harness.count("fleet.outbox") == 0)
            try await harness.bus.unsubscribeOthers(than: [first])
            try await harness.bus.commit { effects in effects.emit(event(2)) }
            #expect(try await harness.count("fleet.outbox where consumer = 'second'") == 0)
        }
    }

    @Test("what nobody hears is not even written down, until somebody does")
    func heardLater() async throws {
        struct Unspeakable: Event {
            struct Spoken: Error {}
            static let type = "test.unspeakable"
            var subject: String { "test" }

            init() {}
            init(from decoder: any Decoder) throws { throw Spoken() }
            func encode(to encoder: any Encoder) throws { throw Spoken() }
        }
        struct Ear: Worker {
            let name = "ear"
            let topics = [Unspeakable.type]

            func plan(_ messages: [Message]) async throws -> CommitPlan { { _ in } }
        }
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker], publishing: false) { harness in
            // The second time the types are known.
            for number in 1...2 {
                try await harness.bus.commit { effects in
                    effects.emit(Unspeakable())
                    effects.emit(event(number))
                }
                #expect(try await harness.count("fleet.outbox") == number)
            }
            try await harness.bus.subscribe([Ear()])
            await #expect(throws: (any Error).self) {
                try await harness.bus.commit { effects in
                    effects.emit(event(3))
                    effects.emit(Unspeakable())
                }
            }
            #expect(try await harness.count("fleet.outbox") == 2)
        }
    }

    @Test("poison dies alone; its neighbours take effect")
    func poison() async throws {
        let worker = RecordingWorker { event in
            if event.passed == 13 { throw PermanentFailure("thirteen is never right") }
        }
        try await FleetHarness.run(workers: [worker]) { harness in
            try await harness.consuming(worker) {
                try await harness.bus.commit { effects in
                    for number in 1...50 { effects.emit(event(number)) }
                }
                await worker.handled.wait(for: 49)
            }
            #expect(worker.handled.numbers.sorted() == Array(1...50).filter { $0 != 13 })
            let letters = try await DeadLetters(harness.bus).list()
            #expect(letters.map(\.reason) == ["thirteen is never right"])
            #expect(letters.map(\.consumer) == ["recorder"])
        }
    }

    @Test("a failure that passes is retried until it succeeds")
    func retry() async throws {
        struct Hiccup: Error {}
        let tries = Tally()
        let worker = RecordingWorker { event in
            tries.add([event.passed])
            if tries.numbers.count < 3 { throw Hiccup() }
        }
        var policy = RetryPolicy()
        policy.firstDelay = .milliseconds(1)
        try await FleetHarness.run(workers: [worker]) { [policy] harness in
            try await harness.consuming(worker, policy: policy) {
                try await harness.bus.commit { effects in effects.emit(event(1)) }
                for attempt in 1...2 {
                    await tries.wait(for: attempt)
                    // The retry is a row that the sweeper publishes when its time has come.
                    try await eventually("the retry is held back") {
                        try await harness.count("fleet.outbox where publications = 0 and failures = \(attempt)") == 1
                    }
                    try await harness.bus.database.query("update fleet.outbox set due_at = now()")
                    try await harness.publisher.sweep()
                }
                await worker.handled.wait(for: 1)
            }
            #expect(try await harness.count("fleet.dead_letters") == 0)
            #expect(tries.numbers == [1, 1, 1])
        }
    }

    @Test("a dead letter is replayed with a fresh count, or discarded")
    func deadLetters() async throws {
        let isMended = Tally()
        let worker = RecordingWorker { event in
            if isMended.numbers.isEmpty { throw PermanentFailure("not yet mended") }
        }
        try await FleetHarness.run(workers: [worker]) { harness in
            let letters = DeadLetters(harness.bus)
            try await harness.consuming(worker) {
                try await harness.bus.commit { effects in
                    effects.emit(event(1))
                    effects.emit(event(2))
                }
                try await eventually("both die") { try await letters.list().count == 2 }
                let ids = try await letters.list().map(\.id).sorted()
                let shown = try await letters.show(ids[0])
                #expect(shown?.letter.attempts == 1)
                isMended.add([1])
                #expect(try await letters.replay(ids[0]))
                try await harness.publisher.sweep()
                await worker.handled.wait(for: 1)
                #expect(try await letters.discard(ids[1]))
                #expect(try await letters.discard(ids[1]) == false)
                #expect(try await letters.replay(ids[1]) == false)
            }
            #expect(try await letters.list().isEmpty)
        }
    }

    @Test("what is no message is laid among the dead letters and harms nothing")
    func garbage() async throws {
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker]) { harness in
            let publisher = BrokerPublisher(
                address: harness.address, topology: Topology(), logger: quietLogger, name: "garbage")
            let bodies: [[UInt8]] = [[], Array("{".utf8), [0xFF, 0x00], Array(#"{"id":1}"#.utf8)]
            let outcomes = await publisher.publish(
                bodies.map { body in
                    OutgoingMessage(
                        exchange: "", routingKey: harness.bus.topology.queue(of: worker.name),
                        messageID: UUID().uuidString, type: "garbage", body: body, mandatory: true)
                })
            #expect(outcomes.allSatisfy { $0 == .confirmed })
            await publisher.close()
            try await harness.consuming(worker) {
                try await harness.bus.commit { effects in effects.emit(event(1)) }
                await worker.handled.wait(for: 1)
                try await eventually("garbage is laid aside") {
                    try await harness.count("fleet.dead_letters") == bodies.count
                }
            }
            #expect(worker.handled.numbers == [1])
        }
    }
}
