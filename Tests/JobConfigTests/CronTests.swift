import FoundationEssentials
import JobConfig
import Testing

@Suite struct CronTests {
    private static func date(_ text: String) throws -> Date { try Date("\(text)Z", strategy: .iso8601) }

    @Test(
        "The next instant in UTC",
        arguments: [
            // Fields, steps, ranges, lists.
            ("* * * * *", "2026-03-01T10:00:00", "2026-03-01T10:01:00"),
            ("* * * * *", "2026-03-01T10:00:59", "2026-03-01T10:01:00"),
            ("*/15 * * * *", "2026-03-01T10:46:00", "2026-03-01T11:00:00"),
            ("5/20 * * * *", "2026-03-01T10:26:00", "2026-03-01T10:45:00"),
            ("0 9-17/4 * * *", "2026-03-01T10:00:00", "2026-03-01T13:00:00"),
            ("30 2,14 * * *", "2026-03-01T03:00:00", "2026-03-01T14:30:00"),
            ("0 0 1 jan *", "2026-03-01T00:00:00", "2027-01-01T00:00:00"),
            ("0 6 * * MON-fri", "2026-03-06T06:00:00", "2026-03-09T06:00:00"),
            ("59 23 31 12 *", "2026-12-31T23:58:59", "2026-12-31T23:59:00"),
            ("0 0 * * ?", "2026-02-28T12:00:00", "2026-03-01T00:00:00"),
            // Optional seconds.
            ("*/10 * * * * *", "2026-03-01T10:00:05", "2026-03-01T10:00:10"),
            ("30 59 23 * * *", "2026-03-01T23:59:30", "2026-03-02T23:59:30"),
            // Either day where both are restricted; both where one has a star, as robfig/cron v2.
            ("0 0 13 * 5", "2026-03-01T00:00:00", "2026-03-06T00:00:00"),
            ("0 0 13 * *", "2026-03-01T00:00:00", "2026-03-13T00:00:00"),
            ("0 0 */2 * 1", "2026-03-01T00:00:00", "2026-03-09T00:00:00"),
            // Leap days, also across a century without one.
            ("0 0 29 2 *", "2026-03-01T00:00:00", "2028-02-29T00:00:00"),
            ("0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"),
            ("0 0 31 * *", "2026-04-01T00:00:00", "2026-05-31T00:00:00"),
            // Descriptors.
            ("@hourly", "2026-03-01T10:20:00", "2026-03-01T11:00:00"),
            ("@daily", "2026-12-31T10:20:00", "2027-01-01T00:00:00"),
            ("@midnight", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
            ("@weekly", "2026-03-03T00:00:00", "2026-03-08T00:00:00"),
            ("@monthly", "2026-03-03T00:00:00", "2026-04-01T00:00:00"),
            ("@yearly", "2026-03-03T00:00:00", "2027-01-01T00:00:00"),
            ("@every 1h30m", "2026-03-01T10:20:30", "2026-03-01T11:50:30"),
        ])
    func next(expression: String, after: String, expected: String) throws {
        let found = try CronExpression(expression).next(after: Self.date(after))
        #expect(try found == Self.date(expected))
    }

    @Test("Fractions of a second do not fire twice")
    func fractions() throws {
        let tick = try Self.date("2026-03-01T10:01:00")
        let cron = try CronExpression("* * * * *")
        #expect(cron.next(after: tick.addingTimeInterval(-0.25)) == tick)
        #expect(cron.next(after: tick.addingTimeInterval(0.25)) == tick.addingTimeInterval(60))
    }

    @Test("The search agrees with the meaning of the fields over three years")
    func agreement() throws {
        // An independent reading: count the days and look at each hour.
        let cron = try CronExpression("0 7 10-20/5 2,6 3")
        var expected: [Double] = []
        var days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var day = 0
        // 2026-01-01 was a Thursday and lies 20,454 days after 1970.
        for year in 2026...2028 {
            days[1] = year == 2028 ? 29 : 28
            for month in 1...12 {
                for dayOfMonth in 1...days[month - 1] {
                    let isWednesday = (day + 4) % 7 == 3
                    if [2, 6].contains(month), [10, 15, 20].contains(dayOfMonth) || isWednesday {
                        expected.append(Double((20_454 + day) * 86_400 + 7 * 3600))
                    }
                    day += 1
                }
            }
        }
        var found: [Double] = []
        var instant = Date(timeIntervalSince1970: 20_454 * 86_400 - 1)
        while let next = cron.next(after: instant), next.timeIntervalSince1970 < Double((20_454 + day) * 86_400) {
            found.append(next.timeIntervalSince1970)
            instant = next
        }
        #expect(found == expected)
        #expect(found.count > 40)
    }

    @Test("A date that never comes is no error", arguments: ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
    func never(expression: String) throws {
        #expect(try !CronExpression(expression).isEverDue)
    }

    @Test(
        "Refused with a sentence",
        arguments: [
            ("", "0 fields"), ("* * * *", "4 fields"), ("* * * * * * *", "7 fields"),
            ("60 * * * *", "'60' as minute is outside 0 to 59"), ("* 24 * * *", "'24' as hour is outside 0 to 23"),
            ("* * 0 * *", "'0' as day of month is outside 1 to 31"), ("* * * 13 *", "'13' as month is outside 1 to 12"),
            ("* * * * 7", "'7' as day of week is outside 0 to 6; Sunday is 0"),
            ("5-1 * * * *", "begins after its end"), ("*/0 * * * *", "a step of at least 1"),
            ("*/x * * * *", "a step of at least 1"), ("1-2-3 * * * *", "more than one '-'"),
            ("1/2/3 * * * *", "more than one '/'"), ("*-5 * * * *", "a star and a range"),
            ("one * * * *", "'one' as minute is neither a number, '*' nor '?'"),
            ("* * * foo *", "a name such as feb"), (", * * * *", "minute is empty"),
            ("@often", "the descriptors are"), ("@every", "one duration"), ("@every soon", "one duration"),
            ("@every 10ms", "at least a second"),
            ("TZ=Asia/Tokyo 0 6 * * *", "schedules are in UTC; leave TZ=Asia/Tokyo out"),
            ("CRON_TZ=UTC 0 6 * * *", "leave CRON_TZ=UTC out"), ("TZ= 0 6 * * *", "leave TZ= out"),
        ])
    func refusal(expression: String, reason: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(expression) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "accepted")")
    }

    @Test(
        "Go's durations",
        arguments: [
            ("1h20m", 4800.0), ("1.5h", 5400), ("90s", 90), ("300ms", 0.3), ("1us", 1e-6), ("1µs", 1e-6),
            ("2m0.5s", 120.5),
            ("0", 0), ("+5s", 5), ("-2m", -120), (".5s", 0.5), ("5.s", 5), ("24h", 86_400),
        ])
    func durations(text: String, seconds: Double) throws {
        let found = try #require(GoDuration.seconds(text))
        #expect(abs(found - seconds) < 1e-9)
    }

    @Test(
        "No durations of Go's",
        arguments: [
            "", "1", "h", "1d", "1 h", "1h 20m", ".s", "1..5s", "--1s", "-", "1e3s", "two hours", "9999999999h", "∞",
        ])
    func noDurations(text: String) { #expect(GoDuration.seconds(text) == nil) }
}
