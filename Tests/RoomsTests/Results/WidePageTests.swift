import ArtifactStore
import Fleet
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JobConfig
import Postgres
import Results
import SlipwayModel
import SlipwayTesting
import Testing
import Web

@Suite("Pages on configuration, people and machinery")
struct WidePageTests {
    @Test(
        "every page answers on an empty fleet, and says what to do",
        arguments: [
            ("/", "No run yet."), ("/search", "Type a part of"), ("/pr", "Name an author"),
            ("/configured-jobs", "slipway config apply DIR"), ("/config", "slipway config apply DIR"),
            ("/which-jobs", "Which jobs would run?"), ("/fleet", "slipway agent"),
            ("/dead-letters", "No message was given up."),
        ])
    func empty(uri: String, sentence: String) async throws {
        try await ResultsHarness.run { results in
            let response = try await results.page(uri)
            #expect(response.status == .ok)
            #expect(response.text.contains(sentence))
        }
    }

    @Test("what runs ended is counted by the ten minutes in which it did, and the overview draws it")
    func trends() async throws {
        try await ResultsHarness.run { results in
            for (number, state) in [RunState.success, .success, .failure, .error, .aborted].enumerated() {
                let run = try await results.store {
                    $0.state = state
                    $0.build = BuildID(Int64(1 + number))
                    $0.requested = Date() - 100
                    $0.waited = 4
                }
                _ = try await results.ingest(results.finished(run))
            }
            let page = try await results.page("/").text
            #expect(page.contains("<b>5</b><span>finished in the last hour"))
            #expect(page.contains("<b>50 %</b><span>of them passed"))
            #expect(page.contains("5 in 24 hours") && page.contains("50 % in 24 hours"))
            #expect(page.contains("2 passed, 2 failed, 1 aborted"))
            #expect(page.contains("<b>3.5 s</b><span>median wait"))
            #expect(try await results.page("/?span=7d").text.contains("5 in 7 days"))
            #expect(try await results.page("/?span=year").status == .badRequest)
        }
    }

    @Test("the median of classes lies within the class that holds it")
    func median() {
        #expect(WaitClasses.median(WaitClasses.none) == nil)
        for seconds in [0.05, 0.7, 3, 42, 5000, 100_000] {
            var counts = WaitClasses.none
            let position = WaitClasses.position(of: seconds)
            counts[position] = 3
            let median = WaitClasses.median(counts) ?? -1
            #expect(WaitClasses.position(of: median) == position || seconds > 7200)
        }
        var counts = WaitClasses.none
        counts[WaitClasses.position(of: 1)] = 10
        counts[WaitClasses.position(of: 100)] = 9
        #expect((WaitClasses.median(counts) ?? 9) <= 1)
    }

    @Test("the search box finds by part of a name, by number and by id; an id leads to its page at once")
    func search() async throws {
        try await ResultsHarness.run { results in
            try await results.configure("engine-unit")
            try await results.configure("100%_odd")
            try await results.pull(7)
            let run = try await results.store { $0.build = BuildID(1_882_823_838_039_801_860) }
            func paths(_ text: String) async throws -> [String] {
                let response = try await results.get("/search/suggestions?q=" + Link.encode(text))
                return response.text.matches(of: /"path":"([^"]+)"/).map { String($0.output.1) }
            }
            #expect(try await paths("UNIT") == ["/jobs/engine-unit"])
            #expect(try await paths("%_") == ["/jobs/100%25_odd"])
            #expect(try await paths("further") == ["/pulls/lantern/engine/7"])
            #expect(try await paths("#7").first == "/pulls/lantern/engine/7")
            #expect(try await paths("lantern/eng").contains("/configured-jobs/lantern/engine"))
            #expect(try await paths("\(run.id)") == ["/runs/\(run.id)"])
            #expect(try await paths("\(run.build)") == ["/runs/\(run.id)"])
            #expect(try await paths("https://github.com/lantern/engine/pull/7/files") == ["/pulls/lantern/engine/7"])
            #expect(try await paths("nothing of the sort").isEmpty)
            #expect(try await paths("").isEmpty)
            let exact = try await results.page("/search?q=lantern/engine%237")
            #expect(exact.status == .found && exact.headers[.location] == "/pulls/lantern/engine/7")
            #expect(try await results.page("/search?q=unit").text.contains("href=\"/jobs/engine-unit\""))
            #expect(try await results.page("/search?q=%3Cb%3E").text.contains("matches &#39;&lt;b&gt;&#39;"))
        }
    }

    @Test("an author sees what each pull request waits for, without signing in")
    func dashboard() async throws {
        try await ResultsHarness.run { results in
            try await results.pull(1, title: "Waits", sha: "a1", mergeable: false, labels: ["do-not-merge/hold"])
            try await results.pull(2, title: "Failed", author: "Ada", sha: "a2")
            try await results.pull(3, title: "Ready", sha: "a3")
            try await results.pull(4, title: "Other", author: "grace")
            try await results.pull(5, title: "Closed", isOpen: false)
            try await results.pull(6, title: "Silent", sha: "a6")
            for (number, state) in [(2, RunState.failure), (3, .success)] {
                try await results.store {
                    $0.pulls = [number]
                    $0.sha = "a\(number)"
                    $0.state = state
                    $0.build = BuildID(Int64(number))
                }
            }
            let page = try await results.page("/pr?author=ada").text
            #expect(page.contains("it conflicts with main: rebase it"))
            #expect(page.contains("held back by do-not-merge/hold"))
            #expect(page.contains("ci/unit did not pass"))
            #expect(page.contains("Every required job passed."))
            #expect(page.contains("No run for its newest commit"))
            #expect(!page.contains("Other") && !page.contains("Closed"))
            let token = try await results.tokens.create(owner: "grace", scopes: [.runsWrite]).text
            #expect(try await results.page("/pr", token: token).text.contains("Pull requests of grace"))
            #expect(try await results.page("/pr?author=nobody").text.contains("No open pull request of"))
        }
    }

    @Test("the browser of configured jobs says when each runs, and leads to its page")
    func configured() async throws {
        try await ResultsHarness.run { results in
            try await results.configure("engine-unit")
            try await results.configure("nightly", kind: .periodic, repository: nil)
            let index = try await results.page("/configured-jobs").text
            #expect(index.contains("href=\"/configured-jobs/lantern/engine\""))
            #expect(index.contains("href=\"/configured-jobs/periodics\""))
            let repository = try await results.page("/configured-jobs/lantern/engine").text
            #expect(repository.contains("href=\"/jobs/engine-unit\"") && repository.contains("always"))
            #expect(try await results.page("/configured-jobs/periodics").text.contains("nightly"))
            #expect(try await results.page("/configured-jobs/lantern/none").status == .notFound)
            #expect(try await results.page("/configured-jobs/..%2f/x").status == .notFound)
            let job = try await results.page("/jobs/engine-unit").text
            #expect(job.contains("name: engine-unit") && job.contains("always_run: true"))
        }
    }

    @Test("the form answers from its own URL, and says what is wrong with a question")
    func whichJobs() async throws {
        try await ResultsHarness.run { results in
            try await results.configure("engine-unit")
            let page = try await results.page("/which-jobs?repo=lantern/engine&branch=main&changed=a.go%0Ab.go").text
            #expect(page.contains("1 would run") && page.contains("always_run"))
            #expect(page.contains(">a.go\nb.go</textarea>"))
            #expect(try await results.page("/which-jobs?repo=lantern").text.contains("is not a repository"))
            #expect(try await results.page("/which-jobs?repo=a/b").text.contains("No presubmit is configured for a/b"))
        }
    }

    @Test("a version of the configuration shows what it changed, line by line")
    func versions() async throws {
        try await ResultsHarness.run { results in
            try await results.configure("kept")
            try await results.configure("gone")
            try await results.configure("altered")
            var job = ResolvedJob(
                name: "altered", kind: .presubmit, repository: RepositoryName(org: "lantern", repo: "engine"))
            job.maxConcurrency = 2
            let altered = ConfiguredJob(job: job)
            try await results.database.script(
                """
                insert into scheduling.config_versions (hash, applied_by, source, jobs)
                values (repeat('c', 64), 'ada', 'folder', 2);
                update scheduling.jobs set until = 2 where name in ('gone', 'altered')
                """)
            try await results.database.execute(
                Statement(
                    "test.alter_job",
                    """
                    insert into scheduling.jobs (since, name, kind, org, repo, hash, digest, source, definition)
                    values (2, 'altered', 'presubmit', 'lantern', 'engine', repeat('d', 64), repeat('d', 64), 'x.yaml:1', $1)
                    """), JSON(altered))
            let list = try await results.page("/config").text
            #expect(list.contains("1 in, 2 out") && list.contains("in force"))
            let page = try await results.page("/config/2").text
            #expect(page.contains("1 changed, 1 removed"))
            // In the keys of a job file; what says nothing is left out.
            #expect(
                page.contains("<del>- always_run: true\n</del>") && page.contains("<ins>+ max_concurrency: 2\n</ins>"))
            #expect(!page.contains("skip_report") && !page.contains("alwaysRun"))
            #expect(!page.contains("kept"))
            #expect(try await results.page("/config/1").text.contains("3 added"))
            for uri in ["/config/99", "/config/x", "/config/-1"] {
                let response = try await results.page(uri)
                #expect(response.status == .notFound)
            }
        }
    }

    @Test("differences of lines keep a little of what is around them")
    func difference() {
        let old = (1...20).map { "line \($0)" }.joined(separator: "\n")
        let lines = LineDifference(from: old, to: old.replacing("line 10\n", with: "line ten\n")).lines
        #expect(lines.map(\.mark) == [.gap, .same, .same, .same, .removed, .added, .same, .same, .same, .gap])
        #expect(LineDifference(from: "a", to: "a").lines.allSatisfy { $0.mark == .gap })
        let long = String(repeating: "x\n", count: 3000)
        #expect(LineDifference(from: long, to: "").lines.count < 500)
    }

    @Test("the fleet's page shows who is there and what each agent executes; a cluster without agents stands out")
    func fleet() async throws {
        try await ResultsHarness.run { results in
            try await results.database.script(
                """
                insert into scheduling.agents (name, cluster, capacity) values ('agent-1', 'default', 2);
                insert into scheduling.agents (name, cluster, capacity, seen_at)
                values ('agent-2', 'default', 2, now() - interval '5 minutes');
                insert into fleet.members (id, role, host, pid, doing)
                values (gen_random_uuid(), 'gateway', 'host-a', 7, '{}'),
                       (gen_random_uuid(), 'worker', 'host-b', 8,
                        '{"scheduling": {"handling": {"run.requested": 3, "<b>": 1}, "handled": 9, "last": "x"},
                          "reporting": {"handling": {}, "handled": 5, "last": "forge.desired"},
                          "aggregation": {"handling": {}, "handled": 0, "last": null}}')
                """)
            try await results.store {
                $0.state = .running
                $0.job = "long-job"
            }
            try await results.store {
                $0.state = .waiting
                $0.cluster = "gpu"
                $0.build = BuildID(2)
            }
            let page = try await results.page("/fleet").text
            #expect(page.contains("agent-1") && page.contains("long-job") && page.contains("1 of 2"))
            #expect(page.contains("Silent") && page.contains("Busy"))
            #expect(page.contains("gpu") && page.contains("no agents"))
            #expect(page.contains("host-a, process 7") && page.contains("host-b, process 8"))
            #expect(page.contains("scheduling handles &lt;b&gt;, 3 of run.requested"))
            #expect(page.contains("reporting waits; 5 handled, the last a forge.desired"))
            #expect(page.contains("aggregation waits</span>"))
        }
    }

    @Test("dead letters are read by all, and replayed or discarded with the scope for it")
    func deadLetters() async throws {
        try await ResultsHarness.run { results in
            let run = RunID()
            let body = #"{"data":{"x":"<b>"}}"#
            try await results.database.execute(
                Statement(
                    "test.insert_dead_letter",
                    """
                    insert into fleet.dead_letters (consumer, message_id, type, subject, body, reason, attempts)
                    select 'reporting', gen_random_uuid(), 'run.finished', $1, $2::text::bytea, 'It said <no>.', 3
                      from generate_series(1, 2)
                    """), "run/\(run)", body)
            let list = try await results.page("/dead-letters").text
            #expect(list.contains("It said &lt;no&gt;.") && list.contains("href=\"/runs/\(run)\""))
            #expect(try await results.page("/fleet").text.contains("2 dead letters"))
            let letter = try await results.page("/dead-letters/1").text
            #expect(letter.contains("&quot;x&quot; : &quot;&lt;b&gt;&quot;") && letter.contains("Sign in to replay"))
            func post(_ uri: String, _ scopes: [Scope]) async throws -> HTTPResponse.Status {
                let token = try await results.tokens.create(owner: "ada", scopes: scopes).text
                return try await results.client.execute(
                    uri: uri, method: .post, headers: [.authorization: "Bearer \(token)"]
                ).status
            }
            #expect(try await post("/dead-letters/1/discard", [.runsWrite]) == .forbidden)
            #expect(try await results.count("fleet.dead_letters") == 2)
            #expect(try await post("/dead-letters/1/discard", [.fleetWrite]) == .ok)
            #expect(try await post("/dead-letters/1/discard", [.fleetWrite]) == .notFound)
            #expect(try await post("/dead-letters/2/replay", [.admin]) == .ok)
            #expect(try await results.count("fleet.dead_letters") == 0)
            #expect(try await results.count("fleet.outbox") == 1)
            #expect(try await results.page("/dead-letters/1").status == .notFound)
            #expect(try await results.page("/dead-letters/x").status == .notFound)
        }
    }

    @Test("what fails in a job is told by test, and by sentence where no test failed")
    func clusters() async throws {
        try await ResultsHarness.run { results in
            for number in 0..<6 {
                let run = try await results.store {
                    $0.build = BuildID(Int64(1000 + number))
                    $0.state = number < 4 ? .failure : .error
                    $0.description = number < 4 ? "" : "The repository a/b cannot be reached after \(number) tries."
                }
                guard number < 4 else { continue }
                let second = number == 0 ? "<testcase name='rare'><failure message='r'/></testcase>" : ""
                try await results.put(
                    run, "artifacts/junit.xml",
                    "<testsuite name='s'><testcase name='often'><failure message='m\(number)'/></testcase>\(second)</testsuite>"
                )
                _ = try await results.ingest(results.finished(run))
            }
            let page = try await results.page("/jobs/unit").text
            let section = try #require(page.firstRange(of: "What fails")).lowerBound
            let text = page[section...]
            #expect(text.contains("4 failed") && text.contains("1 failed") && text.contains("2 runs"))
            #expect(text.contains("cannot be reached after 5 tries."))
            #expect(text.contains("6 of the last 6 runs failed"))
            let often = try #require(text.firstRange(of: "often")).lowerBound
            let rare = try #require(text.firstRange(of: "rare")).lowerBound
            #expect(often < rare)
        }
    }

    @Test("markup in any name is shown and not obeyed on these pages either")
    func hostileNames() async throws {
        try await ResultsHarness.run { results in
            let hostile = PageTests.hostile
            try await results.configure(hostile)
            try await results.pull(7, title: hostile, author: hostile, labels: [hostile])
            try await results.store {
                $0.job = hostile
                $0.title = hostile
                $0.context = hostile
                $0.state = .running
                $0.agent = hostile
            }
            try await results.database.execute(
                Statement("test.agent", "insert into scheduling.agents (name, cluster, capacity) values ($1, $1, 1)"),
                hostile)
            let encoded = Link.encode(hostile)
            for uri in [
                "/search?q=\(encoded)", "/search/suggestions?q=script", "/pr?author=\(encoded)",
                "/pr-history?org=lantern&repo=engine&pr=7", "/configured-jobs/lantern/engine", "/config/1",
                "/which-jobs?repo=lantern/engine&branch=\(encoded)&changed=\(encoded)&comment=\(encoded)",
                "/which-jobs?repo=\(encoded)", "/fleet", "/job-history/gs/x/logs/\(encoded)",
            ] {
                let response = try await results.page(uri)
                #expect(response.status == .ok, "\(uri)")
                // JSON and what a script element holds are no markup.
                guard response.headers[.contentType] != "application/json" else { continue }
                let text = response.text.replacing(/<script type="text\/plain">(?s:.)*?<\/script>/, with: "")
                #expect(!text.contains("<script>alert"), "\(uri)")
                #expect(!text.contains("\"onmouseover"), "\(uri)")
            }
        }
    }
}
