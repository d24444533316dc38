/// Reads a duration as Go writes it (`time.ParseDuration`): `1h20m`, `1.5h`, `300ms`, `-2m`, `0`.
package enum GoDuration {
    /// Seconds; nil for anything that Go would refuse.
    package static func seconds(_ text: String) -> Double? {
        var rest = Substring(text).utf8
        var sign = 1.0
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            sign = first == UInt8(ascii: "-") ? -1 : 1
            rest.removeFirst()
        }
        if rest.elementsEqual("0".utf8) { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || $0 == UInt8(ascii: ".") }
            // `5.` and `.5` are Go's too; a lone dot or two dots are not.
            let digits = String(Substring(number))
            guard digits.contains(where: \.isNumber),
                let value = Double(digits.hasSuffix(".") ? digits + "0" : "0" + digits)
            else {
                return nil
            }
            rest = rest[number.endIndex...]
            guard let (unit, factor) = units.first(where: { rest.starts(with: $0.name.utf8) }) else { return nil }
            rest = rest.dropFirst(unit.utf8.count)
            total += value * factor
        }
        // Go counts nanoseconds in 64 bits.
        return total < 9_223_372_036 ? sign * total : nil
    }

    /// The shortest text that means so many seconds: `1h20m`, `90s` as `1m30s`, `1.5s`.
    static func text(_ seconds: Double) -> String {
        guard let whole = Int64(exactly: seconds), whole > 0 else { return "\(seconds)s" }
        let parts = [(whole / 3600, "h"), (whole / 60 % 60, "m"), (whole % 60, "s")]
        return parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    }

    /// Longer names before their own beginnings (`ms` before `m`). Both micro signs, as Go.
    private static let units: [(name: String, factor: Double)] = [
        ("ns", 1e-9), ("us", 1e-6), ("\u{B5}s", 1e-6), ("\u{3BC}s", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60),
        ("h", 3600),
    ]
}
