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
