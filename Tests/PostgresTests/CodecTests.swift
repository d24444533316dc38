import FoundationEssentials
import Postgres
import Testing

enum Flavour: String, PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    case sweet, salty
}

struct Point: Codable, Hashable, Sendable {
    var x: Int
    var label: String?
}

@Suite struct CodecTests {
    /// Sends a value as the type and reads it back.
    private func roundTrip<T: PostgresEncodable & PostgresDecodable & Equatable>(
        _ values: [T], as type: String, _ connection: PostgresConnection
    ) async throws {
        let statement = Statement("echo \(type)", "select $1::\(type)")
        for value in values {
            let back = try await connection.execute(statement, value).one().decode(T.self)
            #expect(back == value, "\(type)")
        }
    }

    @Test func numbersTextAndIdentifiersComeBackAsTheyWere() async throws {
        try await withConnection { connection async throws in
            try await roundTrip(
                ["", "a", "NULL", "{}", "\\", "\"'", "tab\tline\nend\r", "žluťoučký 🐎 e\u{301}"], as: "text", connection
            )
            try await roundTrip([0, 1, -1, Int.min, Int.max], as: "bigint", connection)
            try await roundTrip([Int32.min, 0, Int32.max], as: "integer", connection)
            try await roundTrip([Int16.min, 0, Int16.max], as: "smallint", connection)
            try await roundTrip([Int64.min, -10, Int64.max], as: "bigint", connection)
            try await roundTrip([true, false], as: "boolean", connection)
            try await roundTrip(
                [0, -0.5, 0.1, 1e300, .leastNonzeroMagnitude, .infinity, -.infinity, .greatestFiniteMagnitude, .pi],
                as: "double precision", connection)
            let notANumber = try await connection.query("select \(Double.nan)::float8").one().decode(Double.self)
            #expect(notANumber.isNaN)
            try await roundTrip([UUID(), UUID()], as: "uuid", connection)
            try await roundTrip([Flavour.sweet, .salty], as: "text", connection)
            try await roundTrip([nil, "", "x"] as [String?], as: "text", connection)
            try await roundTrip([nil, 7] as [Int?], as: "integer", connection)
        }
    }

    @Test func bytesComeBackAsTheyWere() async throws {
        try await withConnection { connection async throws in
            try await roundTrip([[], [0], Array(0...255), Array("\\x".utf8)] as [[UInt8]], as: "bytea", connection)
            try await roundTrip([[], [[]], [[0, 1], [], [255]]] as [[[UInt8]]], as: "bytea[]", connection)
            try await roundTrip([nil, [0]] as [[UInt8]?], as: "bytea", connection)
        }
    }

    @Test func arraysComeBackAsTheyWere() async throws {
        try await withConnection { connection async throws in
            let texts = ["", "NULL", "null", "a,b", "{}", "\"", "\\", "\\\"", " ", "new\nline", "ž🐎", "'"]
            try await roundTrip([[], texts, ["one"]], as: "text[]", connection)
            try await roundTrip([[nil, "NULL", nil, ""], [nil]] as [[String?]], as: "text[]", connection)
            try await roundTrip([[], [1, -1, .max, .min]], as: "bigint[]", connection)
            try await roundTrip([[], [1, -1, .max, .min]] as [[Int64]], as: "bigint[]", connection)
            try await roundTrip([[nil, 1]] as [[Int?]], as: "integer[]", connection)
            try await roundTrip([[true, false, true]], as: "boolean[]", connection)
            try await roundTrip([[0.5, .infinity, -1e-9]], as: "float8[]", connection)
            try await roundTrip([[UUID(), UUID()]], as: "uuid[]", connection)
            try await roundTrip([[Flavour.salty, .sweet]], as: "text[]", connection)
            try await roundTrip(
                [[Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 1.25)]], as: "timestamptz[]", connection)
        }
    }

    @Test(arguments: [
        "2024-02-29 23:59:59.999999+00", "1970-01-01 00:00:00+00", "1969-12-31 23:59:59.000001+00",
        "2000-01-01 00:00:00.5+00", "1900-03-01 12:00:00+00", "2100-12-31 23:59:59.123456+00",
        "9999-12-31 23:59:59+00", "20000-01-01 00:00:00+00", "0001-01-01 00:00:00+00",
        "0044-03-15 12:00:00+00 BC", "infinity", "-infinity",
    ])
    func timestampsKeepMicroseconds(text: String) async throws {
        try await withConnection { connection async throws in
            let date = try await connection.query("select \(text)::timestamptz").one().decode(Date.self)
            let back = try await connection.query("select (\(date)::timestamptz)::text").one().decode(String.self)
            #expect(back == text)
        }
    }

    @Test func timestampsAreReadInAnyOffset() async throws {
        try await withConnection { connection async throws in
            try await connection.script("set timezone to 'Asia/Kathmandu'")
            let (date, day) = try await connection.query("select to_timestamp(1.5), date '1970-01-02'").one()
                .decode((Date, Date).self)
            #expect(date == Date(timeIntervalSince1970: 1.5))
            #expect(day == Date(timeIntervalSince1970: 86400))
        }
    }

    @Test func jsonIsCoded() async throws {
        try await withConnection { connection async throws in
            let point = Point(x: 3, label: "a \"b\" \\ ž")
            let row = try await connection.query(
                "select \(JSON(point))::jsonb, \(JSON([1, 2]))::json, null::jsonb, \([JSON(point)])::jsonb[]"
            ).one()
            let (first, second, third, fourth) = try row.decode(
                (JSON<Point>, JSON<[Int]>, JSON<Point>?, [JSON<Point>]).self)
            #expect(first.value == point)
            #expect(second.value == [1, 2])
            #expect(third == nil)
            #expect(fourth.map(\.value) == [point])
            #expect(try row.get(1, as: JSONText.self).text == "[1,2]")
        }
    }

    @Test func columnsAreReadByNameAndPlace() async throws {
        try await withConnection { connection async throws in
            let row = try await connection.query("select 1 as id, 'x' as \"Name\", null as nothing").one()
            #expect(try row.get("id", as: Int.self) == 1)
            #expect(try row.get("Name", as: String.self) == "x")
            #expect(try row.get(2, as: Int?.self) == nil)
            let rows = try await connection.query("select n from generate_series(1, 5) as n")
            #expect(try rows.map { try $0.decode(Int.self) } == [1, 2, 3, 4, 5])
            #expect(rows.columns == ["n"])
            #expect(rows.commandTag == "SELECT 5")
            #expect(rows.affected == 5)
        }
    }

    @Test func whatDoesNotFitIsAnErrorThatNamesColumnAndStatement() async throws {
        try await withConnection { connection async throws in
            let statement = Statement(
                "tests.mixed",
                "select 'secret' as word, null::int as nothing, 3000000000 as big, '{{1}}'::int[] as deep")
            let row = try await connection.execute(statement).one()
            let attempts: [(String, () throws -> Void)] = [
                ("the row has 4 columns and 2 were asked for", { _ = try row.decode((String, Int?).self) }),
                ("there is no column 'missing'", { _ = try row.get("missing", as: Int.self) }),
                ("there is no column at position 4", { _ = try row.get(4, as: Int.self) }),
                ("column 'word' is no Int: not an integer", { _ = try row.get("word", as: Int.self) }),
                ("column 'word' is no UUID: not a uuid", { _ = try row.get("word", as: UUID.self) }),
                (
                    "column 'word' is no Flavour: none of Flavour's raw values",
                    { _ = try row.get("word", as: Flavour.self) }
                ),
                (
                    "column 'word' is no Array<String>: not a one-dimensional array",
                    { _ = try row.get("word", as: [String].self) }
                ),
                ("column 'nothing' is NULL, which Int cannot hold", { _ = try row.get("nothing", as: Int.self) }),
                ("column 'big' is no Int32: an integer beyond 32 bits", { _ = try row.get("big", as: Int32.self) }),
                (
                    "column 'deep' is no Array<Int>: not a one-dimensional array",
                    { _ = try row.get("deep", as: [Int].self) }
                ),
            ]
            for (message, attempt) in attempts {
                let error = await failure { try attempt() }
                #expect(error?.kind == .decoding)
                #expect(error?.message == message)
                #expect(error?.description.contains("tests.mixed") == true)
                #expect(error?.description.contains("big") == true)
            }
            let none = await failure { _ = try await connection.query("select 1 where false").one() }
            #expect(none?.message == "expected one row and got 0")
        }
    }

    @Test func whatCannotBeSentIsRefusedBeforeSending() async throws {
        try await withConnection { connection async throws in
            let attempts: [any PostgresEncodable] = [
                "a\0b", ["a\0b"], JSON(Double.nan), Date(timeIntervalSinceReferenceDate: .infinity),
            ]
            for value in attempts {
                let error = await failure {
                    try await connection.execute(Statement("tests.echo", "select $2, $1"), 1, value)
                }
                #expect(error?.kind == .encoding)
                #expect(error?.message.hasPrefix("parameter $2: ") == true)
            }
            let many = await failure {
                try await connection.execute(
                    Statement("tests.many", "select 1"), parameters: Array(repeating: 1, count: 65_536))
            }
            #expect(many?.message.contains("65535") == true)
            #expect(try await connection.query("select 1").one().decode(Int.self) == 1)
        }
    }
}
