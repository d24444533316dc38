import AMQP
import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel
import SlipwayTesting
import Testing

@Suite("Events that travel together")
struct ParcelTests {
    @Test("a burst of one transaction is few rows and messages, and each event is handled")
    func burst() async throws {
        let worker = RecordingWorker()
        try await FleetHarness.run(workers: [worker]) { harness in
            let queue = harness.bus.topology.queue(of: worker.name)
            try await harness.bus.commit { effects in
                for number in 1...120 { effects.emit(event(number)) }
            }
            #expect(try await harness.count("fleet.outbox") == 3)
            try await eventually("120 events wait as three messages") {
                try await Broker.queueDepth(address: harness.address, queue: queue).ready == 3
            }
            try await harness.consuming(worker) { await worker.handled.wait(for: 120) }
            #expect(worker.handled.numbers.sorted() == Array(1...120))
            #expect(try await harness.count("fleet.outbox") == 0)
        }
    }

    @Test("events that failed together have fates of their own, and the message that comes again has no effect")
    func takenApart() async throws {
        struct Hiccup: Error {}
        let tries = Tally()
        let worker = RecordingWorker { event in
            guard event.passed == 3 else { return }
            tries.add([3])
            // In one message, in one batch of five rows, in one of three, and by itself for the first time.
            if tries.numbers.count < 5 { throw Hiccup() }
        }
        try await FleetHarness.run(workers: [worker], publishing: false) { harness in
            let database = harness.bus.database
            try await harness.bus.commit { effects in
                for number in 1...5 { effects.emit(event(number)) }
            }
            let (id, body) = try await database.query("select message_id, body from fleet.outbox").one().decode(
                (UUID, [UInt8]).self)
            let message = OutgoingMessage(
                exchange: harness.bus.topology.events, routingKey: ResultsIngested.type, messageID: id.uuidString,
                type: ResultsIngested.type, body: body, mandatory: true)
            let publisher = BrokerPublisher(
                address: harness.address, topology: Topology(), logger: quietLogger, name: "again")
            try await harness.consuming(worker) {
                #expect(await publisher.publish([message]) == [.confirmed])
                await worker.handled.wait(for: 4)
                try await eventually("the one that failed is held back") {
                    try await harness.count("fleet.outbox where publications = 0 and failures = 1 and events = 1") == 1
                }
                #expect(try await harness.count("fleet.outbox") == 1)
                #expect(await publisher.publish([message]) == [.confirmed])
                try await database.query("update fleet.outbox set due_at = now()")
                try await harness.publisher.sweep()
                await worker.handled.wait(for: 5)
            }
            await publisher.close()
            #expect(worker.handled.numbers.sorted() == [1, 2, 3, 4, 5])
            #expect(try await harness.count("fleet.outbox") == 0)
            #expect(try await harness.count("fleet.dead_letters") == 0)
        }
    }

    @Test(
        "the documents of a message",
        arguments: [
            (#"{"a":1}"#, [#"{"a":1}"#]),
            (#"[{"a":1},{"b":[1,2]}]"#, [#"{"a":1}"#, #"{"b":[1,2]}"#]),
            (#"[{"a":"],[\""},{"b":"\\"}]"#, [#"{"a":"],[\""}"#, #"{"b":"\\"}"#]),
        ])
    func documents(body: String, documents: [String]) throws {
        // Each becomes the data of a document with an envelope.
        func wrapped(_ text: String) -> String {
            """
            {"id":"019f0000-0000-7000-8000-000000000000","type":"t","version":1,"subject":"s","subject_version":1,\
            "time":1,"data":\(text)}
            """
        }
        let isParcel = body.hasPrefix("[")
        let id = #"["019f0000-0000-7000-8000-000000000001","#
        let whole = isParcel ? id + documents.map(wrapped).joined(separator: ",") + "]" : wrapped(body)
        let messages = try Message.all(in: Array(whole.utf8))
        #expect(messages.map { String(decoding: $0.body, as: UTF8.self) } == documents.map(wrapped))
    }

    @Test(
        "an array that does not end, has no id or holds no documents, is no message",
        arguments: [
            "[", "[]", "[{}", "[1,2]", "[{}]]", "[{},{}]", #"["019f0000-0000-7000-8000-000000000001",1]"#,
            #"["019f0000-0000-7000-8000-000000000001",]"#,
        ])
    func garbage(body: String) {
        #expect(throws: PermanentFailure.self) { try Message.all(in: Array(body.utf8)) }
    }
}
