import ArtifactStore
import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import JobConfig
import Results
import SlipwayModel
import SlipwayTesting
import Testing
import Web

@Suite("Addresses of Prow's deck")
struct DeckAddressTests {
    @Test(
        "a bookmark of deck's first page leads to the runs it showed",
        arguments: [
            ("state=failure", "/runs?state=failure"), ("state=triggered", "/runs?state=waiting"),
            ("state=pending&job=unit", "/runs?job=unit&state=running"),
            ("type=periodic&cluster=lab", "/runs?kind=periodic&cluster=lab"),
            ("repo=lantern%2Fengine&pull=7", "/runs?repo=lantern%2Fengine&pull=7"),
            ("pull=7&author=ada", "/runs?author=ada"),
            ("job=pull-*-unittest*", "/jobs?q=-unittest"), ("job=*", "/jobs"), ("span=7d", nil), ("", nil),
            ("state=", nil),
        ] as [(String, String?)])
    func bookmark(query: String, path: String?) throws {
        #expect(DeckBookmark.path(try QueryParameters(query)) == path)
    }

    @Test(
        "deck's addresses lead to the pages that took their place",
        arguments: [
            ("/?state=failure", "/runs?state=failure"), ("/plugins", "/command-help"),
            ("/plugin-help", "/command-help"),
        ])
    func moved(uri: String, location: String) async throws {
        try await ResultsHarness.run { results in
            let response = try await results.get(uri)
            #expect(response.status == .found && response.headers[.location] == location)
        }
    }

    @Test(
        "addresses are the same with a slash at their end",
        arguments: ["/configured-jobs/", "/pr-history/?org=lantern&repo=engine&pr=7", "/configured-jobs/lantern/"])
    func slash(uri: String) async throws {
        try await ResultsHarness.run { results in
            try await results.configure("unit")
            try await results.pull(7)
            #expect(try await results.page(uri).status == .ok)
        }
    }

    @Test("an organisation's repositories with jobs; one without is told so")
    func organisation() async throws {
        try await ResultsHarness.run { results in
            try await results.configure("unit")
            let page = try await results.page("/configured-jobs/lantern").text
            #expect(page.contains("href=\"/configured-jobs/lantern/engine\""))
            #expect(page.contains("<h1>Repositories of lantern with jobs</h1>"))
            #expect(try await results.page("/configured-jobs/none").status == .notFound)
        }
    }

    private struct DeckJob: Decodable {
        var type: String
        var refs: Refs
        var refsKey: String
        var job: String
        var buildID: String
        var context: String
        var started: String
        var finished: String
        var duration: String
        var state: String
        var url: String
        var podName: String
        var agent: String
        var prowJob: String

        enum CodingKeys: String, CodingKey {
            case type, refs, job, context, started, finished, duration, state, url, agent
            case refsKey = "refs_key"
            case buildID = "build_id"
            case podName = "pod_name"
            case prowJob = "prow_job"
        }
    }

    @Test("the flat list that deck had first, newest first")
    func data() async throws {
        try await ResultsHarness.run { results in
            let first = try await results.store { $0.build = BuildID(1) }
            let second = try await results.store {
                $0.build = BuildID(2)
                $0.repository = nil
                $0.kind = .periodic
                $0.pulls = []
                $0.state = .running
            }
            let text = try await results.get("/data.js").text
            let jobs = try JSONDecoder().decode([DeckJob].self, from: Data(text.utf8))
            #expect(jobs.map(\.prowJob) == [second, first].map(\.id.description))
            let ended = try #require(jobs.last)
            #expect(ended.type == "presubmit" && ended.job == "unit" && ended.context == "ci/unit")
            #expect(ended.refsKey.hasSuffix(",7:\(first.sha)") && ended.refs.org == "lantern")
            #expect(ended.duration == "1m2s" && ended.finished.hasSuffix("Z") && ended.agent == "kubernetes")
            #expect(Int64(ended.started) == Int64(first.requested.timeIntervalSince1970))
            let running = try #require(jobs.first)
            #expect(running.refsKey.isEmpty && running.finished.isEmpty && running.duration.isEmpty)
            #expect(running.state == "pending" && running.refs.org.isEmpty)
            #expect(try await results.get("/data.js?var=allBuilds").text == "var allBuilds = \(text);")
            #expect(try await results.get("/data.js?var=a;b").status == .badRequest)
        }
    }

    @Test(
        "periodics are found by the repositories they check out",
        arguments: [
            ("org=lantern", true), ("org=lantern&repo=engine", true), ("repo=engine", true), ("org=engine", false),
            ("repo=other", false), ("owner=ada", false),
        ])
    func extraRefs(query: String, isListed: Bool) async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store {
                $0.job = "nightly"
                $0.repository = nil
                $0.kind = .periodic
                $0.pulls = []
                $0.extraRefs = [Refs(repository: RepositoryName(org: "lantern", repo: "engine"), baseRef: "main")]
            }
            let text = try await results.get("/prowjobs.js?" + query).text
            #expect(text.contains(run.id.description) == isListed)
        }
    }

    @Test(
        "the ProwJob that a rerun would be",
        arguments: [
            ("prowjob=RUN", 200, "cluster: default"), ("prowjob=RUN&mode=latest", 200, "cluster: default"),
            ("", 400, "rerun?prowjob"),
            ("prowjob=none", 404, "no run"),
        ])
    func rerunDocument(query: String, status: Int, text: String) async throws {
        try await ResultsHarness.run { results in
            try await results.configure("unit")
            let run = try await results.store { $0.state = .failure }
            let response = try await results.get("/rerun?" + query.replacing("RUN", with: run.id.description))
            #expect(Int(response.status.code) == status && response.text.contains(text))
            if status == 200 {
                #expect(response.text.contains("state: triggered") && !response.text.contains(run.id.description))
                #expect(!response.text.contains("build_id") && !response.text.contains("completionTime"))
            }
        }
    }

    @Test("the latest definition of a job that has none is refused")
    func removedJob() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.job = "gone" }
            #expect(try await results.get("/rerun?prowjob=\(run.id)&mode=latest").status == .badRequest)
            #expect(try await results.get("/rerun?prowjob=\(run.id)").status == .ok)
        }
    }

    @Test(
        "labels hold what Kubernetes takes",
        arguments: [
            ("main", "main"), ("release-1.2", "release-1.2"), ("ci/unit", "unit"), ("feature/x/", "x"),
            ("release_1.", nil), ("-x", nil), ("a b", nil), ("a b/c", "c"), ("", nil), ("/", nil),
            (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
            (String(repeating: "a", count: 64), nil), ("ünit", nil),
        ] as [(String, String?)])
    func label(text: String, value: String?) {
        #expect(ProwJobDocument.labelValue(text) == value)
    }

    @Test(
        "the list's labels are those of the document, whatever the branch is called",
        arguments: ["main", "feature/x", "a b", "release_1."])
    func refsLabels(branch: String) async throws {
        try await ResultsHarness.run { results in
            try await results.configure("unit")
            let run = try await results.store { $0.baseRef = branch }
            let list = try await results.get("/prowjobs.js").text
            let value = ProwJobDocument.labelValue(branch)
            #expect(list.contains("\"prow.k8s.io/refs.base_ref\":") == (value != nil))
            let yaml = try await results.get("/prowjob?prowjob=\(run.id)").text
            #expect(yaml.contains("prow.k8s.io/refs.base_ref: ") == (value != nil))
            if let value { #expect(list.contains("\"prow.k8s.io/refs.base_ref\":\"\(value)\"")) }
            #expect(list.contains("\"prow.k8s.io/is-optional\":\"false\""))
        }
    }
}
