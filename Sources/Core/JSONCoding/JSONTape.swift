/// A JSON text (RFC 8259) as a flat list of its values in the order in which they begin, each with where it ends: enough
/// for a decoder to skip what it does not need, and nothing is copied before it is asked for.
struct JSONTape {
    enum Kind: UInt8 {
        case null, `true`, `false`, number, string, array, object
    }

    struct Value {
        var kind: Kind
        /// Of a string: whether it has escapes.
        var isEscaped = false
        /// In the text: of a string without its quotes, of a number its digits.
        var start: Int32
        var end: Int32
        /// Of an array or object.
        var count: Int32 = 0
        /// The first value after this one and all that it holds. A member of an object is two values, its name first.
        var next: Int32 = 0
        /// The array or object that holds it; -1 for the outermost.
        var parent: Int32
        /// Its place there.
        var place: Int32
    }

    private(set) var values: [Value] = []

    /// As deep as Foundation's decoder goes.
    static let maximumDepth = 512

    /// - Throws: `Malformed` for anything but one JSON value.
    init(_ text: UnsafeBufferPointer<UInt8>) throws(Malformed) {
        guard text.count < Int32.max else { throw Malformed(reason: "it is longer than 2 GB", offset: 0) }
        values.reserveCapacity(text.count / 12 + 1)
        var parser = Parser(text: text)
        try parser.value(into: &values, parent: -1, place: 0, depth: 0)
        parser.skipSpace()
        guard parser.position == text.count else { throw parser.malformed("there is more after its end") }
    }

    struct Malformed: Error {
        var reason: String
        /// Bytes before the place.
        var offset: Int
    }
}

private struct Parser {
    let text: UnsafeBufferPointer<UInt8>
    var position = 0

    init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

    func malformed(_ reason: String) -> JSONTape.Malformed { JSONTape.Malformed(reason: reason, offset: position) }

    private var byte: UInt8? { position < text.count ? text[position] : nil }

    mutating func skipSpace() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    mutating func value(
        into values: inout [JSONTape.Value], parent: Int32, place: Int32, depth: Int
    ) throws(JSONTape.Malformed) {
        skipSpace()
        let index = values.count
        let start = Int32(position)
        func append(_ kind: JSONTape.Kind, isEscaped: Bool = false, _ start: Int32, _ end: Int) {
            values.append(
                JSONTape.Value(
                    kind: kind, isEscaped: isEscaped, start: start, end: Int32(end), next: Int32(index + 1),
                    parent: parent, place: place))
        }
        guard let first = byte else { throw malformed("it ends in the middle") }
        switch first {
        case UInt8(ascii: "\""):
            let isEscaped = try string()
            append(.string, isEscaped: isEscaped, start + 1, position - 1)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard depth < JSONTape.maximumDepth else {
                throw malformed("it is nested deeper than \(JSONTape.maximumDepth) levels")
            }
            let isObject = first == UInt8(ascii: "{")
            append(isObject ? .object : .array, start, position)
            position += 1
            let count = try members(of: Int32(index), isObject: isObject, into: &values, depth: depth + 1)
            values[index].count = count
            values[index].end = Int32(position)
            values[index].next = Int32(values.count)
        case UInt8(ascii: "t"):
            try literal("true")
            append(.true, start, position)
        case UInt8(ascii: "f"):
            try literal("false")
            append(.false, start, position)
        case UInt8(ascii: "n"):
            try literal("null")
            append(.null, start, position)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try number()
            append(.number, start, position)
        default: throw malformed("a value cannot begin like this")
        }
    }

    /// After the opening bracket, up to and with the closing one; how many there are.
    private mutating func members(
        of parent: Int32, isObject: Bool, into values: inout [JSONTape.Value], depth: Int
    ) throws(JSONTape.Malformed) -> Int32 {
        let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        skipSpace()
        if byte == close {
            position += 1
            return 0
        }
        var place: Int32 = 0
        while true {
            if isObject {
                skipSpace()
                guard byte == UInt8(ascii: "\"") else { throw malformed("the name of a member must be a string") }
                let name = values.count
                try value(into: &values, parent: parent, place: place, depth: depth)
                try checkName(values[name])
                skipSpace()
                guard byte == UInt8(ascii: ":") else { throw malformed("a colon is missing after a name") }
                position += 1
            }
            try value(into: &values, parent: parent, place: place, depth: depth)
            skipSpace()
            switch byte {
            case UInt8(ascii: ",")?: position += 1
            case close?:
                position += 1
                return place + 1
            case nil: throw malformed("it ends in the middle")
            default: throw malformed("a comma is missing")
            }
            place += 1
        }
    }

    /// A name that cannot be read would be a member that nobody finds. Other strings are checked where they are asked for.
    private func checkName(_ name: JSONTape.Value) throws(JSONTape.Malformed) {
        let bytes = UnsafeBufferPointer(rebasing: text[Int(name.start)..<Int(name.end)])
        guard name.isEscaped || bytes.contains(where: { $0 >= 0x80 }) else { return }
        guard JSONString.decode(bytes, name.isEscaped) != nil else {
            throw malformed("the name of a member is not UTF-8, or has an escape that JSON does not know")
        }
    }

    private mutating func literal(_ word: StaticString) throws(JSONTape.Malformed) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard byte == word.utf8Start[offset] else { throw malformed("'\(word)' was expected") }
            position += 1
        }
    }

    /// - Returns: whether it has escapes. They are checked when it is read.
    private mutating func string() throws(JSONTape.Malformed) -> Bool {
        position += 1
        var isEscaped = false
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "\""):
                position += 1
                return isEscaped
            case UInt8(ascii: "\\"):
                isEscaped = true
                position += 2
            case 0..<0x20: throw malformed("a control character stands in a string")
            default: position += 1
            }
        }
        throw malformed("a string does not end")
    }

    private mutating func number() throws(JSONTape.Malformed) {
        if byte == UInt8(ascii: "-") { position += 1 }
        if byte == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if byte == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            position += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
    }

    private mutating func digits() throws(JSONTape.Malformed) {
        let start = position
        while let byte, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw malformed("a digit is missing in a number") }
    }
}
