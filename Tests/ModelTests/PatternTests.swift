import FoundationEssentials
import Patterns
import Testing

@Suite struct PatternTests {
    @Test(
        "Unanchored, Go's dialect",
        arguments: [
            ("release-1.3", "release-1.30", true),
            ("^release-1.3$", "release-1.30", false),
            ("^main$", "main\nnext", false),
            ("(?m)^/test( | .* )unit,?($|\\s.*)", "hello\n/test unit\n", true),
            ("(?m)^/test( | .* )unit,?($|\\s.*)", "/test unit-2", false),
            ("(?i)DOCS/", "a/docs/b", true),
            ("a.b", "a\nb", false),
            ("^\\p{L}+$", "größe", true),
            ("", "", true),
            ("", "anything", true),
            ("\\.md$", "README.md", true),
            ("\\0", "\0", true),
        ])
    func matching(expression: String, text: String, expected: Bool) throws {
        #expect(try Pattern(expression).matches(text) == expected)
    }

    @Test(
        "What RE2 does not take is refused with its reason",
        arguments: [
            ("(", "missing )"), ("a(?=b)", "invalid perl operator: (?="), ("(a)\\1", "invalid escape sequence: \\1"),
            ("*", "no argument for repetition operator: *"), ("a{1001}", "invalid repetition size: {1001}"),
            ("[z-a]", "invalid character class range: z-a"),
            ("((((((x{100}){100}){100}){100}){100}){100})", "invalid repetition size"),
            (String(repeating: "a", count: 40_000), "longer than 32768 bytes"),
        ])
    func refusal(expression: String, reason: String) {
        let error = #expect(throws: PatternError.self) { try Pattern(expression) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "accepted")")
        #expect((error?.description.utf8.count ?? 0) < 800)
    }

    @Test("Time is linear in the text and memory bounded")
    func catastrophicExpression() throws {
        #expect(try Pattern("(a*)*(a*)*(a|aa)+$").matches(String(repeating: "a", count: 100_000) + "b") == false)
        #expect(try Pattern("^(a*)*$").matches(String(repeating: "a", count: 100_000) + "b") == false)
    }

    @Test("Groups of the first match and of all")
    func groups() throws {
        let pattern = try Pattern("(?m)^/(\\w+)(?: (\\w+))?$")
        #expect(pattern.groupCount == 2)
        #expect(pattern.firstMatch(in: "x\n/test unit\n/retest") == ["/test unit", "test", "unit"])
        #expect(pattern.allMatches(in: "/retest\n/test ü\n/hold now").map { $0[1] } == ["retest", "hold"])
        #expect(pattern.firstMatch(in: "/retest")?[2] == nil)
        #expect(pattern.firstMatch(in: "none") == nil)
    }

    @Test("Empty matches advance by whole characters")
    func emptyMatches() throws {
        #expect(try Pattern("x?").allMatches(in: "aüx").map { $0[0] } == ["", "", "x", ""])
        #expect(try Pattern("").allMatches(in: "").count == 1)
    }

    @Test("JSON holds the expression; equality is the expression's")
    func coding() throws {
        let pattern = try Pattern("^main$")
        let data = try JSONEncoder().encode([pattern])
        #expect(String(decoding: data, as: UTF8.self) == #"["^main$"]"#)
        #expect(try JSONDecoder().decode([Pattern].self, from: data) == [pattern])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Pattern].self, from: Array(#"["("]"#.utf8).data)
        }
    }

    @Test("Escaping makes any text match itself alone")
    func escaping() throws {
        for text in ["a.b", "c++", "[x](y){z}|^$\\?*", "plain", "ü-1_2"] {
            #expect(try Pattern("^\(Pattern.escaped(text))$").matches(text))
        }
        #expect(try Pattern("^\(Pattern.escaped("a.b"))$").matches("axb") == false)
    }
}

extension [UInt8] {
    fileprivate var data: Data { Data(self) }
}
