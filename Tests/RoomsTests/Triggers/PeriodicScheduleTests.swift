import FoundationEssentials
import JobConfig
import Testing
import Triggers

@Suite("When periodic jobs fire")
struct PeriodicScheduleTests {
    /// Minutes after an hour that is aligned to the day.
    static func at(_ minutes: Double) -> Date {
        Date(
            timeIntervalSince1970: 1_750_000_000 - 1_750_000_000.truncatingRemainder(dividingBy: 86_400) + minutes * 60)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var schedule: String
        var state: PeriodicSchedule.State
        var now: Double
        var verdict: PeriodicSchedule.Verdict
    }

    static func state(
        seen: Double = 0, last: Double? = nil, start: Double? = nil, end: Double? = nil
    ) -> PeriodicSchedule.State {
        .init(
            firstSeen: at(seen), lastInstant: last.map(at), lastStart: start.map(at), lastEnd: end.map(at))
    }

    static func schedule(_ text: String) throws -> Schedule {
        let parts = text.split(separator: " ", maxSplits: 1)
        return switch parts[0] {
        case "interval": .interval(60 * (Double(parts[1]) ?? 0))
        case "minimum": .minimumInterval(60 * (Double(parts[1]) ?? 0))
        default: .cron(try CronExpression(text))
        }
    }

    @Test(arguments: [
        Case(
            testDescription: "cron waits for its first instant", schedule: "*/10 * * * *", state: state(seen: 1),
            now: 5, verdict: .wait(until: at(10))),
        Case(
            testDescription: "cron fires at its instant", schedule: "*/10 * * * *", state: state(seen: 1),
            now: 10, verdict: .fire(at(10))),
        Case(
            testDescription: "cron fires once for missed instants", schedule: "*/10 * * * *", state: state(seen: 1),
            now: 45, verdict: .fire(at(40))),
        Case(
            testDescription: "cron never fires an instant twice", schedule: "*/10 * * * *",
            state: state(last: 10, start: 10, end: 11), now: 12, verdict: .wait(until: at(20))),
        Case(
            testDescription: "cron drops a tick during a run", schedule: "*/10 * * * *",
            state: state(last: 10, start: 10), now: 20, verdict: .drop(at(20))),
        Case(
            testDescription: "interval starts a job that never ran", schedule: "interval 60", state: state(seen: 3),
            now: 3, verdict: .fire(at(3))),
        Case(
            testDescription: "interval counts from the start", schedule: "interval 60",
            state: state(last: 0, start: 0, end: 50), now: 55, verdict: .wait(until: at(60))),
        Case(
            testDescription: "interval is due an hour after the start", schedule: "interval 60",
            state: state(last: 0, start: 0, end: 50), now: 61, verdict: .fire(at(60))),
        Case(
            testDescription: "interval waits for completion", schedule: "interval 60",
            state: state(last: 0, start: 0), now: 90, verdict: .wait(until: at(90).addingTimeInterval(2))),
        Case(
            testDescription: "minimum_interval counts from the end", schedule: "minimum 60",
            state: state(last: 0, start: 0, end: 50), now: 100, verdict: .wait(until: at(110))),
        Case(
            testDescription: "minimum_interval is due an hour after the end", schedule: "minimum 60",
            state: state(last: 0, start: 0, end: 50), now: 111, verdict: .fire(at(110))),
        Case(
            testDescription: "a fired run that has not shown up yet is waited for", schedule: "interval 60",
            state: state(seen: 0, last: 0), now: 1, verdict: .wait(until: at(1).addingTimeInterval(2))),
        Case(
            testDescription: "a fired run that never shows up is fired again", schedule: "interval 60",
            state: state(seen: 0, last: 0), now: 6, verdict: .fire(at(5))),
    ])
    func decides(_ row: Case) throws {
        #expect(
            PeriodicSchedule.verdict(try Self.schedule(row.schedule), row.state, now: Self.at(row.now)) == row.verdict)
    }
}
