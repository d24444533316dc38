import SlipwayModel
import SlipwayTesting
import Testing

/// The pages of a live fleet in a real browser. What a page's script, policy or network complains about fails the test.
@Suite(
    .liveFleet, .serialized, .timeLimit(.minutes(10)),
    .enabled(if: Chromium.path != nil, "no Chromium is installed, so nobody clicks through the pages"))
struct BrowserTests {
    /// A pull request with a run that failed and one that passed; made once for the suite.
    static func shop() async throws -> (fleet: LiveFleet, failed: LiveFleet.Run) {
        let fleet = try LiveFleet.current
        if try await fleet.runs(of: "web").isEmpty {
            try await fleet.configure(
                """
                presubmits:
                  e2e/web:
                  - {name: light, always_run: true, decorate: true, spec: {containers: [{command: [./job]}]}}
                  - {name: shade, always_run: true, optional: true, spec: {containers: [{command: ['true']}]}}
                  e2e/desk:
                  - {name: patience, always_run: true, spec: {containers: [{command: [sleep, '3600']}]}}
                  e2e/mask:
                  - name: masked
                    run_if_changed: '.|\(Self.hostile)'
                    branches: ['main|\(Self.hostile)']
                    context: '\(Self.hostile)'
                    trigger: '/test masked|\(Self.hostile)'
                    rerun_command: '/test masked \(Self.hostile)'
                    annotations: {description: '\(Self.hostile)'}
                    decorate: true
                    spec: {containers: [{command: [./job, '\(Self.hostile)']}]}
                """)
            try await fleet.makeRepository(
                "web", author: "author", role: "member",
                script: """
                    #!/bin/bash
                    for line in $(seq 1 900); do echo "line $line of the log"; done
                    cat > $ARTIFACTS/junit.xml <<'END'
                    <testsuite><testcase name="light goes out"><failure>dark</failure></testcase>
                    <testcase name="light goes on"/></testsuite>
                    END
                    echo '--- FAIL: light goes out'; exit 1
                    """)
            try await fleet.push("web", branch: "change", author: "author", change: "echo two > file")
            try await fleet.openPull("web", branch: "change", author: "author")
        }
        let runs = try await fleet.ended("web", count: 2)
        let failed = try #require(runs.first { $0.job == "light" })
        try await eventually("the tests are in rows") {
            try await fleet.get("/runs/\(failed.id)").body.contains("light goes out")
        }
        return (fleet, failed)
    }

    /// Every page that shows something.
    private static func pages(_ run: LiveFleet.Run) -> [String] {
        [
            "/", "/?span=7d", "/runs", "/runs?state=failure", "/runs?job=nothing", "/runs/\(run.id)",
            "/runs/\(run.id)?line=1", "/runs/\(run.id)/artifacts", "/jobs", "/jobs/light", "/pulls", "/pulls/e2e/web/1",
            "/pr?author=author", "/pr-history?org=e2e&repo=web&pr=1", "/configured-jobs", "/configured-jobs/e2e/web",
            "/which-jobs?repo=e2e%2Fweb&branch=main&changed=file", "/config", "/config/1", "/fleet", "/dead-letters",
            "/search?q=light", "/login", "/command-help", "/command-help?repo=e2e%2Fweb", "/owners", "/owners/e2e/web",
            "/merging", "/tide", "/leases", "/leases/costs",
        ]
    }

    @Test func onePageLeadsToTheNext() async throws {
        let (fleet, run) = try await Self.shop()
        try await Chromium.run { page in
            try await page.open(fleet.url + "/")
            try await page.follow("nav[aria-label=Pages] a[href='/runs']")
            #expect(try await page.path == "/runs")
            try await page.follow("tbody a.name[href='/runs/\(run.id)']")
            #expect(try await page.isTrue("document.querySelector('h1').textContent.includes('light')"))
            #expect(try await page.isTrue("document.querySelectorAll('.lanes rect').length >= 4"))

            // The log opens on the first sign of failure.
            #expect(try await page.isTrue("!document.getElementById('L1')"))
            #expect(
                try await page.text("document.querySelector('.l.hit').textContent").contains("FAIL: light goes out"))
            try await page.click(".l.hit > a")
            #expect(try await page.text("location.search").contains("line="))
            await page.expectNoProblems("run")

            try await page.follow(".crumbs a[href='/jobs/light']")
            #expect(try await page.path == "/jobs/light")
            try await page.back()
            try await page.follow(".crumbs a[href='/pulls/e2e/web/1']")
            #expect(try await page.isTrue("document.querySelector('main').textContent.includes('shade')"))
            await page.expectNoProblems("pull request")
        }
    }

    @Test func filtersStandInTheAddress() async throws {
        let (fleet, _) = try await Self.shop()
        try await Chromium.run { page in
            try await page.open(fleet.url + "/runs")
            // A choice filters at once, without the button.
            try await page.follow(
                script: """
                    document.getElementById('f-state').value = 'success';
                    document.getElementById('f-state').dispatchEvent(new Event('change', { bubbles: true }))
                    """)
            #expect(try await page.text("new URLSearchParams(location.search).get('state')") == "success")
            #expect(try await page.text("document.getElementById('f-state').value") == "success")
            #expect(try await page.isTrue("!document.querySelector('tbody').textContent.includes('light')"))
            try await page.open(try await page.text("location.href"))
            #expect(try await page.text("document.getElementById('f-state').value") == "success")
            #expect(try await page.isTrue("document.querySelector('tbody').textContent.includes('shade')"))
            try await page.follow("form.filters a[href='/runs']")
            #expect(try await page.text("location.search").isEmpty)
            #expect(try await page.isTrue("document.querySelector('tbody').textContent.includes('light')"))
            await page.expectNoProblems("filters")
        }
    }

    @Test func theKeyboardIsEnough() async throws {
        let (fleet, run) = try await Self.shop()
        try await Chromium.run { page in
            try await page.open(fleet.url + "/runs?job=light")
            try await page.press("j")
            #expect(try await page.isTrue("document.querySelector('tr.current').contains(document.activeElement)"))
            try await page.followKey("Enter")
            #expect(try await page.path == "/runs/\(run.id)")

            // The search box offers what it finds, and a key goes there.
            try await page.press("/")
            #expect(try await page.isTrue("document.activeElement.id === 'search'"))
            try await page.type("ligh")
            try await page.wait(
                for: "suggestions", "document.querySelectorAll('#suggestions [role=option]').length > 0")
            try await page.press("Escape")
            #expect(try await page.isTrue("document.getElementById('suggestions').hidden"))
            try await page.type("t")
            try await page.wait(for: "suggestions", "!document.getElementById('suggestions').hidden")
            try await page.press("ArrowDown")
            try await page.followKey("Enter")
            #expect(try await page.path == "/jobs/light")

            // An id leads to its run without a choice.
            try await page.press("/")
            try await page.type(run.id)
            try await page.followKey("Enter")
            #expect(try await page.path == "/runs/\(run.id)")
            await page.expectNoProblems("search")
        }
    }

    @Test func everyPageFitsAPhoneAndIsCalm() async throws {
        let (fleet, run) = try await Self.shop()
        try await Chromium.run { page in
            try await page.becomePhone()
            for path in Self.pages(run) {
                try await page.open(fleet.url + path)
                let overflow = try await page.text(
                    """
                    (() => {
                      const width = document.documentElement.clientWidth;
                      if (document.documentElement.scrollWidth <= width) return "";
                      const wide = [...document.querySelectorAll("body *")].find(e => e.getBoundingClientRect().right > width + 1);
                      return document.documentElement.scrollWidth + " px: " + (wide ? wide.outerHTML.slice(0, 200) : "");
                    })()
                    """)
                #expect(overflow.isEmpty, "\(path) is wider than a phone: \(overflow)")
                await page.expectNoProblems(path)
            }
        }
    }

    /// Text stands out from what is behind it (WCAG 2.2, 1.4.3: 4.5 to 1), in both schemes.
    @Test(arguments: ["light", "dark"]) func textCanBeRead(scheme: String) async throws {
        let (fleet, run) = try await Self.shop()
        try await Chromium.run { page in
            try await page.prefer(scheme)
            for path in Self.pages(run) {
                try await page.open(fleet.url + path)
                #expect(
                    try await page.isTrue(
                        "(\(Self.luminance))(\(Self.background)(document.body)) \(scheme == "dark" ? "< 0.1" : "> 0.7")"
                    ),
                    "\(path) is not \(scheme)")
                let pale = try await page.text(Self.paleText)
                #expect(pale.isEmpty, "\(path), \(scheme): \(pale)")
                await page.expectNoProblems(path)
            }
        }
    }

    private static let luminance = """
        (color) => {
          const [r, g, b] = color.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        }
        """

    /// The first opaque colour behind an element.
    private static let background = """
        ((element) => {
          for (let each = element; each; each = each.parentElement) {
            const color = getComputedStyle(each).backgroundColor.match(/[0-9.]+/g).map(Number);
            if (color.length < 4 || color[3] > 0.99) return color.slice(0, 3);
          }
          return [255, 255, 255];
        })
        """

    private static let paleText = """
        (() => {
          const luminance = \(luminance);
          const behind = \(background);
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const element = walker.currentNode.parentElement;
            if (!walker.currentNode.data.trim() || element.closest("svg, script, option, .visually-hidden, .skip")) continue;
            if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
            const style = getComputedStyle(element);
            const text = style.color.match(/[0-9.]+/g).map(Number);
            if (text.length === 4 && text[3] < 0.99) continue;
            const [a, b] = [luminance(text.slice(0, 3)), luminance(behind(element))].sort((x, y) => y - x);
            const isLarge = parseFloat(style.fontSize) >= 24;
            if ((a + 0.05) / (b + 0.05) < (isLarge ? 3 : 4.5)) {
              return ((a + 0.05) / (b + 0.05)).toFixed(2) + " to 1: " + element.outerHTML.slice(0, 160);
            }
          }
          return "";
        })()
        """
}
