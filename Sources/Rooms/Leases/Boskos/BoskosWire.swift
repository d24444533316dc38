import FoundationEssentials
import NIOHTTP1

/// A resource as Boskos shows it: `common.Resource`, fields in Go's order.
struct BoskosResource {
    var name: String
    var type: String
    var state: String
    var owner: String
    var updatedAt: Date
    /// A JSON object.
    var userData: String
    var diesAt: Date?

    init(
        name: String, type: String, state: String, owner: String, updatedAt: Date, userData: String, diesAt: Date?
    ) {
        self.name = name
        self.type = type
        self.state = state
        self.owner = owner
        self.updatedAt = updatedAt
        self.userData = userData
        self.diesAt = diesAt
    }

    init(_ resource: GrantedResource, owner: String, at instant: Date) {
        self.init(
            name: resource.name, type: resource.type, state: resource.state, owner: owner, updatedAt: instant,
            userData: resource.userData, diesAt: resource.diesAt)
    }

    var json: String {
        var json = "{\"type\":\(BoskosJSON.quoted(type)),\"name\":\(BoskosJSON.quoted(name))"
        json += ",\"state\":\(BoskosJSON.quoted(state)),\"owner\":\(BoskosJSON.quoted(owner))"
        json += ",\"lastupdate\":\"\(GoTime.text(updatedAt))\",\"userdata\":\(userData)"
        if let diesAt { json += ",\"expiration-date\":\"\(GoTime.text(diesAt))\"" }
        return json + "}"
    }
}

/// The few shapes of JSON that are written often.
enum BoskosJSON {
    static func quoted(_ text: String) -> String {
        let needsCare = text.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
        guard needsCare else { return "\"\(text)\"" }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// - Parameter members: names, and values that are JSON already.
    static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
}

/// RFC 3339 in UTC, as Go's `time.Time` is written: with as many digits of the second as it has.
enum GoTime {
    static func text(_ date: Date) -> String {
        let microseconds = Int64((date.timeIntervalSince1970 * 1_000_000).rounded())
        let seconds = microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
        let fraction = microseconds - seconds * 1_000_000
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let rest = seconds - days * 86_400
        let (year, month, day) = civil(days)
        var text = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
        text += "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))"
        if fraction != 0 {
            var digits = pad(fraction, 6)
            while digits.hasSuffix("0") { digits.removeLast() }
            text += "." + digits
        }
        return text + "Z"
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
    }

    /// The proleptic Gregorian date of a day since 1970, in years that begin in March.
    private static func civil(_ day: Int64) -> (Int64, Int64, Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (
            yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }
}

/// A query as Go's `url.Values` reads it: the first value of a name counts, and what is malformed is left out.
struct BoskosQuery {
    private var values: [(name: String, value: String)] = []

    init(_ text: Substring) {
        for part in text.utf8.split(separator: UInt8(ascii: "&")).prefix(50) where !part.contains(UInt8(ascii: ";")) {
            let pieces = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(pieces[0]), let value = pieces.count == 2 ? Self.decode(pieces[1]) : "" else {
                continue
            }
            values.append((name, value))
        }
    }

    /// Empty where it is absent.
    subscript(name: String) -> String { values.first { $0.name == name }?.value ?? "" }

    /// What a name in the database cannot be.
    func checkBounds(_ prefix: String) throws(BoskosRefusal) {
        for (name, value) in values {
            let most = name == "names" ? 64 << 10 : 1000
            guard value.utf8.count <= most, !value.utf8.contains(0) else {
                throw BoskosRefusal(
                    .badRequest, prefix + "\(name.prefix(40)) has more than \(most) bytes, or a NUL in it.")
            }
        }
    }

    private static func decode(_ bytes: Substring.UTF8View) -> String? {
        if !bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) {
            return String(Substring(bytes))
        }
        var decoded: [UInt8] = []
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Go's `%q`, for what names hold.
func goQuoted(_ text: String) -> String { BoskosJSON.quoted(text) }
