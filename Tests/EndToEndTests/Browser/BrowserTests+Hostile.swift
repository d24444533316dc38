import SlipwayModel
import SlipwayTesting
import Testing

/// HTML and script in whatever field somebody may fill reaches pages as the text that it is.
extension BrowserTests {
    /// An element where it gets in, a handler where it gets into an attribute. No quotes of YAML, blanks or what git
    /// forbids in a branch.
    static let hostile = #"<img/id=hurt/src=x/onerror=hurt()>"</title><script>hurt()</script>"#

    @Test func whatPeopleWriteIsText() async throws {
        let (fleet, _) = try await Self.shop()
        let title = Self.hostile + #"' onmouseover='hurt()' {{title}} &lt;b>"#
        let branch = #"<img/id=hurt/onerror=hurt()>"x"#
        try await fleet.makeRepository(
            "mask", author: "author", role: "member",
            script: #"""
                #!/bin/bash
                echo "--- FAIL: $1"; printf '\033]8;;javascript:hurt()\007%s\033]8;;\007\n' "$1"
                touch "$ARTIFACTS/<img id=hurt src=x onerror=hurt()>.txt"
                cat > "$ARTIFACTS/junit.xml" <<'END'
                <testsuite name="&lt;img id=hurt src=x onerror=hurt()&gt;"><testcase
                 name="&lt;img id=hurt src=x onerror=hurt()&gt;" classname="&quot;onload=hurt()"><failure
                 message="&lt;script&gt;hurt()&lt;/script&gt;">&lt;img id=hurt src=x onerror=hurt()&gt;</failure>
                </testcase><testcase name="in plain words"><failure/></testcase></testsuite>
                END
                exit 1
                """#)
        try await fleet.push("mask", branch: branch, author: "author", change: "echo two > '<img id=hurt src=x>'")
        try await fleet.openPull("mask", branch: branch, author: "author", title: title)
        let run = try #require(try await fleet.ended("mask", count: 1).first)
        try await fleet.slipway("forge", "comment", "e2e/mask#1", "--author", "author", "--body", "/hold \(title)")
        try await eventually("the tests are in rows") {
            try await fleet.get("/runs/\(run.id)").body.contains("in plain words")
        }
        try await Chromium.run { page in
            let starts = [
                "/", "/runs/\(run.id)", "/runs/\(run.id)/artifacts", "/jobs/masked", "/pulls/e2e/mask/1",
                "/pr?author=author", "/pr-history?org=e2e&repo=mask&pr=1", "/configured-jobs/e2e/mask",
                "/which-jobs?" + Self.query(["repo": "e2e/mask", "branch": Self.hostile, "changed": Self.hostile]),
                "/config/1", "/dead-letters", "/merging", "/owners/e2e/mask", "/command-help", "/leases",
            ]
            // What an address says comes back on most pages.
            let echoes = [
                "/runs?job=", "/runs?repo=", "/runs?author=", "/runs?cluster=", "/jobs/", "/search?q=", "/pr?author=",
                "/login?next=", "/which-jobs?repo=", "/configured-jobs/", "/badge.svg?jobs=", "/nothing/",
                "/owners/e2e/",
            ].map { $0 + Self.encoded(Self.hostile) }
            try await page.open(fleet.url + "/")
            let found = try await page.evaluate(Self.crawl(from: starts + echoes))
            #expect(found["hurt"] == .array([]), "\(found)")
            // Had nothing of it come to a page, nothing would have been shown.
            #expect((found["pages"]?.intValue ?? 0) > 60, "\(found)")
            #expect((found["shown"]?.intValue ?? 0) > 20, "\(found)")
            // Addresses that name nothing are refused, which the browser says.
            await page.forgiveProblems()

            // Pages that scripts change after loading are looked at when they have.
            for path in ["/runs/\(run.id)", "/pulls/e2e/mask/1", "/jobs/masked"] {
                try await page.open(fleet.url + path)
                #expect(try await page.isTrue("document.body.textContent.includes('onerror=hurt()')"), "\(path)")
                #expect(try await page.isTrue("!document.querySelector('\(Self.wounds)')"), "\(path)")
            }
            await page.expectNoProblems("hostile names")
        }
    }

    private static let wounds = "#hurt, [onerror], [onload], [onmouseover], a[href^=javascript], main script"

    /// Reads pages and what they link to, as inert documents; which hold what they must not, how many there were, and how
    /// many of them show the text.
    private static func crawl(from paths: [String]) -> String {
        let list = paths.map { "\"\($0)\"" }.joined(separator: ",")
        return """
            (async () => {
              const queue = [\(list)], seen = new Set(queue), hurt = [];
              let pages = 0, shown = 0;
              while (queue.length && pages < 250) {
                const path = queue.shift();
                const answer = await fetch(path, { headers: { Accept: "text/html" }, redirect: "manual" });
                const isPage = (answer.headers.get("content-type") || "").startsWith("text/html");
                const isSandboxed = (answer.headers.get("content-security-policy") || "").includes("sandbox");
                if (!isPage || isSandboxed) { await answer.body?.cancel(); continue; }
                const text = await answer.text();
                const page = new DOMParser().parseFromString(text, "text/html");
                pages += 1;
                if (page.querySelector("\(wounds)")) hurt.push(path);
                if (page.body.textContent.includes("onerror=hurt()")) shown += 1;
                for (const link of page.querySelectorAll("a[href^='/']")) {
                  const next = link.getAttribute("href").replace(/#.*/, "");
                  if (!seen.has(next)) { seen.add(next); queue.push(next); }
                }
              }
              return { pages, shown, hurt };
            })()
            """
    }

    private static func query(_ fields: [String: String]) -> String {
        fields.map { "\($0.key)=\(encoded($0.value))" }.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
