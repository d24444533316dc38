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
        Case("leading and trailing blanks", "  /test unit  \r\n", ["test unit"]),
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
