import FoundationEssentials

/// PostgreSQL's ISO date style to and from `Date`, exact to the microsecond in the years -4712 to 294276.
enum Timestamp {
    private static let unixToReference: Int64 = 978_307_200
    private static let day: Int64 = 86_400

    static func encode(_ date: Date, into text: inout ParameterText) {
        if date == .distantFuture {
            text.writePlain("infinity")
            return
        }
        if date == .distantPast {
            text.writePlain("-infinity")
            return
        }
        let reference = date.timeIntervalSinceReferenceDate
        // 200,000 years: beyond what anybody means and safely inside both representations.
        guard reference.isFinite, abs(reference) < 6.3e12 else {
            text.fail("a date outside of PostgreSQL's timestamps")
            return
        }
        let whole = reference.rounded(.down)
        var seconds = Int64(whole) + unixToReference
        var microseconds = Int64(((reference - whole) * 1_000_000).rounded())
        if microseconds == 1_000_000 {
            microseconds = 0
            seconds += 1
        }
        var days = seconds / day
        var rest = seconds % day
        if rest < 0 {
            rest += day
            days -= 1
        }
        let (year, month, dayOfMonth) = civil(fromDays: days)
        text.write(Int(year > 0 ? year : 1 - year), digits: 4)
        text.writePlain("-")
        text.write(Int(month), digits: 2)
        text.writePlain("-")
        text.write(Int(dayOfMonth), digits: 2)
        text.writePlain(" ")
        text.write(Int(rest / 3600), digits: 2)
        text.writePlain(":")
        text.write(Int(rest / 60 % 60), digits: 2)
        text.writePlain(":")
        text.write(Int(rest % 60), digits: 2)
        if microseconds != 0 {
            text.writePlain(".")
            text.write(Int(microseconds), digits: 6)
        }
        text.writePlain("+00")
        if year <= 0 { text.writePlain(" BC") }
    }

    static func decode(_ text: UnsafeBufferPointer<UInt8>) -> Date? {
        if text.elementsEqual("infinity".utf8) { return .distantFuture }
        if text.elementsEqual("-infinity".utf8) { return .distantPast }
        var reader = Reader(text: text)
        guard var year = reader.number(), reader.take("-"), let month = reader.number(), reader.take("-"),
            let dayOfMonth = reader.number(), (1...12).contains(month), (1...31).contains(dayOfMonth)
        else { return nil }
        var seconds: Int64 = 0
        var microseconds: Int64 = 0
        if reader.take(" "), !reader.isBC {
            guard let hour = reader.number(), reader.take(":"), let minute = reader.number(), reader.take(":"),
                let second = reader.number()
            else { return nil }
            seconds = hour * 3600 + minute * 60 + second
            if reader.take(".") { microseconds = reader.fraction() }
            if let sign: Int64 = reader.take("+") ? 1 : reader.take("-") ? -1 : nil {
                guard let hours = reader.number() else { return nil }
                var offset = hours * 3600
                if reader.take(":") { offset += (reader.number() ?? 0) * 60 }
                if reader.take(":") { offset += reader.number() ?? 0 }
                seconds -= sign * offset
            }
            _ = reader.take(" ")
        }
        if reader.isBC {
            year = 1 - year
            reader.position += 2
        }
        guard reader.position == text.count else { return nil }
        seconds += days(fromCivil: year, month, dayOfMonth) * day - unixToReference
        return Date(timeIntervalSinceReferenceDate: Double(seconds) + Double(microseconds) / 1_000_000)
    }

    private struct Reader {
        let text: UnsafeBufferPointer<UInt8>
        var position = 0

        var isBC: Bool {
            position + 2 == text.count && text[position] == UInt8(ascii: "B") && text[position + 1] == UInt8(ascii: "C")
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        private mutating func digit() -> Int64? {
            guard position < text.count, text[position] >= 0x30, text[position] <= 0x39 else { return nil }
            defer { position += 1 }
            return Int64(text[position] - 0x30)
        }

        mutating func number() -> Int64? {
            guard var value = digit() else { return nil }
            while value < 10_000_000, let next = digit() { value = value * 10 + next }
            return value
        }

        mutating func fraction() -> Int64 {
            var value: Int64 = 0
            var scale: Int64 = 1_000_000
            while scale > 1, let next = digit() {
                value = value * 10 + next
                scale /= 10
            }
            return value * scale
        }
    }

    // The proleptic Gregorian calendar in eras of 400 years that begin on 1 March, so that the leap day is a year's
    // last; day 0 is 1970-01-01.

    private static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
