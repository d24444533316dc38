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

@Suite("Prow's endpoints")
struct ProwFaceTests {
    private struct Jobs: Decodable {
        struct Item: Decodable {
            struct Metadata: Decodable {
                var name: String
                var labels: [String: String]?
                var annotations: [String: String]?
            }
            struct Spec: Decodable {
                struct Refs: Decodable {
                    var org: String
                    var repo: String
                }
                var type: String
                var job: String
                var refs: Refs?
            }
            struct Status: Decodable {
                var state: String
                var url: String
                var buildID: String
                var startTime: String
                var completionTime: String?

                enum CodingKeys: String, CodingKey {
                    case state, url, startTime, completionTime
                    case buildID = "build_id"
                }
            }
            var metadata: Metadata
            var spec: Spec
            var status: Status
        }
        var items: [Item]
    }

    private func jobs(_ results: ResultsHarness, _ query: String = "") async throws -> [Jobs.Item] {
        let text = try await results.get("/prowjobs.js" + query).text
        return try JSONDecoder().decode(Jobs.self, from: Data(text.utf8)).items
    }

    @Test("every run of the last two days is listed, newest first, in Prow's shape")
    func shape() async throws {
        try await ResultsHarness.run { results in
            var runs: [ResultsHarness.Run] = []
            for (number, state) in RunState.allCases.enumerated() {
                runs.append(
                    try await results.store {
                        $0.state = state
                        $0.build = BuildID(Int64(1 + number))
                    })
            }
            try await results.store {
                $0.id = RunID(UUID.version7(milliseconds: UInt64(Date().timeIntervalSince1970 - 3 * 86_400) * 1000))
                $0.build = BuildID(99)
            }
            let items = try await jobs(results)
            #expect(items.map(\.metadata.name) == runs.reversed().map(\.id.description))
            #expect(
                items.reversed().map(\.status.state)
                    == ["triggered", "pending", "pending", "success", "failure", "aborted", "error"])
            let item = try #require(items.last)
            #expect(item.spec.type == "presubmit" && item.spec.job == "unit" && item.spec.refs?.org == "lantern")
            #expect(item.status.url == "http://ci.example.org/runs/\(runs[0].id)")
            #expect(item.status.buildID == "1")
            #expect(item.metadata.labels?["prow.k8s.io/refs.pull"] == "7")
            #expect(item.status.startTime.hasSuffix("Z"))
        }
    }

    @Test("omit leaves parts out; var makes it a script; org, repo and owner narrow it")
    func parameters() async throws {
        try await ResultsHarness.run { results in
            try await results.store { $0.build = BuildID(1) }
            try await results.store {
                $0.repository = RepositoryName(org: "lantern", repo: "config")
                $0.build = BuildID(2)
            }
            try await results.store {
                $0.repository = nil
                $0.kind = .periodic
                $0.pulls = []
                $0.build = BuildID(3)
            }
            #expect(try await jobs(results).count == 3)
            #expect(try await jobs(results, "?org=lantern").count == 2)
            #expect(try await jobs(results, "?org=lantern&repo=config").map(\.spec.refs?.repo) == ["config"])
            #expect(try await jobs(results, "?owner=ada").count == 2)
            #expect(try await jobs(results, "?owner=lantern").isEmpty)
            #expect(try await jobs(results, "?org=none").isEmpty)
            let slim = try await jobs(results, "?omit=annotations,labels,decoration_config,pod_spec,unknown")
            #expect(slim.allSatisfy { $0.metadata.labels == nil && $0.metadata.annotations == nil })
            let script = try await results.get("/prowjobs.js?var=allBuilds&org=none")
            #expect(script.text == "var allBuilds = {\"items\":[]};")
            #expect(script.headers[.contentType]?.hasPrefix("application/javascript") == true)
            for name in ["alert(1)//", "a b", "1a", "a..b", "a;b"] {
                let uri = "/prowjobs.js?var=\(name.replacing(" ", with: "%20"))"
                #expect(try await results.get(uri).status == .badRequest)
            }
        }
    }

    @Test("more runs than a page of the database are all listed; limit lists fewer")
    func paging() async throws {
        try await ResultsHarness.run { results in
            for number in 1...2101 { try await results.store { $0.build = BuildID(Int64(number)) } }
            let items = try await jobs(results, "?omit=pod_spec")
            #expect(Set(items.map(\.metadata.name)).count == 2101)
            let few = try await jobs(results, "?limit=2050")
            #expect(few.map(\.metadata.name) == items.prefix(2050).map(\.metadata.name))
            for limit in ["0", "-1", "many", "1000000"] {
                #expect(try await results.get("/prowjobs.js?limit=\(limit)").status == .badRequest)
            }
        }
    }

    @Test(
        "an item of the list says what the run's own document says", arguments: ["", "labels", "annotations,pod_spec"])
    func sameDocument(omitted: String) async throws {
        try await ResultsHarness.run { results in
            try await results.configure("unit")
            try await results.store {
                $0.build = BuildID(1)
                $0.description = "It said \"no\"\n\\ and é \u{2028}."
            }
            try await results.store {
                $0.build = BuildID(2)
                $0.repository = nil
                $0.kind = .periodic
                $0.pulls = []
                $0.job = "nightly \"quoted\""
            }
            try await results.store {
                $0.build = BuildID(3)
                $0.state = .running
            }
            struct List: Decodable { var items: [ProwJobDocument] }
            let text = try await results.get("/prowjobs.js?omit=\(omitted)").text
            let items = try ArtifactDocument.decode(List.self, from: Array(text.utf8)).items
            #expect(items.count == 3)
            for item in items {
                let yaml = try await results.get("/prowjob?prowjob=\(item.metadata.name)").text
                #expect(yaml.contains(item.status.url ?? "?"))
                let run = try #require(RunID(item.metadata.name))
                let row = try #require(try await ResultsStore(results.database).prowJob(run))
                var own = ProwJobDocument(
                    runID: run, kind: row.kind, job: row.job ?? ResolvedJob(name: row.jobName, kind: row.kind),
                    refs: row.refs,
                    status: .init(
                        startTime: row.requestedAt, pendingTime: row.startedAt, completionTime: row.finishedAt,
                        state: row.state, description: row.description, url: item.status.url,
                        podName: run.description, buildID: row.buildID))
                if omitted.contains("labels") { own.metadata.labels = nil }
                if omitted.contains("annotations") { own.metadata.annotations = nil }
                if omitted.contains("pod_spec"), own.spec.podSpec != nil {
                    let empty = JSONValue.object(["name": .string(""), "resources": .object([:])])
                    own.spec.podSpec = .object(["containers": .array([empty])])
                }
                // Times are written in whole seconds.
                let whole = try ArtifactDocument.decode(
                    ProwJobDocument.self, from: try ArtifactDocument.encode(own))
                #expect(item == whole)
            }
        }
    }

    @Test(
        "a badge says how the jobs stand",
        arguments: [
            ("jobs=good", "passing"), ("jobs=good,bad", "failing bad"), ("jobs=b*", "failing bad"),
            ("jobs=*", "failing bad"),
            ("jobs=none", "no results"), ("jobs=g%25d", "no results"), ("jobs=goo?", "passing"),
        ])
    func badge(query: String, words: String) async throws {
        try await ResultsHarness.run { results in
            for (number, state) in [RunState.success, .failure, .running].enumerated() {
                let name = ["good", "bad", "busy"][number]
                try await results.configure(name)
                try await results.store {
                    $0.job = name
                    $0.state = state
                    $0.build = BuildID(Int64(1 + number))
                }
            }
            let badge = try await results.get("/badge.svg?" + query)
            #expect(badge.headers[.contentType] == "image/svg+xml")
            #expect(badge.text.contains("<title>build: \(words)</title>"))
        }
    }

    @Test("one run as YAML, its log by job and build, and its page by the path of its folder")
    func oneRun() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .failure }
            try await results.put(run, "build-log.txt", "hello\n")
            let yaml = try await results.get("/prowjob?prowjob=\(run.id)").text
            for line in ["kind: ProwJob\n", "  state: failure\n", "  job: unit\n", "    repo: engine\n"] {
                #expect(yaml.contains(line), "\(line)")
            }
            #expect(try await results.get("/prowjob?prowjob=none").status == .notFound)
            #expect(try await results.get("/prowjob").status == .badRequest)
            #expect(try await results.get("/log?job=unit&id=\(run.build)&container=test").text == "hello\n")
            for query in ["job=other&id=\(run.build)", "job=unit&id=7"] {
                let response = try await results.get("/log?" + query)
                #expect(response.status == .notFound)
            }
            #expect(try await results.get("/log?job=unit&id=x").status == .notFound)
            #expect(try await results.get("/log?job=unit").status == .badRequest)
            let log = try await results.get("/log?job=unit&id=\(run.build)")
            #expect(log.headers[.accessControlAllowOrigin] == "*")
            let path = try results.layout(run).folder.description
            for uri in ["/view/gs/bucket/\(path)", "/view/gs/bucket/\(path)/build-log.txt"] {
                let response = try await results.get(uri)
                #expect(response.status == .found && response.headers[.location] == "/runs/\(run.id)")
            }
            #expect(try await results.get("/view/gs/bucket/logs/x/12").status == .notFound)
        }
    }

    @Test("a job's history lists 20 builds a page, with the variable that tools read")
    func jobHistory() async throws {
        struct Build: Decodable {
            var link: String
            var id: String
            var result: String
            var duration: Int64

            enum CodingKeys: String, CodingKey {
                case link = "SpyglassLink"
                case id = "ID"
                case result = "Result"
                case duration = "Duration"
            }
        }
        try await ResultsHarness.run { results in
            for number in 1...25 {
                try await results.store {
                    $0.build = BuildID(Int64(number))
                    $0.state = number == 25 ? .running : number == 24 ? .failure : .success
                    $0.title = "</script><script>alert(1)</script>"
                }
            }
            func builds(_ uri: String) async throws -> ([Build], String?) {
                let page = try await results.page(uri).text
                let begin = try #require(page.firstRange(of: "var allBuilds = ")).upperBound
                let end = try #require(page[begin...].firstRange(of: ";\n</script>")).lowerBound
                #expect(!page.contains("<script>alert"))
                let older = page.firstMatch(of: /href="([^"]+)" rel="next">Older Runs/).map { String($0.output.1) }
                return (try JSONDecoder().decode([Build].self, from: Data(page[begin..<end].utf8)), older)
            }
            let (first, older) = try await builds("/job-history/gs/bucket/pr-logs/directory/unit")
            #expect(first.map(\.id) == (6...25).reversed().map { "\($0)" })
            #expect(first.prefix(3).map(\.result) == ["PENDING", "FAILURE", "SUCCESS"])
            #expect(first[1].duration == 60_000_000_000)
            #expect(first[1].link == "/view/gs/bucket/pr-logs/pull/lantern_engine/7/unit/24")
            let old = try await builds("/job-history/bucket/pr-logs/directory/unit?buildId=")
            #expect(old.0.map(\.link) == first.map(\.link))
            let far = try await builds("/job-history/gs/bucket/pr-logs/directory/unit?buildId=99")
            #expect(far.0.map(\.id) == first.map(\.id))
            let (rest, last) = try await builds(try #require(older))
            #expect(rest.map(\.id) == (1...5).reversed().map { "\($0)" } && last == nil)
            let back = try await results.page(try #require(older)).text
            let newer = try #require(back.firstMatch(of: /href="([^"]+)" rel="prev">Newer Runs/))
            #expect(try await builds(String(newer.output.1)).0.map(\.id) == first.map(\.id))
            #expect(try await results.page("/job-history/gs/bucket/logs/none").status == .notFound)
            #expect(try await results.page("/job-history/x").status == .badRequest)
            for id in ["x", "-738", "0", "1.5"] {
                #expect(try await results.page("/job-history/gs/b/logs/unit?buildId=\(id)").status == .badRequest)
            }
        }
    }

    @Test("a pull request's history has a row per job and a column per commit")
    func pullHistory() async throws {
        try await ResultsHarness.run { results in
            try await results.pull(7)
            for (number, sha) in ["a1", "a1", "b2"].enumerated() {
                try await results.store {
                    $0.sha = sha
                    $0.job = number == 1 ? "lint" : "unit"
                    $0.build = BuildID(Int64(1 + number))
                }
            }
            let page = try await results.page("/pr-history?org=lantern&repo=engine&pr=7").text
            #expect(page.matches(of: /scope="row"/).count == 2)
            #expect(page.matches(of: /scope="col"/).count == 3)
            #expect(page.matches(of: /class="state success"/).count == 3)
            for query in ["org=lantern&repo=engine", "org=..&repo=engine&pr=7", "org=lantern&repo=engine&pr=x"] {
                let response = try await results.page("/pr-history?" + query)
                #expect(response.status == .badRequest)
            }
            #expect(try await results.page("/pr-history?org=lantern&repo=engine&pr=8").status == .notFound)
        }
    }

    @Test(
        "a badge of nothing, or of too much, is refused",
        arguments: ["", "?jobs=", "?jobs=,", "?jobs=" + String(repeating: "a,", count: 60)])
    func badBadge(query: String) async throws {
        try await ResultsHarness.run { results async throws in
            #expect(try await results.get("/badge.svg" + query).status == .badRequest)
        }
    }
}
