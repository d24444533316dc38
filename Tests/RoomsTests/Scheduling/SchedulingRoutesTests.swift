import Fleet
import Hummingbird
import HummingbirdTesting
import Scheduling
import SlipwayModel
import Testing
import Web

@Suite("Rerun and abort over HTTP")
struct SchedulingRoutesTests {
    private func run(
        _ keys: String = "always_run: true",
        _ body: @Sendable @escaping (SchedulingHarness, RunID, any TestClientProtocol) async throws -> Void
    ) async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(
                ("jobs.yaml", "postsubmits:\n  harbor/crane:\n  - {name: image, \(keys), \(SchedulingHarness.spec)}\n"))
            try await harness.deliver(
                RefPushed(
                    repository: SchedulingHarness.repository, ref: "main", isTag: false, before: "a", after: "b",
                    changedFiles: ["x"], sender: "maria", deliveryID: "d1"))
            let run = try #require(try await harness.runs().first)
            let router = WebServer.router(tokens: TokenStore(harness.bus.database))
            harness.room.addRoutes(to: router)
            try await Application(router: router).test(.router) { try await body(harness, run.runID, $0) }
        }
    }

    private func post(
        _ client: any TestClientProtocol, _ uri: String, _ token: String? = nil
    ) async throws -> Int {
        var headers: HTTPFields = [:]
        if let token { headers[.authorization] = "Bearer \(token)" }
        return try await client.execute(uri: uri, method: .post, headers: headers) { Int($0.status.code) }
    }

    private func token(_ harness: SchedulingHarness, _ owner: String, _ scope: Scope) async throws -> String {
        try await TokenStore(harness.bus.database).create(owner: owner, scopes: [scope]).text
    }

    @Test("a token with runs:write may run and abort everything")
    func scope() async throws {
        try await run { harness, run, client in
            let token = try await token(harness, "maria", .runsWrite)
            #expect(try await post(client, "/rerun?run=\(run)", token) == 200)
            #expect(try await harness.runs().count == 2)
            #expect(try await post(client, "/abort?prowjob=\(run)", token) == 200)
            #expect(try await harness.run(run).description == "Aborted by maria.")
            #expect(try await post(client, "/abort?run=\(run)", token) == 400)
            #expect(try await post(client, "/rerun?run=\(RunID())", token) == 404)
            #expect(try await post(client, "/rerun", token) == 400)
        }
    }

    @Test("a token without it is no person: rules that name people say nothing of it")
    func otherScope() async throws {
        try await run("rerun_auth_config: {github_users: [noor]}") { harness, run, client in
            let statuses = [
                try await post(client, "/rerun?run=\(run)"), try await post(client, "/rerun?run=\(RunID())"),
                try await post(client, "/rerun?run=\(run)", try await token(harness, "noor", .leasesWrite)),
            ]
            #expect(statuses == [401, 401, 403])
            #expect(try await harness.runs().count == 1)
        }
    }

    @Test("a job for anyone asks nobody")
    func anyone() async throws {
        try await run("rerun_auth_config: {allow_anyone: true}") { harness, run, client in
            let status = try await post(client, "/abort?run=\(run)")
            #expect(status == 200)
            #expect(try await harness.run(run).state == .aborted)
        }
    }

    @Test(
        "what is repeated: the definition in force, or the run's own, or none",
        arguments: [
            ("run=RUN", true, 200, "lab"), ("prowjob=RUN", true, 200, "default"),
            ("prowjob=RUN&mode=latest", true, 200, "lab"), ("prowjob=RUN&mode=original", true, 200, "default"),
            ("run=RUN&mode=original", true, 200, "default"), ("run=RUN", false, 200, "default"),
            ("prowjob=RUN", false, 200, "default"), ("prowjob=RUN&mode=latest", false, 400, nil),
            ("run=RUN&mode=newest", true, 400, nil),
        ] as [(String, Bool, Int, String?)])
    func modes(query: String, isConfigured: Bool, status: Int, cluster: String?) async throws {
        try await run { harness, run, client in
            try await harness.announce(cluster: "lab", capacity: 4)
            let name = isConfigured ? "image" : "other"
            try await harness.apply(
                (
                    "jobs.yaml",
                    "postsubmits:\n  harbor/crane:\n  - {name: \(name), cluster: lab, \(SchedulingHarness.spec)}\n"
                ))
            let token = try await token(harness, "maria", .runsWrite)
            let uri = "/rerun?" + query.replacing("RUN", with: run.description)
            #expect(try await post(client, uri, token) == status)
            #expect(try await harness.runs().first { $0.runID != run }?.cluster == cluster)
        }
    }

    @Test("to look at an address that changes runs is refused with how it is meant")
    func methods() async throws {
        try await run { _, run, client in
            let status = try await client.execute(uri: "/abort?run=\(run)", method: .get) { Int($0.status.code) }
            #expect(status == 405)
        }
    }
}
