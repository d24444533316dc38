import Results
import Testing
import Web

@Suite("Logs as pages show them")
struct LogTests {
    @Test(
        "colours stay, everything else that a terminal obeys is taken out",
        arguments: [
            ("plain", "plain"),
            ("<b>&\"'", "&lt;b&gt;&amp;&quot;&#39;"),
            ("\u{1B}[31mred\u{1B}[0m plain", "<span class=\"c1\">red</span> plain"),
            ("\u{1B}[1;92mbright\u{1B}[22m", "<span class=\"c10 b\">bright</span>"),
            ("\u{1B}[38;5;4mblue \u{1B}[38;2;1;2;3mtrue", "<span class=\"c4\">blue </span>true"),
            ("10 %\r50 %\r100 %", "100 %"), ("done\r", "done"), ("abc\u{8}d", "abd"),
            ("\u{1B}]0;title\u{7}after", "after"), ("\u{1B}]8;;http://x\u{1B}\\link", "link"),
            ("\u{1B}[2Kcleared", "cleared"),
            ("\u{1B}", ""), ("\u{1B}[", ""), ("\u{1B}[31", ""), ("a\u{0}b\u{7F}c", "abc"),
            ("\u{1B}[31m<script>", "<span class=\"c1\">&lt;script&gt;</span>"),
        ])
    func terminal(line: String, html: String) {
        var text = TerminalText()
        #expect(text.render(Array(line.utf8)).html == html)
    }

    @Test("a colour goes on from line to line, invalid UTF-8 is mended, a long line is cut and says by how much")
    func terminalLines() {
        var text = TerminalText()
        _ = text.render(Array("\u{1B}[33mwarn".utf8))
        #expect(text.render(Array("still".utf8)).html == "<span class=\"c3\">still</span>")
        #expect(text.render([0xFF, 0x41]).html.contains("\u{FFFD}A"))
        var plain = TerminalText()
        #expect(plain.render([UInt8](repeating: 0x61, count: 5000), omitted: 7).html.contains("1007 bytes more"))
    }

    @Test(
        "the line that a failed run opens on",
        arguments: [
            (["ok", "--- FAIL: TestX (0.00s)", "FAIL"], 2),
            (["    --- FAIL: inner", "--- FAIL: outer"], 2),
            (["error: soft", "later", "FAILED tests/a.py::b"], 3),
            (["make: *** [all] Error 1", "x"], 1),
            (["2026-11-24T01:02:03.123Z FAIL pkg 0.1s", "error: x"], 1),
            (["\u{1B}[31mFAIL\u{1B}[0m src/a.test.js", "x"], 1),
            (["goroutine 1", "panic: nil map", "Error: x"], 2),
            (["all fine", "no failures"], 0),
            (["# Build", "thread 'main' panicked at src/lib.rs:1"], 2),
            (["AssertionError", "E   assert 1 == 2"], 2),
            (["CONFLICT (content): Merge conflict in a"], 1),
        ])
    func failingLine(lines: [String], expected: Int) {
        for pieces in [1, 5, 4096] {
            var map = LogMap(findsFailure: true)
            var rest = Array(lines.joined(separator: "\n").utf8)[...]
            while !rest.isEmpty {
                map.feed(Array(rest.prefix(pieces)))
                rest = rest.dropFirst(pieces)
            }
            #expect(map.failingLine ?? 0 == expected)
            #expect(map.lines == lines.count)
        }
    }

    @Test("any line of a long log is found without reading what is before it")
    func map() {
        var map = LogMap(findsFailure: false)
        var offsets: [Int64] = []
        var text: [UInt8] = []
        for number in 1...3000 {
            offsets.append(Int64(text.count))
            text += Array("line \(number) \(String(repeating: "x", count: number % 50))\n".utf8)
        }
        for start in stride(from: 0, to: text.count, by: 1000) {
            map.feed(Array(text[start..<min(text.count, start + 1000)]))
        }
        for line in [1, 2, 256, 257, 1000, 3000] {
            let (offset, first) = map.start(of: line)
            #expect(offset == offsets[first - 1])
            #expect(first <= line && line - first < 256)
        }
        #expect(map.lines == 3000 && map.size == Int64(text.count))
    }

    @Test(
        "ranges of a file (RFC 9110, 14.1)",
        arguments: [
            (nil, ByteRange.whole), ("bytes=0-9", .part(0..<10)), ("bytes=90-", .part(90..<100)),
            ("bytes=-10", .part(90..<100)), ("bytes=95-200", .part(95..<100)), ("bytes=-200", .part(0..<100)),
            ("bytes=100-", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=5-2", .whole),
            ("bytes=0-1,3-4", .whole), ("lines=1-2", .whole), ("bytes=a-b", .whole), ("bytes=--1", .whole),
        ] as [(String?, ByteRange)])
    func ranges(header: String?, range: ByteRange) {
        #expect(ByteRange.parse(header, size: 100) == range)
    }

    @Test(
        "the type under which a job's file may be shown",
        arguments: [
            ("a.html", "text/html; charset=utf-8", true), ("A.HTM", "text/html; charset=utf-8", true),
            ("x.svg", "image/svg+xml", true), ("a.json", "application/json", false),
            ("build-log.txt", "text/plain; charset=utf-8", false), ("a.js", "text/plain; charset=utf-8", false),
            ("a.css", "text/plain; charset=utf-8", false), ("junit.xml", "text/plain; charset=utf-8", false),
            ("a.tar.gz", "application/octet-stream", false), ("p.png", "image/png", false),
        ])
    func types(name: String, type: String, isSandboxed: Bool) {
        let safe = SafeType.of(name)
        #expect(safe?.mediaType == type)
        #expect(safe?.isSandboxed == isSandboxed)
        #expect(safe?.contentSecurityPolicy.hasPrefix("sandbox") == true)
        #expect(safe?.contentSecurityPolicy.contains("allow-same-origin") == false)
    }
}
