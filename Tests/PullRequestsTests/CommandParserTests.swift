import PullRequests
import SlipwayModel
import Testing

@Suite("Commands in comments")
struct CommandParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var commands: [String]

        init(_ name: String, _ text: String, _ commands: [String]) {
            testDescription = name
            self.text = text
            self.commands = commands
        }
    }

    @Test(arguments: [
        Case("one", "/test unit", ["test unit"]),
        Case("several, in order", "/lgtm\n/approve no-issue\nthanks", ["lgtm", "approve no-issue"]),
        Case("trailing blanks", "/test unit  \r\n", ["test unit"]),
        Case("a lone carriage return", "/test unit \r", ["test unit"]),
        Case("not at the beginning of its line", " /test unit\n  /lgtm", []),
        Case("after a mark that nobody sees", "\u{FEFF}/test unit\n\u{200B}/lgtm", []),
        Case("a slash that is none", "\u{2215}test unit\n\u{FF0F}lgtm\n\u{29F8}hold", []),
        Case("letters that look alike", "/\u{04BB}old\n/l\u{0261}tm\n/hold\u{0301}", []),
        Case("blanks that are none of ours", "/test\u{00A0}unit\n/hold\u{2003}cancel", ["test unit", "hold cancel"]),
        Case("a line that another mark ends", "/lgtm\u{2028}/hold", ["lgtm /hold"]),
        Case("upper case names", "/LGTM", ["lgtm"]),
        Case("with a dash", "/ok-to-test", ["ok-to-test"]),
        Case("help for tests", "/test ?", ["test ?"]),
        Case("inside a sentence", "please /test unit", []),
        Case("a path is no command", "/usr/bin/env", []),
        Case("a lone slash", "/", []),
        Case("a number is no name", "/1", []),
        Case("in a fence", "```\n/test unit\n```", []),
        Case("in a fence with a language", "```sh\n/test unit\n```\n/retest", ["retest"]),
        Case("in a fence of tildes", "~~~\n/test unit\n~~~", []),
        Case("a fence closes only with as many marks", "````\n```\n/test unit\n````\n/retest", ["retest"]),
        Case("an open fence reaches to the end", "```\n/test unit", []),
        Case("inline code opens no fence", "```x``` \n/retest", ["retest"]),
        Case("in a quote", "> /test unit\n/retest", ["retest"]),
        Case("in an indented block", "    /test unit\n\t/lgtm\n/retest", ["retest"]),
        Case("in a comment of HTML", "<!-- /test unit -->\n/retest", ["retest"]),
        Case("in an open comment of HTML", "<!--\n/test unit", []),
        Case("empty", "", []),
        Case("twice the same", "/retest\n/retest", ["retest", "retest"]),
    ])
    func finds(_ row: Case) {
        let found = CommandParser.commands(in: CommandParser.visibleText(row.text))
        #expect(found.map { $0.arguments.isEmpty ? $0.name : "\($0.name) \($0.arguments)" } == row.commands)
    }

    @Test("what no person writes is bounded")
    func bounded() {
        let flood = String(repeating: "/test unit\n", count: 100_000)
        #expect(CommandParser.commands(in: CommandParser.visibleText(flood)).count == 50)
    }
}
