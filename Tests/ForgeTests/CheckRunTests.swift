import Forge
import Foundation
import LocalForge
import SlipwayModel
import Testing

@Suite("Check runs")
struct CheckRunTests {
    private let repository = TestForge.repository

    @Test(
        "what a check run counts as",
        arguments: [
            ("queued", nil, "pending"), ("in_progress", nil, "pending"), ("waiting", nil, "pending"),
            (nil, nil, "pending"), ("completed", "success", "success"), ("completed", "neutral", "success"),
            ("completed", "skipped", "success"), ("completed", "failure", "failure"),
            ("completed", "cancelled", "failure"), ("completed", "timed_out", "failure"),
            ("completed", "action_required", "failure"), ("completed", "stale", "failure"),
            ("completed", "startup_failure", "failure"), ("completed", "invented_later", "failure"),
            ("completed", nil, "failure"),
        ] as [(String?, String?, String)])
    func state(status: String?, conclusion: String?, expected: String) {
        let run = CheckRun(id: 1, name: "build", headSHA: "1", status: status, conclusion: conclusion)
        #expect(run.state == expected)
    }

    @Test("a page as GitHub writes it; of one name the newest counts")
    func page() throws {
        let page = try JSONDecoder().decode(
            CheckRunPage.self,
            from: Data(
                """
                {"total_count": 3, "check_runs": [
                  {"id": 9, "name": "build", "head_sha": "1", "node_id": "x", "status": "completed",
                   "conclusion": "success", "started_at": "2018-05-04T01:14:52Z",
                   "completed_at": "2018-05-04T01:14:52Z", "output": {"title": null}, "app": {"id": 1},
                   "details_url": "https://example.org", "pull_requests": []},
                  {"id": 4, "name": "build", "head_sha": "1", "status": "completed", "conclusion": "failure"},
                  {"id": 7, "name": "lint", "head_sha": "1", "status": "requested", "conclusion": null,
                   "started_at": null, "completed_at": null, "details_url": null}]}
                """.utf8))
        #expect(page.totalCount == 3)
        #expect(page.checkRuns.latest.map(\.id) == [7, 9])
        #expect(page.checkRuns.latest.map(\.state) == ["pending", "success"])
    }

    @Test("made, completed, made again: each is told, and the newest is listed")
    func lifecycle() async throws {
        try await TestForge.run { forge in
            let sha = try await forge.makeRepository().head()
            let made = try await create(forge, ["name": "build", "head_sha": sha, "status": "in_progress"])
            #expect(made.state == "pending" && made.startedAt != nil && made.completedAt == nil)
            #expect(try await forge.bot.checkRuns(repository, ref: "main") == [made])
            let ended = try await forge.bot.send(
                "PATCH", "/repos/\(repository)/check-runs/\(made.id)", ["conclusion": "failure"],
                idempotent: true, as: CheckRun.self)
            #expect(ended.id == made.id && ended.state == "failure" && ended.completedAt != nil)
            let again = try await create(
                forge, ["name": "build", "head_sha": sha, "conclusion": "success"])
            #expect(try await forge.bot.checkRuns(repository, ref: sha) == [again])
            let all = try await forge.bot.get(
                "/repos/\(repository)/commits/\(sha)/check-runs?filter=all", as: CheckRunPage.self)
            #expect(all.checkRuns == [again, ended] && all.totalCount == 2)
            _ = try await forge.sink.first {
                guard case .checkRun(let event) = try $0.delivery() else { return false }
                return event.action == "completed" && event.checkRun == again
            }
            let told = try await forge.sink.received.compactMap { received -> String? in
                guard case .checkRun(let event) = try received.delivery() else { return nil }
                return "\(event.action) \(event.checkRun.id == made.id ? "first" : "second") \(event.checkRun.state)"
            }
            #expect(
                told == [
                    "created first pending", "completed first failure", "created second success",
                    "completed second success",
                ])
        }
    }

    @Test("more than a page")
    func pages() async throws {
        try await TestForge.run { forge in
            let sha = try await forge.makeRepository().head()
            let names = (1...101).map { "check-\($0)" }
            for name in names { _ = try await create(forge, ["name": name, "head_sha": sha]) }
            #expect(try await forge.bot.checkRuns(repository, ref: sha)?.map(\.name) == names)
        }
    }

    @Test(
        "none where the forge has none, nil where it hides them; a forge that fails is no answer",
        arguments: [403, 404, 500])
    func refused(status: Int) async throws {
        try await TestForge.run { forge in
            let sha = try await forge.makeRepository().head()
            _ = try await create(forge, ["name": "build", "head_sha": sha, "conclusion": "failure"])
            forge.server.faults.inject(.answer(status), path: "/check-runs", times: 100)
            let client = ForgeClient(address: forge.address, token: TestForge.botToken, retry: .fast)
            if status < 500 {
                #expect(try await client.checkRuns(repository, ref: sha) == (status == 403 ? nil : []))
            } else {
                await #expect(throws: ForgeError.self) { try await client.checkRuns(repository, ref: sha) }
            }
        }
    }

    @Test("a check run that GitHub would refuse")
    func bad() async throws {
        try await TestForge.run { forge in
            let sha = try await forge.makeRepository().head()
            for (run, words) in [
                (["name": "a", "head_sha": "main"], "No commit found"),
                (["head_sha": sha], "a name has 1 to 255 characters"),
                (["name": "a", "head_sha": sha, "status": "done"], "status is queued, in_progress or completed"),
                (["name": "a", "head_sha": sha, "conclusion": "green"], "conclusion is one of action_required"),
                (["name": "a", "head_sha": sha, "status": "completed"], "what is completed has a conclusion"),
            ] as [([String: String], String)] {
                let error = try await #require(throws: ForgeError.self) { _ = try await create(forge, run) }
                #expect(error.status == 422 && error.message.contains(words), "\(error)")
            }
        }
    }

    private func create(_ forge: TestForge, _ run: [String: String]) async throws -> CheckRun {
        try await forge.bot.send(
            "POST", "/repos/\(repository)/check-runs", run, idempotent: false)
    }
}
