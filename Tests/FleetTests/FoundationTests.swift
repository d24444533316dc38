import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel
import SlipwayTesting
import Testing

@Suite("What the fleet stands on")
struct FoundationTests {
    struct Failure: Error {}

    @Test(
        "when a failed message is tried again",
        arguments: [
            (attempts: 1, waited: 0, verdict: RetryPolicy.Verdict.retry(after: .seconds(1))),
            (attempts: 2, waited: 1, verdict: .retry(after: .seconds(2))),
            (attempts: 5, waited: 15, verdict: .retry(after: .seconds(16))),
            (attempts: 9, waited: 500, verdict: .retry(after: .seconds(256))),
            (attempts: 10, waited: 800, verdict: .dead),
        ])
    func policy(attempts: Int, waited: Int, verdict: RetryPolicy.Verdict) {
        let policy = RetryPolicy()
        #expect(policy.verdict(on: Failure(), attempts: attempts, waited: .seconds(waited)) == verdict)
        #expect(policy.verdict(on: PermanentFailure("no"), attempts: attempts, waited: .seconds(waited)) == .dead)
        #expect(
            policy.verdict(
                on: RetryLater("later", after: .seconds(7)), attempts: 1000, waited: .seconds(waited))
                == .retry(after: .seconds(7)))
    }

    @Test("patience ends after a day")
    func patience() {
        let later = RetryLater("later", after: .seconds(7))
        #expect(RetryPolicy().verdict(on: later, attempts: 1, waited: .seconds(86_401)) == .dead)
    }

    @Test("the longest delay bounds the doubling, for any number of attempts")
    func delays() {
        let policy = RetryPolicy()
        for attempt in [10, 20, 63, 64, 1000, .max] {
            #expect(policy.delay(afterAttempt: attempt) == policy.longestDelay)
        }
    }

    @Test("an instant fires once")
    func ticks() async throws {
        try await FleetHarness.run { harness in
            let instant = Date(timeIntervalSince1970: 1_750_000_000)
            let fired = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 1...8 {
                    group.addTask {
                        try await harness.bus.commit { try await $0.claimTick("job", at: instant) }
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(fired == 1)
        }
    }

    @Test("every statement can be prepared")
    func statements() async throws {
        try await withDatabase(migrations: FleetSchema.migrations) { pool in
            for statement in FleetSchema.statements {
                try await pool.script("prepare \(statement.name) as \(statement.sql)")
            }
        }
    }

    @Test("figures are rendered as Prometheus reads them")
    func exposition() async {
        let instruments = Instruments()
        instruments.count("slipway_messages_total", ["worker": "a\"b\\c\nd"], by: 3)
        instruments.set("slipway_outbox_overdue", to: 0.5)
        instruments.observe("slipway_batch_seconds", ["worker": "x"], .milliseconds(3))
        let text = await instruments.scrape()
        #expect(text.contains(#"slipway_messages_total{worker="a\"b\\c\nd"} 3"#))
        #expect(text.contains("# TYPE slipway_outbox_overdue gauge\nslipway_outbox_overdue 0.5\n"))
        #expect(text.contains(#"slipway_batch_seconds_bucket{worker="x",le="0.0025"} 0"#))
        #expect(text.contains(#"slipway_batch_seconds_bucket{worker="x",le="0.005"} 1"#))
        #expect(text.contains(#"slipway_batch_seconds_count{worker="x"} 1"#))
    }

    @Test("a newer version of an event is delayed, another type is given up")
    func versions() throws {
        let newer = """
            {"id":"019f0000-0000-7000-8000-000000000000","type":"results.ingested","version":99,"subject":"run/x",
             "subject_version":1,"time":1,"data":{"anything":"new"}}
            """
        let message = try Message(body: Array(newer.utf8))
        #expect(throws: RetryLater.self) { try message.decode(ResultsIngested.self) }
        #expect(throws: PermanentFailure.self) { try message.decode(RunCancel.self) }
    }
}
