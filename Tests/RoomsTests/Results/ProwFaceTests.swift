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

    @Test("omit leaves parts out; var makes it a script; org, owner and repo narrow it")
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
            #expect(try await jobs(results, "?owner=lantern&repo=config").map(\.spec.refs?.repo) == ["config"])
            #expect(try await jobs(results, "?org=none").isEmpty)
            let slim = try await jobs(results, "?omit=annotations,labels,decoration_config,pod_spec,unknown")
            #expect(slim.allSatisfy { $0.metadata.labels == nil && $0.metadata.annotations == nil })
            let script = try await results.get("/prowjobs.js?var=allBuilds&org=none")
            #expect(script.text == "var allBuilds = {\"items\":[]};")
            #expect(script.headers[.contentType]?.hasPrefix("text/javascript") == true)
            for name in ["alert(1)//", "a b", "1a", "a..b", "a;b"] {
                let uri = "/prowjobs.js?var=\(name.replacing(" ", with: "%20"))"
                #expect(try await results.get(uri).status == .badRequest)
            }
        }
    }

    @Test("more runs than a page of the database are all listed")
    func paging() async throws {
        try await ResultsHarness.run { results in
            for number in 1...1101 { try await results.store { $0.build = BuildID(Int64(number)) } }
            let items = try await jobs(results, "?omit=pod_spec")
            #expect(Set(items.map(\.metadata.name)).count == 1101)
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

    @Test(
        "a badge of nothing, or of too much, is refused",
        arguments: ["", "?jobs=", "?jobs=,", "?jobs=" + String(repeating: "a,", count: 60)])
    func badBadge(query: String) async throws {
        try await ResultsHarness.run { results async throws in
            #expect(try await results.get("/badge.svg" + query).status == .badRequest)
        }
    }
}
