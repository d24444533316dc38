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
        Case("after a comment of HTML on its line", "<!-- x -->/retest\na <!-- x\ny -->/lgtm", ["retest"]),
        Case("the opening of a comment inside a fence", "```html\n<!--\n```\n/retest", ["retest"]),
        Case("the opening of a comment in inline code", "write `<!--` before it\n/retest", ["retest"]),
        Case("the opening of a comment that nothing ends in its paragraph", "a <!-- b\n/retest\n\n-->", ["retest"]),
        Case("a comment inside a paragraph", "a <!-- b\n/test unit\n--> c\n/retest", ["retest"]),
        Case("comments beside marks that join letters", "<!--\u{301}\n/test unit\n-->\u{301}\n/retest", ["retest"]),
        Case("a comment that its opening ends", "<!-->\n/retest", ["retest"]),
        Case("a fence inside a comment", "<!--\n```\n-->\n/retest", ["retest"]),
        Case("a fence that is not closed by another kind", "```\n~~~\n/test unit\n```\n/retest", ["retest"]),
        Case("a fence that is not closed by one with words", "```\n``` x\n/test unit\n```\n/retest", ["retest"]),
        Case("an indented fence", "  ```\n/test unit\n   ```\n/retest", ["retest"]),
        Case("four blanks are no end of a fence", "```\n/test unit\n    ```\n/lgtm\n```\n/retest", ["retest"]),
        Case("a fence in a list", "- ```sh\n  make\n  ```\n/retest", ["retest"]),
        Case("a fence in a numbered list", "1. do\n2) ~~~\n   /test unit\n   ~~~\n/retest", ["retest"]),
        Case("a fence that ends with its list", "* ```\n  make\n\n/retest", ["retest"]),
        Case("a fence in a list in a list", "- - ```\n    /test unit\n    ```\n/retest", ["retest"]),
        Case("a fence below a list's text", "- text\n\n  ```\n  /test unit\n  ```\n/retest", ["retest"]),
        Case("a fence in a quote", "> ```\n> /test unit\n/retest", ["retest"]),
        Case("a command in a list", "- /test unit\n1. /lgtm\n/retest", ["retest"]),
        Case("a rule of dashes", "- - -\n---\n/retest", ["retest"]),
        Case("empty", "", []),
        Case("twice the same", "/retest\n/retest", ["retest", "retest"]),
    ])
    func finds(_ row: Case) {
        let found = CommandParser.commands(in: CommandParser.visibleText(row.text))
        #expect(found.map { $0.arguments.isEmpty ? $0.name : "\($0.name) \($0.arguments)" } == row.commands)
    }

    @Test(
        "what no person writes is read to its end",
        arguments: [
            ("<!--", false), ("<!---->", true), ("<!-- \n", false), ("a <!-- b\n", true), ("- ", true), ("`<!--", true),
            ("--> <!--\n", true), ("```\n", true),
        ])
    func floods(_ part: String, _ isSeen: Bool) {
        let flood = String(repeating: part, count: 15_000 * 4 / part.utf8.count / 2 * 2) + "\n\n/retest"
        #expect(CommandParser.visibleText(flood).hasSuffix("/retest") == isSeen)
    }

    @Test("what no person writes is bounded")
    func bounded() {
        let flood = String(repeating: "/test unit\n", count: 100_000)
        #expect(CommandParser.commands(in: CommandParser.visibleText(flood)).count == 50)
    }
}
