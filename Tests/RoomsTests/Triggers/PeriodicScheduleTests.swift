import FoundationEssentials
import JobConfig
import SlipwayModel
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

        init(
            _ name: String, _ schedule: String, _ state: PeriodicSchedule.State, now: Double,
            _ verdict: PeriodicSchedule.Verdict
        ) {
            testDescription = name
            self.schedule = schedule
            self.state = state
            self.now = now
            self.verdict = verdict
        }
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
        Case("waits for its first instant", "*/10 * * * *", state(seen: 1), now: 5, .wait(until: at(10))),
        Case("fires at its instant", "*/10 * * * *", state(seen: 1), now: 10, .fire(at(10))),
        Case("an instant it was first seen at is past", "*/10 * * * *", state(seen: 10), now: 10, .wait(until: at(20))),
        Case("fires once for missed instants", "*/10 * * * *", state(seen: 1), now: 45, .fire(at(40))),
        Case(
            "never fires an instant twice", "*/10 * * * *", state(last: 10, start: 10, end: 11), now: 12,
            .wait(until: at(20))),
        Case(
            "fired, and its run has not shown up yet", "*/10 * * * *", state(last: 20, start: 10, end: 11), now: 21,
            .wait(until: at(30))),
        Case("drops a tick during a run", "*/10 * * * *", state(last: 10, start: 10), now: 20, .drop(at(20))),
        Case("drops all of them as one", "*/10 * * * *", state(last: 10, start: 10), now: 45, .drop(at(40))),
        Case("a dropped tick is past", "*/10 * * * *", state(last: 20, start: 10), now: 21, .wait(until: at(30))),
        Case(
            "fires when the run has ended", "*/10 * * * *", state(last: 20, start: 10, end: 25), now: 30, .fire(at(30))),
        Case(
            "an end at the instant is in time", "*/10 * * * *", state(last: 10, start: 10, end: 20), now: 20,
            .fire(at(20))),
        Case("yesterday's ticks are forgotten", "0 12 * * *", state(seen: -5000), now: 5, .fire(at(-720))),
        Case(
            "ticks of the day before are not made up", "0 0 1 1 *", state(seen: -2_000_000), now: 5,
            .wait(until: newYear)),
        Case("every hour", "@hourly", state(seen: 1), now: 61, .fire(at(60))),
        Case("every day", "@daily", state(seen: 1), now: 30, .wait(until: at(1440))),
        Case("an interval from when it was first seen", "@every 1h", state(seen: 3), now: 63, .fire(at(63))),
        Case("with seconds", "30 * * * * *", state(seen: 0), now: 1, .fire(at(0.5))),
    ])
    func cron(_ row: Case) throws { try check(row) }

    @Test(arguments: [
        Case("starts a job that never ran", "interval 60", state(seen: 3), now: 3, .fire(at(3))),
        Case("counts from the start", "interval 60", state(last: 0, start: 0, end: 50), now: 55, .wait(until: at(60))),
        Case(
            "is due an hour after the start", "interval 60", state(last: 0, start: 0, end: 50), now: 61, .fire(at(60))),
        Case(
            "waits for completion", "interval 60", state(last: 0, start: 0), now: 90,
            .wait(until: at(90).addingTimeInterval(2))),
        Case(
            "starts at once after a run that took too long", "interval 60", state(last: 0, start: 0, end: 75), now: 75,
            .fire(at(60))),
        Case(
            "a fired run that has not shown up yet is waited for", "interval 60", state(seen: 0, last: 0), now: 1,
            .wait(until: at(1).addingTimeInterval(2))),
        Case(
            "a fired run that never shows up is fired again", "interval 60", state(seen: 0, last: 0), now: 6,
            .fire(at(5))),
    ])
    func interval(_ row: Case) throws { try check(row) }

    @Test(arguments: [
        Case("starts a job that never ran", "minimum 60", state(seen: 3), now: 3, .fire(at(3))),
        Case("counts from the end", "minimum 60", state(last: 0, start: 0, end: 50), now: 100, .wait(until: at(110))),
        Case("is due an hour after the end", "minimum 60", state(last: 0, start: 0, end: 50), now: 111, .fire(at(110))),
        Case(
            "waits for completion", "minimum 60", state(last: 0, start: 0), now: 200,
            .wait(until: at(200).addingTimeInterval(2))),
        Case(
            "fired, and its run has not shown up yet", "minimum 60", state(last: 110, start: 0, end: 50), now: 111,
            .wait(until: at(111).addingTimeInterval(2))),
    ])
    func minimumInterval(_ row: Case) throws { try check(row) }

    struct Retried: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var result: RunState
        var retry: PeriodicRetry?
        var retries = 0
        var now: Double = 51
        var verdict: PeriodicSchedule.Verdict
    }

    /// A run that started at 0 and ended at 50; the next turn is at 60.
    @Test(arguments: [
        Retried(testDescription: "no retry", result: .failure, verdict: .wait(until: at(60))),
        Retried(
            testDescription: "a failure", result: .failure, retry: PeriodicRetry(attempts: 2),
            verdict: .retry(after: at(50))),
        Retried(
            testDescription: "an error", result: .error, retry: PeriodicRetry(attempts: 2), retries: 1,
            verdict: .retry(after: at(50))),
        Retried(
            testDescription: "no attempt is left", result: .failure, retry: PeriodicRetry(attempts: 2), retries: 2,
            verdict: .wait(until: at(60))),
        Retried(
            testDescription: "a success", result: .success, retry: PeriodicRetry(attempts: 2),
            verdict: .wait(until: at(60))),
        Retried(
            testDescription: "a success, all attempts wanted", result: .success,
            retry: PeriodicRetry(attempts: 2, runsAll: true), verdict: .retry(after: at(50))),
        Retried(
            testDescription: "an abort", result: .aborted, retry: PeriodicRetry(attempts: 2, runsAll: true),
            verdict: .wait(until: at(60))),
        Retried(
            testDescription: "the interval is not over", result: .failure,
            retry: PeriodicRetry(attempts: 2, interval: 300), verdict: .wait(until: at(55))),
        Retried(
            testDescription: "the next turn comes before", result: .failure,
            retry: PeriodicRetry(attempts: 2, interval: 3600), verdict: .wait(until: at(60))),
        Retried(
            testDescription: "the turn is here", result: .failure, retry: PeriodicRetry(attempts: 2), now: 61,
            verdict: .fire(at(60))),
    ])
    func retries(_ row: Retried) {
        var state = Self.state(last: 0, start: 0, end: 50)
        state.lastResult = row.result
        state.retries = row.retries
        let verdict = PeriodicSchedule.verdict(.interval(3600), retry: row.retry, state, now: Self.at(row.now))
        #expect(verdict == row.verdict)
    }

    private func check(_ row: Case) throws {
        let verdict = PeriodicSchedule.verdict(
            try Self.schedule(row.schedule), row.state, now: Self.at(row.now))
        #expect(verdict == row.verdict)
    }

    /// 2026-01-01, the first after the day of these tests.
    private static let newYear = Date(timeIntervalSince1970: 1_767_225_600)
}
