import Foundation
import JSONCoding
import SlipwayModel
import Testing

/// Every shape that the compiler makes of types, and the containers that hand-written ones use.
private struct Everything: Codable, Equatable {
    enum Choice: String, Codable { case first, second }
    enum Payload: Codable, Equatable {
        case nothing
        case number(Int)
        case pair(left: String, right: [Double])
    }

    final class Node: Codable, Equatable {
        var name: String
        var next: Node?

        init(name: String, next: Node?) { (self.name, self.next) = (name, next) }
        static func == (left: Node, right: Node) -> Bool { left.name == right.name && left.next == right.next }
    }

    struct Empty: Codable, Equatable {}

    /// Two containers of one encoder, and containers within.
    struct Manual: Codable, Equatable {
        var outer: Int
        var inner: [String: Int]
        var rows: [[Int]]

        private enum CodingKeys: CodingKey { case outer, inner, rows }
        private struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(outer: Int, inner: [String: Int], rows: [[Int]]) {
            (self.outer, self.inner, self.rows) = (outer, inner, rows)
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            outer = try container.decode(Int.self, forKey: .outer)
            let members = try container.nestedContainer(keyedBy: Name.self, forKey: .inner)
            inner = [:]
            for key in members.allKeys { inner[key.stringValue] = try members.decode(Int.self, forKey: key) }
            var list = try container.nestedUnkeyedContainer(forKey: .rows)
            rows = []
            while !list.isAtEnd {
                var row = try list.nestedUnkeyedContainer()
                var numbers: [Int] = []
                while !row.isAtEnd { numbers.append(try row.decode(Int.self)) }
                rows.append(numbers)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var first = encoder.container(keyedBy: CodingKeys.self)
            try first.encode(outer, forKey: .outer)
            var members = first.nestedContainer(keyedBy: Name.self, forKey: .inner)
            for (name, value) in inner { try members.encode(value, forKey: Name(stringValue: name)) }
            var second = encoder.container(keyedBy: CodingKeys.self)
            var list = second.nestedUnkeyedContainer(forKey: .rows)
            for row in rows {
                var numbers = list.nestedUnkeyedContainer()
                for number in row { try numbers.encode(number) }
            }
        }
    }

    var text = "plain"
    var odd = "quote \" slash / \\ tab \t line \n bell \u{7} nul \0 é 日本 👩‍👩‍👧"
    var small: Int8 = -128
    var large = UInt64.max
    var least = Int64.min
    var fraction = 0.1
    var tiny = Double.leastNonzeroMagnitude
    var huge = Double.greatestFiniteMagnitude
    var whole = 3.0
    var single: Float = 0.1
    var yes = true
    var missing: String?
    var present: Int? = 7
    var choice = Choice.second
    var payloads: [Payload] = [.nothing, .number(-1), .pair(left: "l", right: [1, 2.5])]
    var node = Node(name: "a", next: Node(name: "b", next: nil))
    var empty = Empty()
    var empties: [Empty] = [Empty(), Empty()]
    var none: [Int] = []
    var holes: [Int?] = [1, nil, 3]
    var table: [String: [String: Int]] = ["a": ["b": 1], "\"": [:]]
    var counts: [Int: Int] = [1: 2]
    var id = UUID(uuid: (1, 159, 0, 0, 171, 205, 112, 0, 128, 0, 0, 0, 0, 0, 255, 255))
    var date = Date(timeIntervalSince1970: 1_795_000_000)
    var manual = Manual(outer: 1, inner: ["x": 1, "y": 2], rows: [[], [1], [2, 3]])
}

@Suite("JSON") struct JSONCodingTests {
    private static let iso = (JSONReader(dates: .iso8601), JSONWriter(dates: .iso8601))
    private static let seconds = (JSONReader(dates: .secondsSince1970), JSONWriter(dates: .secondsSince1970))

    private func foundation(_ dates: JSONDateForm) -> (JSONDecoder, JSONEncoder) {
        let (decoder, encoder) = (JSONDecoder(), JSONEncoder())
        switch dates {
        case .iso8601: (decoder.dateDecodingStrategy, encoder.dateEncodingStrategy) = (.iso8601, .iso8601)
        case .secondsSince1970:
            (decoder.dateDecodingStrategy, encoder.dateEncodingStrategy) = (.secondsSince1970, .secondsSince1970)
        }
        return (decoder, encoder)
    }

    @Test("what one of both writes, both read", arguments: [JSONDateForm.iso8601, .secondsSince1970])
    func bothWays(dates: JSONDateForm) throws {
        let (decoder, encoder) = foundation(dates)
        let (reader, writer) = (JSONReader(dates: dates), JSONWriter(dates: dates))
        let value = Everything()
        let ours = try writer.write(value)
        let theirs = [UInt8](try encoder.encode(value))
        for text in [ours, theirs] {
            #expect(try reader.read(Everything.self, from: text) == value)
            #expect(try decoder.decode(Everything.self, from: Data(text)) == value)
        }
    }

    @Test("members stand in the order in which they are encoded")
    func order() throws {
        struct Document: Encodable {
            var zebra = 1
            var apple: [String?] = ["/", nil]
        }
        #expect(String(decoding: try Self.iso.1.write(Document()), as: UTF8.self) == #"{"zebra":1,"apple":["/",null]}"#)
    }

    @Test("an object of many members is read like one of few")
    func manyMembers() throws {
        let numbers = Dictionary(uniqueKeysWithValues: (0..<20_000).map { ("name \($0) \"é\"", $0) })
        let text = try Self.iso.1.write(numbers)
        #expect(try Self.iso.0.read([String: Int].self, from: text) == numbers)
        #expect(try JSONDecoder().decode([String: Int].self, from: Data(text)) == numbers)
        struct Some: Decodable {
            var first: Int
            var missing: Int?
        }
        let members = (0..<100).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        let wide = Array(#"{\#(members),"f\u0069rst":1,"first":2}"#.utf8)
        #expect(try Self.iso.0.read(Some.self, from: wide).first == 1)
        #expect(try Self.iso.0.read(Some.self, from: wide).missing == nil)
    }

    @Test(
        "a number that JSON has not is refused",
        arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(value: Double) {
        #expect(throws: EncodingError.self) { try Self.iso.1.write([value]) }
    }

    @Test(
        "numbers are read as Foundation reads them",
        arguments: [
            "0", "-0", "1", "-1", "127", "128", "-128", "-129", "255", "256", "9223372036854775807",
            "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
            "18446744073709551616", "1.0", "1.5", "-2.0", "1e2", "1E+2", "12e-1", "0.1", "0.30000000000000004",
            "123456789.123456789", "9007199254740993", "5e-324",
            "1.7976931348623157e308", "1e400", "1795000000.123456", "0.000000000000000000000001",
            "3.14159265358979323846264338327950288",
        ])
    func numbers(text: String) {
        func same<Value: Codable & Equatable>(_ type: Value.Type) {
            let bytes = Array("[\(text)]".utf8)
            let theirs = try? JSONDecoder().decode([Value].self, from: Data(bytes))
            #expect((try? Self.iso.0.read([Value].self, from: bytes)) == theirs, "\(type)")
        }
        same(Int8.self)
        same(UInt8.self)
        same(Int64.self)
        same(UInt64.self)
        same(Double.self)
    }

    @Test(
        "strings are read as Foundation reads them",
        arguments: [
            #""""#, #""a""#, #""\"\\\/\b\f\n\r\t""#, #""\u0041\u00e9\u65E5""#, #""\ud83d\ude00""#, #""\u0000""#,
            #""\ud83d""#, #""\ud83dx""#, #""\ud83d\u0041""#, #""\ude00""#, #""\x""#, #""\u12""#, #""\u12g4""#, "\"\t\"",
            "\"\u{7f}\"", #""日本""#, #""\""#, #"""#,
        ])
    func strings(text: String) {
        let bytes = Array("[\(text)]".utf8)
        let theirs = try? JSONDecoder().decode([String].self, from: Data(bytes))
        #expect((try? Self.iso.0.read([String].self, from: bytes)) == theirs)
    }

    @Test(
        "text that is not UTF-8 is refused",
        arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        #expect(throws: DecodingError.self) {
            try Self.iso.0.read([String].self, from: Array(#"[""#.utf8) + bytes + Array(#""]"#.utf8))
        }
        #expect(throws: DecodingError.self) {
            try Self.iso.0.read([String: Int].self, from: Array(#"{""#.utf8) + bytes + Array(#"":1}"#.utf8))
        }
    }

    @Test(
        "what is not JSON is said with its place",
        arguments: [
            ("", "it ends in the middle, after 0 bytes"), ("[", "it ends in the middle, after 1 bytes"),
            ("[1", "it ends in the middle, after 2 bytes"), ("[1 2]", "a comma is missing, after 3 bytes"),
            ("[1,]", "a value cannot begin like this, after 3 bytes"),
            (#"{"a"}"#, "a colon is missing after a name, after 4 bytes"),
            (
                #"{"\x":1}"#,
                "the name of a member is not UTF-8, or has an escape that JSON does not know, after 5 bytes"
            ),
            ("{a:1}", "the name of a member must be a string, after 1 bytes"),
            ("[1]]", "there is more after its end, after 3 bytes"), ("[01]", "a comma is missing, after 2 bytes"),
            ("[1.]", "a digit is missing in a number, after 3 bytes"),
            ("[-]", "a digit is missing in a number, after 2 bytes"),
            ("[1e]", "a digit is missing in a number, after 3 bytes"), ("[tru]", "'true' was expected, after 4 bytes"),
            (#"["a]"#, "a string does not end, after 4 bytes"), (#"["a\"#, "a string does not end, after 5 bytes"),
            ("[\"\n\"]", "a control character stands in a string, after 2 bytes"),
            ("[+1]", "a value cannot begin like this, after 1 bytes"),
        ])
    func malformed(text: String, reason: String) {
        do {
            _ = try Self.iso.0.read([Everything.Empty].self, from: Array(text.utf8))
            Issue.record("it was read")
        } catch let DecodingError.dataCorrupted(context) {
            #expect(context.debugDescription == "not JSON: \(reason)")
        } catch {
            Issue.record(error)
        }
    }

    @Test("depth is bounded")
    func depth() throws {
        indirect enum Nest: Decodable {
            case end
            case around(Nest)

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                self = list.isAtEnd ? .end : .around(try list.decode(Nest.self))
            }
        }
        func nested(_ levels: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: levels) + Array(repeating: UInt8(ascii: "]"), count: levels)
        }
        _ = try Self.iso.0.read(Nest.self, from: nested(512))
        #expect(throws: DecodingError.self) { try Self.iso.0.read(Nest.self, from: nested(513)) }
        #expect(throws: DecodingError.self) { try Self.iso.0.read(Nest.self, from: nested(1_000_000)) }
    }

    @Test(
        "a value of another kind is said with the way to it",
        arguments: [
            (#"{"rows":[{"name":"a"},{"name":1}]}"#, "rows.1.name"), (#"{"rows":[{}]}"#, "rows.0"),
            (#"{"rows":[{"name":null}]}"#, "rows.0.name"), (#"{"rows":{}}"#, "rows"), ("[]", ""),
            (#"{"ro\u0077s":1}"#, "rows"),
        ])
    func place(text: String, path: String) {
        struct Table: Decodable {
            struct Row: Decodable { var name: String }
            var rows: [Row]
        }
        do {
            _ = try Self.iso.0.read(Table.self, from: Array(text.utf8))
            Issue.record("it was read")
        } catch let error as DecodingError {
            let context: DecodingError.Context? =
                switch error {
                case .keyNotFound(_, let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
                    .dataCorrupted(let context):
                    context
                @unknown default: nil
                }
            let names = context?.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
            #expect(names?.joined(separator: ".") == path)
        } catch {
            Issue.record(error)
        }
    }

    /// Each byte of a document is changed in turn, and each prefix tried: no input may trap, and what is read must be what
    /// Foundation reads.
    @Test("garbage is refused or read as Foundation reads it")
    func garbage() throws {
        struct Small: Codable, Equatable {
            var a: [Int?]
            var b: [String: String]
            var c: Double?
        }
        let document = Array(#"{"a":[1,null,-2],"b":{"k\n":"v\u00e9 é"},"c":1.5e1,"d":[{"x":true},[]]}"#.utf8)
        func compare(_ bytes: [UInt8]) {
            let ours = try? Self.iso.0.read(Small.self, from: bytes)
            let theirs = try? JSONDecoder().decode(Small.self, from: Data(bytes))
            // Foundation looks no further into what nobody asks for, and takes the last of two equal names.
            if let ours, let theirs { #expect(ours == theirs, "\(String(decoding: bytes, as: UTF8.self))") }
        }
        for place in document.indices {
            compare(Array(document[..<place]))
            for byte: UInt8 in [
                0, 0x20, 0x22, 0x2C, 0x2D, 0x30, 0x39, 0x3A, 0x5B, 0x5C, 0x5D, 0x65, 0x75, 0x7B, 0x7D, 0xC3, 0xFF,
            ] {
                var changed = document
                changed[place] = byte
                compare(changed)
            }
        }
    }

    @Test(
        "what is read of a document that chance has changed, Foundation reads as well, and the same", arguments: 1...4)
    func chance(seed: UInt64) throws {
        var state = seed
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let original = Array(
            #"{"a":[1,null,-2.5e-1],"é\n":{"k":"v\u00e9 \ud83d\ude00 é"},"":[{"x":[[],{}]},"019f"],"d":[0,1E+2]}"#.utf8)
        let bytes = Array(#"{}[]",:\0123456789eE+-.unl "#.utf8) + [0, 0x1F, 0x7F, 0x80, 0xC3, 0xED, 0xFF]
        let canonical = JSONEncoder()
        canonical.outputFormatting = .sortedKeys
        var read = 0
        for _ in 1...10_000 {
            var text = original
            for _ in 0...below(4) {
                switch below(3) {
                case 0: text[below(text.count)] = bytes[below(bytes.count)]
                case 1: text.insert(bytes[below(bytes.count)], at: below(text.count + 1))
                default: text.remove(at: below(text.count))
                }
            }
            guard let ours = try? Self.iso.0.read(JSONValue.self, from: text) else { continue }
            read += 1
            let theirs = try JSONDecoder().decode(JSONValue.self, from: Data(text))
            #expect(try canonical.encode(ours) == canonical.encode(theirs), "\(String(decoding: text, as: UTF8.self))")
            #expect(throws: Never.self) { try JSONDecoder().decode(JSONValue.self, from: Data(Self.iso.1.write(ours))) }
        }
        // Most changes harm nothing but a value.
        #expect(read > 500)
    }
}
