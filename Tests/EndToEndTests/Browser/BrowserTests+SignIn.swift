import SlipwayTesting
import Testing

/// Who may what on the pages, as people of the forge and as others see it.
extension BrowserTests {
    /// A run that goes on until somebody ends it.
    private static func patience() async throws -> (fleet: LiveFleet, run: LiveFleet.Run) {
        let (fleet, _) = try await shop()
        if try await fleet.runs(of: "desk").isEmpty {
            try await fleet.makeRepository("desk", author: "author", role: "member", script: "exit 1")
            try await fleet.push("desk", branch: "change", author: "author", change: "echo two > file")
            try await fleet.openPull("desk", branch: "change", author: "author")
        }
        return (fleet, try await fleet.running("desk"))
    }

    /// From a page on which nobody is signed in through the forge's page and back.
    private func signIn(_ page: BrowserPage, as user: String) async throws {
        try await page.follow(".actions a[href^='/login']")
        try await page.follow("a[href^='/login/forge']")
        try await page.follow("button[name=login][value=\(user)]")
        #expect(try await page.text("document.querySelector('.who').textContent") == user)
        await page.forgiveProblems()
    }

    @Test func aMemberAbortsARunAndRunsItAgain() async throws {
        let (fleet, run) = try await Self.patience()
        try await Chromium.run { page in
            try await page.open(fleet.url + "/runs/\(run.id)")
            #expect(try await page.isTrue("!document.querySelector('form[action^=\"/abort\"]')"))
            try await signIn(page, as: "author")
            #expect(try await page.path == "/runs/\(run.id)")

            try await page.follow("form[action^='/abort'] button")
            #expect(try await page.path == "/runs/\(run.id)")
            try await eventually("the page shows that it ended", within: Chromium.patience) {
                try await page.open(fleet.url + "/runs/\(run.id)")
                return try await page.isTrue("document.querySelector('[data-run-state]').matches('.aborted')")
            }
            #expect(try await page.isTrue("document.querySelector('.verdict').textContent.includes('author')"))

            try await page.follow("form[action^='/rerun'] button")
            let again = try await page.path
            #expect(again.hasPrefix("/runs/") && again != "/runs/\(run.id)")
            #expect(try await page.text("document.querySelector('h1').textContent").contains("patience"))
            #expect(try await page.isTrue("document.querySelector('form[action^=\"/abort\"]') !== null"))
            await page.expectNoProblems("rerun")

            try await page.follow("form[action='/logout'] button")
            try await page.open(fleet.url + again)
            #expect(try await page.isTrue("!document.querySelector('form[action^=\"/abort\"]')"))
        }
    }

    @Test func anotherSitesPageCanDoNothing() async throws {
        let (fleet, run) = try await Self.patience()
        try await Chromium.run { page in
            try await page.open(fleet.url + "/runs/\(run.id)")
            try await signIn(page, as: "author")
            // The forge's page is of the same site by the browser's reckoning, so that the cookie is sent along.
            for place in [try #require(fleet.environment["SLIPWAY_FORGE_URL"]), "data:text/html,<p>elsewhere"] {
                try await page.open(place)
                try await page.follow(
                    script: """
                        const form = document.createElement("form");
                        form.method = "post";
                        form.action = "\(fleet.url)/abort?run=\(run.id)";
                        document.body.append(form);
                        form.submit();
                        """)
                #expect(try await page.path == "/abort")
                #expect(
                    try await page.text("document.body.textContent").contains("came from another site's page"),
                    "\(place)")
            }
        }
        #expect(try await fleet.runs(of: "desk").last?.state == "running")
    }

    @Test(
        "A way back from the forge that was not begun here",
        arguments: ["code=x&state=y", "code=x", "state=y", "error=access_denied&state=%3Cscript%3E"])
    func forgedState(query: String) async throws {
        let (fleet, _) = try await Self.shop()
        try await Chromium.run { page in
            try await page.open(fleet.url + "/login/forge/callback?" + query)
            #expect(
                try await page.text("document.querySelector('[role=alert]').textContent").contains(
                    "not begun in this browser"))
            #expect(try await page.text("document.querySelector('.who').textContent") == "Sign in")
        }
    }
}
