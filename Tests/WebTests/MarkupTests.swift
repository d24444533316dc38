import FoundationEssentials
import Hummingbird
import HummingbirdTesting
import SlipwayTesting
import Testing
import Web

@Suite("Text on pages")
struct MarkupTests {
    /// Each with what must not survive.
    private static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</title><script>",
        "&lt;b&gt;", "\u{0}\u{1B}[31m", "\"\u{301}onload=1", "{{title}}", "{{{main}}}", "<!--", "]]>",
    ]

    @Test("what comes from outside is text wherever it is shown", arguments: hostile)
    func escaping(text: String) throws {
        let templates = TemplateSet([
            "t": Array("<p title=\"{{a}}\">{{a}}{{{a}}}{{#list}}{{.}}{{/list}}{{#o}}{{b}}{{/o}}</p>".utf8)
        ])
        let html = templates.render(
            "t", ["a": .text(text), "list": .list([.text(text)]), "o": .object(["b": .text(text)])]
        ).html
        let inside = try #require(html.wholeMatch(of: /<p title="([^"]*)">([^<]*)<\/p>/))
        #expect(!inside.output.2.contains("<") && !inside.output.1.contains("\""))
        #expect(!html.utf8.contains { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 && $0 != 0x0D })
        let markup: Markup = "<a href=\"\(text)\">\(text)</a>"
        #expect(markup.html.matches(of: /[<>]/).count == 4)
        #expect(markup.html.matches(of: /"/).count == 2)
    }

    @Test("an object's own nothing hides what stands around it under the same name")
    func nothing() {
        let templates = TemplateSet([
            "t": Array("{{#rows}}[{{link}}{{#link}}there{{/link}}{{^link}}none{{/link}} {{around}}]{{/rows}}".utf8)
        ])
        let rows: PageValue = .objects([["link": .nothing], ["link": "a"]])
        let html = templates.render("t", ["link": "outer", "around": "x", "rows": rows]).html
        #expect(html == "[none x][athere x]")
    }

    @Test("the frame escapes its title, its crumbs and its reader's name", arguments: hostile.prefix(4))
    func frame(text: String) async throws {
        let templates = TemplateSet(["t": Array("<i>{{a}}</i>".utf8)])
        try await WebHarness.run(routes: { router in
            router.get("page") { _, context in
                templates.page(
                    "t", ["a": .text(text)],
                    head: PageHead(title: text, crumbs: [.init(text, "/x?" + text), .init(text)]), context: context)
            }
        }) { web in
            let token = try await web.token([.admin], owner: text)
            let page = try await web.get("/page?" + Link.encode(text), .cookie(token).with("Accept", "text/html")).text
            #expect(!page.contains(text))
            #expect(!page.contains("<img src=x") && !page.contains("<script>"))
        }
    }

    @Test(
        "links that a page may carry",
        arguments: [
            ("https://forge.example/a?b=c", true), ("http://127.0.0.1:8081/x", true), ("javascript:alert(1)", false),
            ("data:text/html,x", false), ("//evil.example", false), ("https://a b", false), ("HTTPS://a", false),
            ("https://" + String(repeating: "a", count: 3000), false),
        ])
    func externalLinks(link: String, isTaken: Bool) {
        #expect((Link.external(link) != nil) == isTaken)
    }

    @Test("paths and queries are built of encoded parts")
    func paths() {
        #expect(Link.path("jobs", "a/b?c#d e") == "/jobs/a%2Fb%3Fc%23d%20e")
        #expect(Link.query([("a", "1&2"), ("b", nil), ("c", ""), ("d", "ä")]) == "?a=1%262&d=%C3%A4")
        #expect(Link.query([("a", nil)]).isEmpty)
    }

    @Test(
        "durations as people read them",
        arguments: [
            (0.0, "0 s"), (-3, "0 s"), (.nan, "0 s"), (0.0001, "1 ms"), (0.85, "850 ms"), (0.9996, "1 s"),
            (4.2, "4.2 s"),
            (9.96, "10 s"), (59.6, "1 min"), (185, "3 min 5 s"), (3600, "1 h"), (7800, "2 h 10 min"),
            (273_600, "3 d 4 h"),
        ])
    func durations(seconds: Double, words: String) {
        #expect(HumanTime.duration(seconds) == words)
    }

    @Test(
        "sizes as people read them",
        arguments: [
            (Int64(0), "0 bytes"), (1023, "1023 bytes"), (1024, "1 KB"), (3481, "3.4 KB"), (12 << 20, "12 MB"),
            (1 << 40, "1 TB"),
        ])
    func sizes(bytes: Int64, words: String) {
        #expect(HumanTime.size(bytes) == words)
    }

    @Test(
        "ages as people read them",
        arguments: [(0.0, "just now"), (40, "40 s ago"), (185, "3 min ago"), (7300, "2 h ago"), (500_000, "5 d ago")])
    func ages(seconds: Double, words: String) {
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        #expect(HumanTime.age(now - seconds, now: now) == words)
        #expect(HumanTime.instant(now) == "2026-09-21 14:13:20 UTC")
    }
}
