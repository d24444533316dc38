import FoundationEssentials

/// Writes `Encodable` values as JSON like Foundation's `JSONEncoder`, several times as fast: straight into the text,
/// members in the order in which they are encoded. See `JSONReader`.
///
/// A value whose `encode(to:)` goes back to an object or array after it has gone on to the next one cannot be written;
/// none that the compiler makes does.
package struct JSONWriter: Sendable {
    package let dates: JSONDateForm

    package init(dates: JSONDateForm) { self.dates = dates }

    /// - Throws: `EncodingError` for a number that is not finite.
    package func write(_ value: some Encodable) throws -> [UInt8] {
        var output = Output(dates)
        try withUnsafeMutablePointer(to: &output) { output in
            try JSONEncoding(output: output, depth: 0).encode(value)
            output.pointee.close(to: 0)
        }
        return output.text
    }
}

/// Lives as long as a call of `write`, as no encoder may be used after `encode(to:)`.
private struct Output {
    private(set) var text: [UInt8] = []
    private let dates: JSONDateForm
    /// The arrays and objects that are open, outermost first.
    private var open: [Open] = []

    private struct Open {
        var isArray: Bool
        var count = 0
    }

    init(_ dates: JSONDateForm) {
        self.dates = dates
        text.reserveCapacity(1024)
    }

    /// Opens a container, or goes on with the one that is open there.
    mutating func begin(isArray: Bool, depth: Int) {
        close(to: depth + 1)
        if open.count > depth {
            precondition(open[depth].isArray == isArray, "a value was written as an array and as an object")
            return
        }
        text.append(isArray ? UInt8(ascii: "[") : UInt8(ascii: "{"))
        open.append(Open(isArray: isArray))
    }

    mutating func close(to depth: Int) {
        while open.count > depth {
            text.append(open.removeLast().isArray ? UInt8(ascii: "]") : UInt8(ascii: "}"))
        }
    }

    /// The next element of the container within so many others.
    mutating func element(depth: Int) {
        close(to: depth)
        precondition(open.count == depth, "a container was written to after its end")
        if open[depth - 1].count > 0 { text.append(UInt8(ascii: ",")) }
        open[depth - 1].count += 1
    }

    func count(depth: Int) -> Int { open[depth - 1].count }

    mutating func member(_ name: String, depth: Int) {
        element(depth: depth)
        write(name)
        text.append(UInt8(ascii: ":"))
    }

    // MARK: Scalars

    mutating func writeEmptyObject() { text += "{}".utf8 }
    mutating func writeNull() { text += "null".utf8 }
    mutating func write(_ value: Bool) { text += (value ? "true" : "false").utf8 }

    mutating func write(_ value: some FixedWidthInteger) {
        text += value.description.utf8
    }

    mutating func write<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Number) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value, EncodingError.Context(codingPath: [], debugDescription: "JSON has no number for \(value)"))
        }
        let digits = value.description.utf8
        text += digits.suffix(2).elementsEqual(".0".utf8) ? digits.dropLast(2) : digits[...]
    }

    mutating func write(_ value: String) {
        text.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { bytes in
            var start = 0
            for (position, byte) in bytes.enumerated()
            where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                text += bytes[start..<position]
                escape(byte)
                start = position + 1
            }
            text += bytes[start...]
        }
        text.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): text += #"\""#.utf8
        case UInt8(ascii: "\\"): text += #"\\"#.utf8
        case 0x0A: text += #"\n"#.utf8
        case 0x0D: text += #"\r"#.utf8
        case 0x09: text += #"\t"#.utf8
        default:
            text += #"\u00"#.utf8
            text.append(Self.digits[Int(byte >> 4)])
            text.append(Self.digits[Int(byte & 0x0F)])
        }
    }

    mutating func write(_ date: Date) throws {
        switch dates {
        case .secondsSince1970: try write(date.timeIntervalSince1970)
        case .iso8601: write(date.formatted(.iso8601))
        }
    }

    mutating func write(_ uuid: UUID) {
        text.append(UInt8(ascii: "\""))
        withUnsafeBytes(of: uuid.uuid) { bytes in
            for (place, byte) in bytes.enumerated() {
                if place == 4 || place == 6 || place == 8 || place == 10 { text.append(UInt8(ascii: "-")) }
                text.append(Self.digits[Int(byte >> 4)])
                text.append(Self.digits[Int(byte & 0x0F)])
            }
        }
        text.append(UInt8(ascii: "\""))
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

private struct JSONEncoding: Encoder, SingleValueEncodingContainer {
    let output: UnsafeMutablePointer<Output>
    /// Containers around the value.
    let depth: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        output.pointee.begin(isArray: false, depth: depth)
        return KeyedEncodingContainer(JSONObjectWriting<Key>(output: output, depth: depth + 1))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        output.pointee.begin(isArray: true, depth: depth)
        return JSONArrayWriting(output: output, depth: depth + 1)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { output.pointee.writeNull() }
    func encode(_ value: Bool) { output.pointee.write(value) }
    func encode(_ value: String) { output.pointee.write(value) }
    func encode(_ value: Double) throws { try output.pointee.write(value) }
    func encode(_ value: Float) throws { try output.pointee.write(value) }
    func encode(_ value: Int) { output.pointee.write(value) }
    func encode(_ value: Int8) { output.pointee.write(value) }
    func encode(_ value: Int16) { output.pointee.write(value) }
    func encode(_ value: Int32) { output.pointee.write(value) }
    func encode(_ value: Int64) { output.pointee.write(value) }
    func encode(_ value: UInt) { output.pointee.write(value) }
    func encode(_ value: UInt8) { output.pointee.write(value) }
    func encode(_ value: UInt16) { output.pointee.write(value) }
    func encode(_ value: UInt32) { output.pointee.write(value) }
    func encode(_ value: UInt64) { output.pointee.write(value) }

    func encode<Value: Encodable>(_ value: Value) throws {
        if Value.self == Date.self { return try output.pointee.write(unsafeBitCast(value, to: Date.self)) }
        if Value.self == UUID.self { return output.pointee.write(unsafeBitCast(value, to: UUID.self)) }
        let start = output.pointee.text.count
        try value.encode(to: self)
        // What encodes nothing is an object without members.
        if output.pointee.text.count == start { output.pointee.writeEmptyObject() }
    }
}

private struct JSONObjectWriting<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: UnsafeMutablePointer<Output>
    /// Open containers up to and with this one.
    let depth: Int

    var codingPath: [any CodingKey] { [] }

    private func value(_ key: Key) -> JSONEncoding {
        output.pointee.member(key.stringValue, depth: depth)
        return JSONEncoding(output: output, depth: depth)
    }

    func encodeNil(forKey key: Key) { value(key).encodeNil() }
    func encode(_ value: Bool, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: String, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: Double, forKey key: Key) throws { try self.value(key).encode(value) }
    func encode(_ value: Float, forKey key: Key) throws { try self.value(key).encode(value) }
    func encode(_ value: Int, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: Int8, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: Int16, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: Int32, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: Int64, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: UInt, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: UInt8, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: UInt16, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: UInt32, forKey key: Key) { self.value(key).encode(value) }
    func encode(_ value: UInt64, forKey key: Key) { self.value(key).encode(value) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try self.value(key).encode(value) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        value(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { value(key).unkeyedContainer() }

    func superEncoder() -> any Encoder {
        output.pointee.member("super", depth: depth)
        return JSONEncoding(output: output, depth: depth)
    }

    func superEncoder(forKey key: Key) -> any Encoder { value(key) }
}

private struct JSONArrayWriting: UnkeyedEncodingContainer {
    let output: UnsafeMutablePointer<Output>
    /// Open containers up to and with this one.
    let depth: Int

    var codingPath: [any CodingKey] { [] }
    var count: Int { output.pointee.count(depth: depth) }

    private func next() -> JSONEncoding {
        output.pointee.element(depth: depth)
        return JSONEncoding(output: output, depth: depth)
    }

    func encodeNil() { next().encodeNil() }
    func encode(_ value: Bool) { next().encode(value) }
    func encode(_ value: String) { next().encode(value) }
    func encode(_ value: Double) throws { try next().encode(value) }
    func encode(_ value: Float) throws { try next().encode(value) }
    func encode(_ value: Int) { next().encode(value) }
    func encode(_ value: Int8) { next().encode(value) }
    func encode(_ value: Int16) { next().encode(value) }
    func encode(_ value: Int32) { next().encode(value) }
    func encode(_ value: Int64) { next().encode(value) }
    func encode(_ value: UInt) { next().encode(value) }
    func encode(_ value: UInt8) { next().encode(value) }
    func encode(_ value: UInt16) { next().encode(value) }
    func encode(_ value: UInt32) { next().encode(value) }
    func encode(_ value: UInt64) { next().encode(value) }
    func encode<Value: Encodable>(_ value: Value) throws { try next().encode(value) }

    func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        next().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { next().unkeyedContainer() }
    func superEncoder() -> any Encoder { next() }
}
