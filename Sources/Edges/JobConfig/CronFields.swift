/// The six fields of a cron expression as sets of bits, and the search for the next instant (Unix seconds, UTC).
struct CronFields: Hashable, Sendable {
    private var seconds: CronField
    private var minutes: CronField
    private var hours: CronField
    private var daysOfMonth: CronField
    private var months: CronField
    private var daysOfWeek: CronField

    init(_ words: [String], _ expression: String) throws(CronError) {
        if let zone = words.first, zone.hasPrefix("TZ=") || zone.hasPrefix("CRON_TZ=") {
            throw CronError(
                expression: expression,
                reason:
                    "it names a time zone, and schedules are in UTC; leave \(zone.prefix(80)) out and write the hours in "
                    + "UTC")
        }
        guard words.count == 5 || words.count == 6 else {
            throw CronError(
                expression: expression,
                reason: "it has \(words.count) fields; write minute, hour, day of month, month and day of week,"
                    + " with seconds before them if needed")
        }
        let fields = words.count == 5 ? ["0"] + words : words
        seconds = try CronField(fields[0], .second, expression)
        minutes = try CronField(fields[1], .minute, expression)
        hours = try CronField(fields[2], .hour, expression)
        daysOfMonth = try CronField(fields[3], .dayOfMonth, expression)
        months = try CronField(fields[4], .month, expression)
        daysOfWeek = try CronField(fields[5], .dayOfWeek, expression)
    }

    func next(after instant: Int64) -> Int64? {
        let start = instant + 1
        var day = start.dividedDown(by: 86_400)
        var secondOfDay = Int(start - day * 86_400)
        let end = day + 40 * 366
        while day < end {
            let date = CivilDate(day: day)
            if !months.contains(date.month) {
                day = date.firstOfNextMonth
                secondOfDay = 0
                continue
            }
            if matches(date, day: day), let found = firstSecond(from: secondOfDay) {
                return day * 86_400 + Int64(found)
            }
            day += 1
            secondOfDay = 0
        }
        return nil
    }

    private func matches(_ date: CivilDate, day: Int64) -> Bool {
        let ofMonth = daysOfMonth.contains(date.day)
        // 1970-01-01 was a Thursday (4).
        let ofWeek = daysOfWeek.contains(Int((day + 4) - (day + 4).dividedDown(by: 7) * 7))
        return daysOfMonth.hasStar || daysOfWeek.hasStar ? ofMonth && ofWeek : ofMonth || ofWeek
    }

    /// The first matching second of a day that is not before `second`.
    private func firstSecond(from second: Int) -> Int? {
        let (hour, minute, rest) = (second / 3600, second / 60 % 60, second % 60)
        if hours.contains(hour) {
            if minutes.contains(minute), let found = seconds.first(from: rest) {
                return hour * 3600 + minute * 60 + found
            }
            if let next = minutes.first(from: minute + 1) { return hour * 3600 + next * 60 + seconds.lowest }
        }
        guard let next = hours.first(from: hour + 1) else { return nil }
        return next * 3600 + minutes.lowest * 60 + seconds.lowest
    }
}

/// One field: the values it allows.
struct CronField: Hashable, Sendable {
    /// What a field's numbers mean and may be.
    enum Unit: String {
        case second, minute, hour
        case dayOfMonth = "day of month"
        case month
        case dayOfWeek = "day of week"

        var range: ClosedRange<Int> {
            switch self {
            case .second, .minute: 0...59
            case .hour: 0...23
            case .dayOfMonth: 1...31
            case .month: 1...12
            case .dayOfWeek: 0...6
            }
        }

        var names: [String] {
            switch self {
            case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
            case .dayOfWeek: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
            default: []
            }
        }
    }

    private var bits: UInt64 = 0
    /// The field, or an entry of its list, began with `*` or `?`.
    private(set) var hasStar = false

    init(_ text: String, _ unit: Unit, _ expression: String) throws(CronError) {
        for part in text.split(separator: ",") { try add(part, unit, expression) }
        guard bits != 0 else { throw CronError(expression: expression, reason: "its \(unit.rawValue) is empty") }
    }

    func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }

    func first(from value: Int) -> Int? {
        guard value < 64 else { return nil }
        let rest = bits >> UInt64(value)
        return rest == 0 ? nil : value + rest.trailingZeroBitCount
    }

    var lowest: Int { bits.trailingZeroBitCount }

    private mutating func add(_ part: Substring, _ unit: Unit, _ expression: String) throws(CronError) {
        func refusal(_ reason: String) -> CronError {
            CronError(expression: expression, reason: "'\(part)' as \(unit.rawValue) \(reason)")
        }
        let halves = part.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { throw refusal("has more than one '/'") }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { throw refusal("has more than one '-'") }
        var lower = unit.range.lowerBound
        var upper = unit.range.upperBound
        if ends[0] == "*" || ends[0] == "?" {
            guard ends.count == 1 else { throw refusal("is a star and a range at once") }
            hasStar = true
        } else {
            var values: [Int] = []
            for end in ends {
                guard let value = Self.value(end, unit) else {
                    throw refusal(
                        "is neither a number" + (unit.names.isEmpty ? "" : ", a name such as \(unit.names[1])")
                            + ", '*' nor '?'")
                }
                values.append(value)
            }
            lower = values[0]
            // `N/step` runs to the field's end.
            if values.count == 2 { upper = values[1] } else if halves.count == 1 { upper = lower }
        }
        guard unit.range.contains(lower), unit.range.contains(upper) else {
            let hint = unit == .dayOfWeek && (lower == 7 || upper == 7) ? "; Sunday is 0" : ""
            throw refusal("is outside \(unit.range.lowerBound) to \(unit.range.upperBound)\(hint)")
        }
        guard lower <= upper else { throw refusal("begins after its end") }
        var step = 1
        if halves.count == 2 {
            guard let number = Int(halves[1]), number > 0 else { throw refusal("needs a step of at least 1") }
            step = number
        }
        for value in stride(from: lower, through: upper, by: min(step, 64)) { bits |= 1 << UInt64(value) }
    }

    private static func value(_ text: Substring, _ unit: Unit) -> Int? {
        if let number = Int(text) { return number }
        let name = text.lowercased()
        return unit.names.firstIndex(of: name).map { $0 + unit.range.lowerBound }
    }
}

/// A day of the proleptic Gregorian calendar, from days since 1970-01-01.
private struct CivilDate {
    let year: Int64
    let month: Int
    let day: Int

    /// Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    init(day number: Int64) {
        let shifted = number + 719_468
        let era = shifted.dividedDown(by: 146_097)
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        day = Int(ofYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Hinnant's days_from_civil for the first of the month after this one.
    var firstOfNextMonth: Int64 {
        let next = month == 12 ? (year + 1, Int64(1)) : (year, Int64(month + 1))
        let year = next.1 <= 2 ? next.0 - 1 : next.0
        let era = year.dividedDown(by: 400)
        let yearOfEra = year - era * 400
        let ofYear = (153 * (next.1 > 2 ? next.1 - 3 : next.1 + 9) + 2) / 5
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear - 719_468
    }
}

extension Int64 {
    /// Division that rounds towards minus infinity.
    fileprivate func dividedDown(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
