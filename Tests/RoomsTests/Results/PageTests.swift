import ArtifactStore
import Fleet
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Postgres
import Results
import RoomKit
import SlipwayModel
import SlipwayTesting
import Testing
import Web

@Suite("Pages")
struct PageTests {
    /// Names as an attacker, or a careless person, would choose them.
    static let hostile = "<script>alert('x')</script>\"onmouseover=\"y"

    @Test("an empty fleet teaches what to do")
    func empty() async throws {
        try await ResultsHarness.run { results async throws in
            #expect(try await results.page("/").text.contains("No run yet."))
            #expect(try await results.page("/runs").text.contains("No run yet."))
            #expect(try await results.page("/runs?job=x").text.contains("No run matches these filters."))
            #expect(try await results.page("/jobs").text.contains("slipway config apply DIR"))
            #expect(try await results.page("/jobs?q=x").text.contains("No configured job has that in its name."))
            #expect(try await results.page("/pulls").text.contains("No open pull request is known."))
        }
    }

    @Test("the overview shows what runs, what failed and what waits where")
    func overview() async throws {
        try await ResultsHarness.run { results in
            try await results.store {
                $0.job = "running-job"
                $0.state = .running
            }
            try await results.store {
                $0.job = "failed-job"
                $0.state = .failure
            }
            try await results.store {
                $0.state = .waiting
                $0.cluster = "gpu"
            }
            let page = try await results.page("/").text
            #expect(page.contains("running-job") && page.contains("failed-job"))
            #expect(page.contains("No agent serves this cluster"))
        }
    }

    @Test("filters narrow the list, and the next page begins where this one ends")
    func filters() async throws {
        try await ResultsHarness.run { results in
            for number in 0..<60 {
                try await results.store {
                    $0.job = number % 2 == 0 ? "even" : "odd"
                    $0.state = number % 3 == 0 ? .failure : .success
                    $0.build = BuildID(Int64(1000 + number))
                    $0.pulls = [number % 5 + 1]
                    $0.author = number < 10 ? "grace" : "ada"
                    $0.title = "number-\(number)."
                }
            }
            func numbers(_ uri: String) async throws -> [Int] {
                try await results.page(uri).text.matches(of: /title="number-(\d+)\."/).compactMap { Int($0.output.1) }
            }
            #expect(try await numbers("/runs").count == 50)
            #expect(try await numbers("/runs?job=even").allSatisfy { $0 % 2 == 0 })
            #expect(try await numbers("/runs?state=failed").count == 20)
            #expect(try await numbers("/runs?state=failure&job=odd").count == 10)
            #expect(try await numbers("/runs?repo=lantern/engine&pull=3").allSatisfy { $0 % 5 == 2 })
            #expect(try await numbers("/runs?author=grace").count == 10)
            #expect(try await numbers("/runs?kind=periodic").isEmpty)
            let first = try await results.page("/runs").text
            let next = try #require(first.firstMatch(of: /href="([^"]+)" rel="next"/)).output.1
            let rest = try await numbers(String(next).replacing("&amp;", with: "&"))
            #expect(rest.count == 10)
            #expect(Set(rest).isDisjoint(with: try await numbers("/runs")))
        }
    }

    @Test(
        "a filter that cannot be meant is refused with a sentence",
        arguments: [
            "state=failing", "kind=nightly", "repo=lantern", "repo=../..", "pull=abc", "pull=7", "pull=-1&repo=a/b",
            "before=yesterday", "job=%00", "author=%0a",
        ])
    func badFilters(query: String) async throws {
        try await ResultsHarness.run { results in
            let response = try await results.page("/runs?" + query)
            #expect(response.status == .badRequest)
            #expect(response.text.contains("<h1>That request cannot be read</h1>"))
        }
    }

    @Test("a failed run's page opens on the line that tells of it, and shows the failing test")
    func failedRun() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store {
                $0.state = .failure
                $0.exitCode = 1
            }
            let log = (1...1000).map { $0 == 700 ? "--- FAIL: TestShine" : "line \($0)" }.joined(separator: "\n")
            try await results.put(run, "build-log.txt", log)
            try await results.put(
                run, "artifacts/junit.xml",
                "<testsuite name='s'><testcase name='TestShine'><failure message='too dark'>trace</failure></testcase></testsuite>"
            )
            _ = try await results.ingest(results.finished(run))
            let page = try await results.page("/runs/\(run.id)").text
            #expect(page.contains("<title>Failed: unit · Slipway</title>"))
            #expect(page.contains("class=\"l hit\" id=\"L700\""))
            #expect(page.contains("First sign of failure: line 700"))
            #expect(page.contains("too dark") && page.contains("TestShine"))
            #expect(page.contains("with exit code 1"))
            #expect(!page.contains("id=\"L1\"") && page.contains("earlier lines"))
            let line = try await results.page("/runs/\(run.id)?line=5").text
            #expect(line.contains("class=\"l hit\" id=\"L5\""))
            let lines = try await results.get("/runs/\(run.id)/log/lines?from=3&count=2").text
            #expect(lines.matches(of: /class="l"/).count == 2 && lines.contains("line 4"))
            #expect(try await results.get("/runs/\(run.id)/log/lines?from=5000").text.isEmpty)
            let raw = try await results.get("/runs/\(run.id)/log", [.range: "bytes=0-5"])
            #expect(raw.status == .partialContent && raw.text == "line 1")
            #expect(raw.headers[.contentType] == "text/plain; charset=utf-8")
        }
    }

    @Test("a live log is told line by line, and again from where a listener left", arguments: [nil, "4-2"])
    func liveLog(position: String?) async throws {
        try await ResultsHarness.run(framework: .live) { results in
            let run = try await results.store { $0.state = .running }
            try await results.put(run, ".log/00000000", "one\n<two>\nthr")
            try await results.put(run, ".log/00000001", "ee\n")
            let page = try await results.page("/runs/\(run.id)").text
            #expect(page.contains("data-stream=\"/runs/\(run.id)/log/stream\""))
            #expect(page.contains("&lt;two&gt;"))
            _ = try await results.database.query(
                "update scheduling.runs set state = 'success', finished_at = now() where run_id = \(run.id.uuid)")
            var headers = HTTPFields()
            if let position, let name = HTTPField.Name("Last-Event-ID") { headers[name] = position }
            let told = try await results.get("/runs/\(run.id)/log/stream", headers).text
            #expect(told.contains("event: lines") && told.contains("event: state") && told.contains("event: end"))
            #expect(told.contains("id=\\\"L3\\\"") && !told.contains("<two>"))
            #expect(told.contains("id=\\\"L1\\\"") == (position == nil))
        }
    }

    @Test(
        "a live log is told as text too, whole lines and at last the rest, from where a listener left",
        arguments: [nil, "10-1"])
    func liveText(position: String?) async throws {
        try await ResultsHarness.run(framework: .live) { results in
            let run = try await results.store { $0.state = .running }
            try await results.put(run, ".log/00000000", "one\n<two>\nthr")
            _ = try await results.database.query(
                "update scheduling.runs set state = 'failure', finished_at = now() where run_id = \(run.id.uuid)")
            var headers = HTTPFields()
            if let position, let name = HTTPField.Name("Last-Event-ID") { headers[name] = position }
            let told = try await results.get("/runs/\(run.id)/log/stream?format=text", headers).text
            #expect(told.contains(#"data: {"text":"one\n<two>\n"}"#) == (position == nil))
            #expect(told.contains(#"data: {"text":"thr"}"#))
            #expect(told.contains(#""state":"failure""#) && told.contains(#"data: {"continues":false}"#))
        }
    }

    @Test("the chart of a finished run is what its agent told of it")
    func intervals() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { _ in }
            let row = try await results.database.query(
                "select started_at, finished_at from scheduling.runs where run_id = \(run.id.uuid)"
            ).one().decode((Date, Date).self)
            let middle = row.0.addingTimeInterval(row.1.timeIntervalSince(row.0) / 2)
            func item(_ phase: String, _ from: Date, _ to: Date) -> IntervalsDocument.Item {
                .init(
                    source: IntervalsDocument.runSource,
                    locator: .init(type: "Run", keys: ["phase": phase]),
                    message: .init(reason: "Test", humanMessage: "ran"), from: from, to: to)
            }
            let document = IntervalsDocument(items: [
                item("clone", row.0, middle), item("test", middle, row.1), item("a <phase>", row.0, row.1),
            ])
            try await results.put(
                run, "artifacts/e2e-timelines_slipway.json", String(decoding: try document.encoded(), as: UTF8.self))
            let page = try await results.page("/runs/\(run.id)").text
            // The database has it that 3 of the 60 seconds went into the clone.
            #expect(page.matches(of: /\b30 s/).count >= 2 && !page.contains("phase&gt;"))
            try await results.put(run, "artifacts/e2e-timelines_slipway.json", "no JSON")
            #expect(try await results.page("/runs/\(run.id)").status == .ok)
        }
    }

    @Test("every state of a run has a page that says what happens next", arguments: RunState.allCases)
    func states(state: RunState) async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store {
                $0.state = state
                $0.description = state == .error ? "The repository cannot be reached." : ""
            }
            let response = try await results.page("/runs/\(run.id)")
            #expect(response.status == .ok)
            #expect(response.text.contains("<span class=\"state \(state.rawValue)\" data-run-state>"))
            #expect(state != .error || response.text.contains("The repository cannot be reached."))
            let token = try await results.tokens.create(owner: "ada", scopes: [.runsWrite]).text
            let mine = try await results.page("/runs/\(run.id)", token: token).text
            #expect(mine.contains("action=\"/\(state.isFinished ? "rerun" : "abort")?run=\(run.id)\""))
        }
    }

    @Test(
        "what is not there gets a page that says so",
        arguments: [
            "/runs/nonsense", "/runs/01a21224-eebf-71a1-ade1-f8f901decab8",
            "/runs/01a21224-eebf-71a1-ade1-f8f901decab8/log",
            "/jobs/none", "/pulls/lantern/engine/99", "/pulls/lantern/engine/0", "/pulls/lantern/engine/x",
            "/pulls/..%2f/engine/1", "/pulls/lantern/engine/99999999999", "/nothing",
        ])
    func missing(uri: String) async throws {
        try await ResultsHarness.run { results in
            let response = try await results.page(uri)
            #expect(response.status == .notFound || response.status == .badRequest)
            #expect(response.text.contains("To the overview"))
        }
    }

    @Test("a build of another run is not shown as this one's")
    func foreignBuild() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .success }
            #expect(try await results.page("/runs/\(run.id)?build=123").status == .notFound)
            #expect(try await results.page("/runs/\(run.id)?build=x").status == .badRequest)
        }
    }

    @Test("markup in a name, a title, an author or a log is shown and not obeyed")
    func hostileNames() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store {
                $0.job = Self.hostile
                $0.title = Self.hostile
                $0.author = Self.hostile
                $0.description = Self.hostile
                $0.context = Self.hostile
                $0.cluster = Self.hostile
                $0.agent = Self.hostile
                $0.state = .error
                $0.link = "javascript:alert(1)"
                $0.kind = .presubmit
            }
            try await results.pull(7, title: Self.hostile, author: Self.hostile, labels: [Self.hostile])
            try await results.configure(Self.hostile)
            let job = Link.encode(Self.hostile)
            for uri in [
                "/", "/runs", "/runs?job=\(job)&author=\(job)&cluster=\(job)", "/runs/\(run.id)", "/jobs",
                "/jobs?q=\(job)",
                "/jobs/\(job)", "/pulls", "/pulls/lantern/engine/7", "/badge.svg?jobs=\(job)",
            ] {
                let response = try await results.page(uri)
                #expect(response.status == .ok, "\(uri)")
                #expect(!response.text.contains("<script>alert"), "\(uri)")
                #expect(!response.text.contains("\"onmouseover"), "\(uri)")
                #expect(!response.text.contains("href=\"javascript:"), "\(uri)")
            }
        }
    }

    @Test("a job's page tells how it has fared")
    func job() async throws {
        try await ResultsHarness.run { results in
            try await results.configure("unit")
            let unused = try await results.page("/jobs/unit").text
            #expect(unused.contains("This job has not run yet."))
            #expect(unused.contains("<details class=\"sheet flush\" open>"))
            for number in 0..<25 {
                try await results.store {
                    $0.build = BuildID(Int64(1000 + number))
                    $0.state = number < 20 ? .success : .failure
                }
            }
            let page = try await results.page("/jobs/unit").text
            #expect(page.contains("Failing, 5 times in a row"))
            #expect(page.contains("80 %"))
            #expect(page.contains("Durations of the last 25 runs"))
            #expect(page.matches(of: /class="state (success|failure)" href="\/runs\//).count == 20)
            #expect(try await results.page("/jobs").text.contains("href=\"/jobs/unit\""))
        }
    }

    @Test("a pull request's page tells which contexts of its newest commit stand in the way")
    func pull() async throws {
        try await ResultsHarness.run { results in
            let old = String(repeating: "1", count: 40)
            try await results.pull(7)
            try await results.store {
                $0.sha = old
                $0.state = .success
            }
            try await results.store {
                $0.state = .failure
                $0.build = BuildID(2)
            }
            try await results.store {
                $0.job = "lint"
                $0.context = "ci/lint"
                $0.build = BuildID(3)
            }
            let page = try await results.page("/pulls/lantern/engine/7").text
            #expect(page.contains("1 of 2 required did not pass: ci/unit."))
            #expect(page.contains(String(old.prefix(10))))
            #expect(page.contains("href=\"https://forge.example/lantern/engine/pull/7\""))
        }
    }
}
