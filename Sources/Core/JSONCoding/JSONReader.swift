import FoundationEssentials

/// How instants stand in JSON.
package enum JSONDateForm: Sendable {
    /// A number: seconds since 1970.
    case secondsSince1970
    /// A string: ISO 8601 in UTC, in whole seconds.
    case iso8601
}

/// Reads `Decodable` values from JSON like Foundation's `JSONDecoder`, three times as fast: no value is looked up in a
/// dictionary or copied before it is asked for. For what passes by the hundred thousand: messages, columns, the forge's
/// deliveries and calls. With Foundation's, two fifths of a worker's time went into JSON (docs/performance.md).
///
/// Stricter than Foundation's: what nobody asks for must be JSON as well. Of two members with one name the first counts.
package struct JSONReader: Sendable {
    package let dates: JSONDateForm

    package init(dates: JSONDateForm) { self.dates = dates }

    /// - Throws: `DecodingError` with the place in the document.
    package func read<Value: Decodable>(_ type: Value.Type = Value.self, from text: [UInt8]) throws -> Value {
        try text.withUnsafeBufferPointer { text in
            let tape: JSONTape
            do throws(JSONTape.Malformed) {
                tape = try JSONTape(text)
            } catch {
                throw DecodingError.dataCorrupted(
                    DecodingError.Context(
                        codingPath: [], debugDescription: "not JSON: \(error.reason), after \(error.offset) bytes"))
            }
            return try tape.values.withUnsafeBufferPointer { values in
                try withUnsafePointer(to: Document(text: text, values: values, dates: dates)) { document in
                    try Place(document, 0).read(type)
                }
            }
        }
    }
}

/// Lives as long as a call of `read`, as no decoder may be used after `init(from:)`. Counting references to it would take
/// twice as long as everything else.
private struct Document {
    let text: UnsafeBufferPointer<UInt8>
    let values: UnsafeBufferPointer<JSONTape.Value>
    let dates: JSONDateForm
}

private struct JSONKey: CodingKey {
    var stringValue: String
    var intValue: Int?

    init(stringValue: String) { self.stringValue = stringValue }
    init(intValue: Int) { (stringValue, self.intValue) = ("Index \(intValue)", intValue) }
}

/// One value of a document.
private struct Place {
    private let document: UnsafePointer<Document>
    private let index: Int

    init(_ document: UnsafePointer<Document>, _ index: Int) {
        self.document = document
        self.index = index
    }

    var value: JSONTape.Value { values[index] }
    private var values: UnsafeBufferPointer<JSONTape.Value> { document.pointee.values }

    private func text(_ value: JSONTape.Value) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: document.pointee.text[Int(value.start)..<Int(value.end)])
    }

    /// The first value that it holds; behind it where it holds none.
    var first: Place { Place(document, index + 1) }
    /// The value after this one.
    var next: Place { Place(document, Int(value.next)) }
    /// Whether the value lies behind all that `other` holds.
    func isBehind(_ other: Place) -> Bool { index >= Int(other.value.next) }
    var isNull: Bool { value.kind == .null }

    func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == Date.self { return unsafeBitCast(try date(), to: Value.self) }
        if type == UUID.self { return unsafeBitCast(try uuid(), to: Value.self) }
        return try Value(from: JSONDecoding(place: self))
    }

    // MARK: Scalars

    func bool() throws -> Bool {
        switch value.kind {
        case .true: true
        case .false: false
        default: throw mismatch(Bool.self)
        }
    }

    func string() throws -> String {
        let value = value
        guard value.kind == .string else { throw mismatch(String.self) }
        guard let string = JSONString.decode(text(value), value.isEscaped) else {
            throw corrupted("the string is not UTF-8, or has an escape that JSON does not know")
        }
        return string
    }

    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        let value = value
        guard value.kind == .number else { throw mismatch(type) }
        let digits = text(value)
        guard let integer = JSONNumber.integer(digits, as: type) else {
            throw corrupted("\(String(decoding: digits, as: UTF8.self)) is no \(type)")
        }
        return integer
    }

    func double() throws -> Double {
        let value = value
        guard value.kind == .number else { throw mismatch(Double.self) }
        guard let number = JSONNumber.double(text(value)) else {
            throw corrupted("the number is too large")
        }
        return number
    }

    private func date() throws -> Date {
        switch document.pointee.dates {
        case .secondsSince1970: return Date(timeIntervalSince1970: try double())
        case .iso8601:
            guard let date = try? Date(try string(), strategy: .iso8601) else {
                throw corrupted("it is no ISO 8601 date")
            }
            return date
        }
    }

    private func uuid() throws -> UUID {
        guard value.kind == .string else { throw mismatch(UUID.self) }
        guard !value.isEscaped, let uuid = JSONString.uuid(text(value)) else {
            throw corrupted("it is no UUID")
        }
        return uuid
    }

    // MARK: Members

    /// The member of that name of an object.
    func member(_ name: String) -> Place? {
        var name = name
        return name.withUTF8 { name in
            var key = first
            while !key.isBehind(self) {
                if key.spells(name) { return key.next }
                key = key.next.next
            }
            return nil
        }
    }

    private func spells(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let value = value
        let text = text(value)
        if value.isEscaped { return JSONString.decode(text, true)?.utf8.elementsEqual(name) ?? false }
        return text.count == name.count && text.elementsEqual(name)
    }

    /// The names of an object's members, in their order.
    var names: [String] {
        var names: [String] = []
        var key = first
        while !key.isBehind(self) {
            if let name = try? key.string() { names.append(name) }
            key = key.next.next
        }
        return names
    }

    /// The members of an object; of two with one name the first, as `member` finds it.
    var members: [String: Place] {
        var members: [String: Place] = [:]
        var key = first
        while !key.isBehind(self) {
            if let name = try? key.string(), members[name] == nil { members[name] = key.next }
            key = key.next.next
        }
        return members
    }

    // MARK: Errors

    /// From the outermost value to this one.
    var path: [any CodingKey] {
        var path: [any CodingKey] = []
        var index = index
        while values[index].parent >= 0 {
            let value = values[index]
            if values[Int(value.parent)].kind == .array {
                path.append(JSONKey(intValue: Int(value.place)))
            } else {
                path.append(JSONKey(stringValue: (try? Place(document, index - 1).string()) ?? ""))
            }
            index = Int(value.parent)
        }
        return path.reversed()
    }

    func mismatch(_ type: Any.Type) -> DecodingError {
        let context = DecodingError.Context(codingPath: path, debugDescription: "found \(value.kind)")
        return isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: path, debugDescription: reason))
    }
}

private struct JSONDecoding: Decoder, SingleValueDecodingContainer {
    let place: Place

    var codingPath: [any CodingKey] { place.path }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard place.value.kind == .object else { throw place.mismatch([String: Any].self) }
        return KeyedDecodingContainer(JSONObjectReading<Key>(place))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard place.value.kind == .array else { throw place.mismatch([Any].self) }
        return JSONArrayReading(place)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { place.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try place.bool() }
    func decode(_ type: String.Type) throws -> String { try place.string() }
    func decode(_ type: Double.Type) throws -> Double { try place.double() }
    func decode(_ type: Float.Type) throws -> Float { Float(try place.double()) }
    func decode(_ type: Int.Type) throws -> Int { try place.integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try place.integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try place.integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try place.integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try place.integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try place.integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try place.integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try place.integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try place.integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try place.integer(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try place.read(type) }
}

private struct JSONObjectReading<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let place: Place
    /// The members of an object of many: a dictionary asks for each of them.
    private let members: [String: Place]?

    init(_ place: Place) {
        self.place = place
        members = place.value.count > 32 ? place.members : nil
    }

    private func find(_ name: String) -> Place? { members.map { $0[name] } ?? place.member(name) }

    var codingPath: [any CodingKey] { place.path }
    var allKeys: [Key] { place.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { find(key.stringValue) != nil }

    private func member(_ key: Key) throws -> Place {
        guard let member = find(key.stringValue) else {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: place.path, debugDescription: "no member of that name"))
        }
        return member
    }

    /// Neither missing nor null.
    private func present(_ key: Key) -> Place? {
        guard let member = find(key.stringValue), !member.isNull else { return nil }
        return member
    }

    func decodeNil(forKey key: Key) throws -> Bool { try member(key).isNull }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try member(key).bool() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try member(key).string() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try member(key).double() }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { Float(try member(key).double()) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try member(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try member(key).integer(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try member(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try member(key).integer(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try member(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try member(key).integer(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try member(key).integer(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try member(key).integer(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try member(key).integer(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try member(key).read(type) }

    // The standard library's own would look each name up three times.
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try present(key)?.bool() }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(key)?.string() }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try present(key)?.double() }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try present(key)?.integer(type) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try present(key)?.integer(type) }
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try present(key)?.read(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try JSONDecoding(place: member(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try JSONDecoding(place: member(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        guard let member = find("super") else { throw place.corrupted("no member 'super'") }
        return JSONDecoding(place: member)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { JSONDecoding(place: try member(key)) }
}

private struct JSONArrayReading: UnkeyedDecodingContainer {
    private let place: Place
    private var next: Place
    private(set) var currentIndex = 0

    init(_ place: Place) {
        self.place = place
        next = place.first
    }

    var codingPath: [any CodingKey] { place.path }
    var isAtEnd: Bool { next.isBehind(place) }
    var count: Int? { Int(place.value.count) }

    private func element() throws -> Place {
        guard !isAtEnd else { throw place.corrupted("the array has only \(currentIndex) elements") }
        return next
    }

    /// Goes on only where it could be read.
    private mutating func step<Value>(_ read: (Place) throws -> Value) throws -> Value {
        let element = try element()
        let value = try read(element)
        next = element.next
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard try element().isNull else { return false }
        return try step { $0.isNull }
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try step { try $0.bool() } }
    mutating func decode(_ type: String.Type) throws -> String { try step { try $0.string() } }
    mutating func decode(_ type: Double.Type) throws -> Double { try step { try $0.double() } }
    mutating func decode(_ type: Float.Type) throws -> Float { try step { Float(try $0.double()) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try step { try $0.integer(type) } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try step { try $0.integer(type) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try step { try $0.integer(type) } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try step { try $0.integer(type) } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try step { try $0.integer(type) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try step { try $0.integer(type) } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try step { try $0.integer(type) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try step { try $0.integer(type) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try step { try $0.integer(type) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try step { try $0.integer(type) } }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try step { try $0.read(type) } }

    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try step { try JSONDecoding(place: $0).container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try step { try JSONDecoding(place: $0).unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try step { JSONDecoding(place: $0) } }
}
