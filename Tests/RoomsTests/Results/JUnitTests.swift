import Results
import Testing

@Suite("JUnit files, in their dialects")
struct JUnitTests {
    /// Reads one document in pieces of a few bytes, so that every boundary is met.
    static func read(_ text: String, pieces: Int = 7) -> TestReport { read(Array(text.utf8), pieces: pieces) }

    static func read(_ bytes: [UInt8], into report: TestReport = TestReport(), pieces: Int = 7) -> TestReport {
        var parser = JUnitParser(into: report)
        var rest = bytes[...]
        while !rest.isEmpty {
            parser.feed(Array(rest.prefix(pieces)))
            rest = rest.dropFirst(pieces)
        }
        return parser.finish(file: "junit.xml")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var xml: String
        /// `suite|name|outcome|message`
        var expected: [String]

        init(_ description: String, _ xml: String, _ expected: [String]) {
            (testDescription, self.xml, self.expected) = (description, xml, expected)
        }
    }

    @Test(
        "each dialect gives the tests that its writer meant",
        arguments: [
            Case("empty report", "<testsuites/>", []),
            Case("a suite as root", "<testsuite name='s'><testcase name='a'/></testsuite>", ["s|a|passed|"]),
            Case(
                "failure with a message and one with a type only",
                """
                <testsuite name="s"><testcase name="a"><failure message="no &lt;way&gt;" type="T">trace</failure></testcase>
                <testcase name="b"><error type="Boom"/></testcase></testsuite>
                """, ["s|a|failed|no <way>", "s|b|failed|Boom"]),
            Case(
                "skipped by an element, by status, by attribute (googletest, .NET, Ginkgo)",
                """
                <testsuite name="s"><testcase name="a"><skipped message="later">why</skipped></testcase>
                <testcase name="b" status="notrun"/><testcase name="c" result="suppressed"/>
                <testcase name="d" disabled="true"/><testcase name="e" status="run" result="completed"/></testsuite>
                """, ["s|a|skipped|", "s|b|skipped|", "s|c|skipped|", "s|d|skipped|", "s|e|passed|"]),
            Case(
                "a name that repeats flakes, in either order; two failures fail",
                """
                <testsuite name="s"><testcase name="a"><failure message="first"/></testcase><testcase name="a"/>
                <testcase name="b"/><testcase name="b"><failure message="second"/></testcase>
                <testcase name="c"><failure message="1"/></testcase><testcase name="c"><failure message="2"/></testcase>
                <testcase name="d"><skipped/></testcase><testcase name="d"/></testsuite>
                """, ["s|a|flaky|first", "s|b|flaky|second", "s|c|failed|1", "s|d|passed|"]),
            Case(
                "Surefire's reruns: flakyFailure is a flake, rerunFailure beside failure a failure",
                """
                <testsuite name="s"><testcase name="a"><flakyFailure message="once"><stackTrace>t</stackTrace></flakyFailure>
                </testcase><testcase name="b"><failure message="f"/><rerunFailure message="again"/></testcase></testsuite>
                """, ["s|a|flaky|once", "s|b|failed|f"]),
            Case(
                "nested suites, and a class that says something new",
                """
                <testsuites><testsuite name="outer"><testsuite name="inner"><testcase classname="C" name="a"/></testsuite>
                <testcase classname="outer.D" name="b"/><testcase classname="outer" name="c"/></testsuite></testsuites>
                """, ["outer/inner/C|a|passed|", "outer.D|b|passed|", "outer|c|passed|"]),
            Case(
                "a suite that could not be set up",
                "<testsuite name='s'><error message='no database'>x</error><testcase name='a'/></testsuite>",
                ["s|(the suite itself)|failed|no database", "s|a|passed|"]),
            Case(
                "OpenShift's informing tests fail without failing their run",
                "<testsuite name='s'><testcase name='a' lifecycle='informing'><failure message='m'/></testcase></testsuite>",
                ["s|a|flaky|m"]),
            Case(
                "namespaces, comments, processing instructions and CDATA",
                """
                <?xml version="1.0"?><?pi?><!-- c --><j:testsuite xmlns:j="urn:j" name="s"><j:testcase name="a">
                <j:failure message="m"><![CDATA[<b>]]></j:failure></j:testcase></j:testsuite>
                """, ["s|a|failed|m"]),
        ])
    func dialects(_ dialect: Case) {
        for pieces in [1, 7, 100_000] {
            let report = Self.read(dialect.xml, pieces: pieces)
            #expect(
                report.tests.map { "\($0.suite)|\($0.name)|\($0.outcome.rawValue)|\($0.message)" } == dialect.expected)
            #expect(report.problems.isEmpty)
        }
    }

    @Test("what a failing test printed is kept: its trace, then its output")
    func output() {
        let report = Self.read(
            """
            <testsuite name="s"><system-out>of the suite</system-out><testcase name="a"><system-out>hello</system-out>
            <failure message="m">at line 7</failure><system-err>world</system-err></testcase>
            <testcase name="b"><system-out>not kept</system-out></testcase></testsuite>
            """)
        #expect(report.tests[0].output == "at line 7\n\n— output —\nhelloworld")
        #expect(report.tests[1].output.isEmpty)
    }

    @Test(
        "seconds in the forms that writers use",
        arguments: [
            ("1.5", 1.5), ("1,5", 1.5), ("1,234.5", 1234.5), ("1,234", 1234), ("0.5s", 0.5), ("", 0), ("-1", 0),
            ("nan", 0),
            ("1e400", 0), ("fast", 0), ("3e9", 1e9),
        ])
    func seconds(text: String, seconds: Double) {
        let report = Self.read("<testsuite><testcase name='a' time='\(text)'/></testsuite>")
        #expect(report.tests.first?.duration == seconds)
    }

    @Test(
        "what is no report, or not all of one, says so and keeps what came before",
        arguments: [
            ("", 0, "could not be read whole"),
            ("nothing of the sort", 0, "could not be read whole"),
            ("<testsuite><testcase name='a'/><testcase name='b'", 1, "the 1 tests before count"),
            ("<testsuite><testcase name='a'/></testsuites>", 1, "mismatched tag"),
            ("<html><body/></html>", 0, "its root is <html>"),
            ("{\"json\": true}", 0, "could not be read whole"),
        ])
    func broken(xml: String, tests: Int, problem: String) {
        let report = Self.read(xml)
        #expect(report.tests.count == tests)
        #expect(report.files == 1)
        #expect(report.problems.count == 1)
        #expect(report.problems.first?.contains(problem) == true)
        #expect(report.problems.first?.hasPrefix("junit.xml ") == true)
    }

    @Test("a document type is refused, and with it every entity")
    func entities() {
        let bomb = """
            <?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
            <!ENTITY f SYSTEM "file:///etc/passwd">]>
            <testsuite><testcase name="&b;&f;"><failure message="&b;">&f;</failure></testcase></testsuite>
            """
        let report = Self.read(bomb)
        #expect(report.tests.isEmpty)
        #expect(report.problems.first?.contains("document type declaration, which is refused") == true)
        let undefined = Self.read("<testsuite><testcase name='a'/><testcase name='&nope;'/></testsuite>")
        #expect(undefined.tests.count == 1 && undefined.problems.count == 1)
    }

    @Test("nesting is bounded")
    func depth() {
        let deep = String(repeating: "<testsuite name='s'>", count: 1000)
        #expect(Self.read(deep, pieces: 4096).problems.first?.contains("nested deeper than 64") == true)
    }

    @Test("terminal colours, control characters and broken UTF-8 do not cost the report")
    func illegalCharacters() {
        var bytes = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?><testsuite name='s'><testcase name='a".utf8)
        bytes += [0xFF, 0xC3] + Array("'><failure message='\u{1B}[31mred &#27;[0m &#x0; &#65;'>".utf8)
        bytes += [0x00, 0xE2, 0x82] + Array("é ✓</failure></testcase></testsuite>".utf8)
        for pieces in [1, 3, 4096] {
            let report = Self.read(bytes, pieces: pieces)
            #expect(report.problems.isEmpty)
            #expect(report.tests.first?.name == "a\u{FFFD}\u{FFFD}")
            #expect(report.tests.first?.message == " [31mred \u{FFFD}[0m \u{FFFD} A")
            #expect(report.tests.first?.output.hasSuffix("é ✓") == true)
        }
    }

    @Test("other encodings are read as they say of themselves")
    func encodings() {
        var latin = Array("<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='caf".utf8)
        latin += [0xE9] + Array("'/></testsuite>".utf8)
        #expect(Self.read(latin).tests.first?.name == "café")
        let utf16: [UInt8] =
            [0xFE, 0xFF]
            + "<testsuite><testcase name='ä'/></testsuite>".utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        #expect(Self.read(utf16).tests.first?.name == "ä")
    }

    @Test("names, messages and outputs are bounded, and cuts never split a character")
    func bounds() {
        let long = String(repeating: "ä", count: 100_000)
        let report = Self.read(
            "<testsuite name='\(long)'><testcase name='\(long)'><failure message='\(long)'>\(long)</failure></testcase></testsuite>",
            pieces: 65_536)
        let test = report.tests.first
        #expect(test.map { $0.name.utf8.count <= 1004 && $0.suite.utf8.count <= 504 } == true)
        #expect(test.map { $0.message.utf8.count <= 4004 } == true)
        #expect(test?.output.contains("bytes left out") == true)
        #expect(test.map { $0.output.utf8.count < 17_000 && !$0.name.contains("\u{FFFD}") } == true)
    }

    @Test("a file beyond 64 MB is cut, and says so")
    func size() {
        var parser = JUnitParser(into: TestReport())
        parser.feed(Array("<testsuite><testcase name='a'/><system-out>".utf8))
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<64 { parser.feed(piece) }
        let report = parser.finish(file: "junit.xml")
        #expect(report.tests.count == 1)
        #expect(report.problems.first?.contains("larger than 64 MB") == true)
    }

    @Test("a run may have 200,000 tests; the output of its failures 8 MB together")
    func runBounds() {
        var report = TestReport()
        let output = String(repeating: "x", count: 1 << 20)
        for number in 0..<10 {
            report.add(TestResult(suite: "s", name: "\(number)", outcome: .failed, message: "m", output: output))
        }
        #expect(report.tests.count { !$0.output.isEmpty } == 8)
        #expect(report.tests.allSatisfy { $0.message == "m" })
        for number in 10..<TestReport.maximumTests {
            report.add(TestResult(suite: "", name: "\(number)", outcome: .passed))
        }
        let isTaken = report.add(TestResult(suite: "", name: "one more", outcome: .passed))
        #expect(!isTaken)
        // What is known already still counts.
        let isCounted = report.add(TestResult(suite: "s", name: "0", outcome: .passed))
        #expect(isCounted)
        #expect(report.tests[0].outcome == .flaky)
    }

    @Test("a test over several files of a run is one test")
    func severalFiles() {
        let first = Self.read("<testsuite name='s'><testcase name='a' time='1'><failure/></testcase></testsuite>")
        let both = Self.read(
            Array("<testsuite name='s'><testcase name='a' time='2'/></testsuite>".utf8), into: first)
        #expect(both.files == 2 && both.tests.count == 1)
        #expect(both.tests[0].outcome == .flaky && both.tests[0].duration == 3)
    }
}
