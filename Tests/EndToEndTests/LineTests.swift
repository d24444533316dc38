import Foundation
import SlipwayTesting
import Testing

/// The whole line with the built program: what people do at the forge, and what they see of it.
@Suite(.liveFleet, .serialized) struct LineTests {
    private static let jobs = """
        presubmits:
          e2e/good: [&job {name: unit, always_run: true, decorate: true, spec: {containers: [{command: [./job]}]}}]
          e2e/bad: [*job]
          e2e/clash: [*job]
          e2e/strange: [*job]
          e2e/slow: [*job]
          e2e/hard: [*job]
          e2e/outage: [*job]
          e2e/pages: [*job]
        postsubmits:
          e2e/good: [{name: pack, branches: [^main$], decorate: true, spec: {containers: [{command: [./job]}]}}]
        """

    /// A repository with one open pull request.
    private func offer(
        _ name: String, author: String = "author", role: String = "member", script: String,
        change: String = "echo two > file"
    ) async throws -> LiveFleet {
        let fleet = try LiveFleet.current
        try await fleet.configure(Self.jobs)
        try await fleet.makeRepository(name, author: author, role: role, script: "#!/bin/sh\n" + script)
        try await fleet.push(name, branch: "change", author: author, change: change)
        try await fleet.openPull(name, branch: "change", author: author)
        return fleet
    }

    @Test func aGoodPullRequestIsTestedAndTheForgeToldSo() async throws {
        let fleet = try await offer("good", script: "echo tested $PULL_NUMBER on $PULL_BASE_REF")
        let runs = try await fleet.ended("good", count: 2)
        #expect(Set(runs.map(\.job)) == ["unit", "pack"])
        #expect(runs.allSatisfy { $0.state == "success" }, "\(runs)")
        try await eventually("the forge shows the result") {
            try await fleet.shown("good").contains(/unit +success +Job succeeded\. +BaseSHA:[0-9a-f]{40}/)
        }
        let run = try #require(runs.first { $0.job == "unit" })
        let page = try await fleet.get("/runs/\(run.id)")
        #expect(page.status == 200)
        #expect(page.body.contains("tested 1 on main"))
        #expect(try await fleet.slipway("runs", "logs", run.id).contains("tested 1 on main\n"))
        #expect(try await fleet.slipway("runs", "logs", "--follow", run.id).contains("tested 1 on main\n"))
    }

    @Test func aFailingTestIsNamedWhereItsAuthorLooks() async throws {
        let fleet = try await offer(
            "bad",
            script: """
                mkdir -p $ARTIFACTS && cat > $ARTIFACTS/junit.xml <<'END'
                <testsuite><testcase name="light goes out"><failure>dark</failure></testcase>
                <testcase name="light goes on"/></testsuite>
                END
                echo '--- FAIL: light goes out'; exit 1
                """)
        let run = try #require(try await fleet.ended("bad", count: 1).first)
        #expect(run.state == "failure")
        let failure = await #expect(throws: LiveFleet.CommandFailed.self) {
            try await fleet.slipway("runs", "logs", "-f", run.id)
        }
        #expect(failure?.description.contains("--- FAIL: light goes out") == true)
        #expect(failure?.description.contains("The run ended: failure. The job failed") == true)
        try await eventually("the forge shows status and comment") {
            let shown = try await fleet.shown("bad")
            return shown.contains(/unit +failure +Job failed\./) && shown.contains("/test unit")
        }
        try await eventually("the tests are in rows and on the page") {
            try await fleet.get("/runs/\(run.id)").body.contains("light goes out")
        }
        // The same comment is replaced when the tests run again.
        try await fleet.slipway("forge", "comment", "e2e/bad#1", "--author", "author", "--body", "/retest")
        _ = try await fleet.ended("bad", count: 2)
        try await eventually("there is one failure table") {
            try await fleet.shown("bad").components(separatedBy: "Rerun command").count == 2
        }
    }

    @Test func aRepositorysOwnJobRunsBesideTheOthers() async throws {
        let fleet = try LiveFleet.current
        try await fleet.configure(Self.jobs)
        try await fleet.makeRepository("own", author: "author", role: "member", script: "#!/bin/sh\necho my own job")
        try await fleet.push(
            "own", branch: "main", author: "author",
            change: """
                cat > .prow.yaml <<'END'
                presubmits:
                - {name: mine, always_run: true, decorate: true, spec: {containers: [{command: [./job]}]}}
                END
                """)
        try await fleet.push("own", branch: "change", author: "author", change: "echo two > file")
        try await fleet.openPull("own", branch: "change", author: "author")
        let run = try #require(try await fleet.ended("own", count: 1).first)
        #expect(run.job == "mine" && run.state == "success", "\(run)")
        let page = try await fleet.get("/runs/\(run.id)").body
        #expect(page.contains("my own job") && page.contains(".prow.yaml:2 at <"))
        try await fleet.slipway("runs", "rerun", run.id)
        #expect(try await fleet.ended("own", count: 2).map(\.state) == ["success", "success"])
        let files = try await fleet.get("/runs/\(run.id)/artifacts/artifacts/e2e-timelines_slipway.json")
        #expect(files.status == 200 && files.body.contains(#""phase":"clone""#))
    }

    @Test func aConflictIsSaidInsteadOfSilence() async throws {
        let fleet = try LiveFleet.current
        try await fleet.configure(Self.jobs)
        try await fleet.makeRepository("clash", author: "author", role: "member", script: "#!/bin/sh")
        try await fleet.bash("cd '\(fleet.folder)/clones/clash' && git branch older main")
        try await fleet.push("clash", branch: "main", author: "author", change: "echo one > file")
        try await fleet.push(
            "clash", branch: "change", author: "author", change: "git reset -q --hard older; echo two > file")
        try await fleet.openPull("clash", branch: "change", author: "author")
        try await eventually("the status says that it conflicts") {
            try await fleet.shown("clash").contains(/unit +error +Not started: the pull request conflicts with main/)
        }
        #expect(try await fleet.runs(of: "clash").isEmpty)
    }

    @Test func aStrangersCodeIsNotRunUntilAMemberSaysSo() async throws {
        let fleet = try await offer("strange", author: "stranger", role: "outside", script: "echo ran")
        try await eventually("the stranger is told") {
            try await fleet.shown("strange").contains("you are not a member of **e2e** yet")
        }
        #expect(try await fleet.runs(of: "strange").isEmpty)
        try await fleet.slipway("forge", "comment", "e2e/strange#1", "--author", "author", "--body", "/test all")
        #expect(try await fleet.ended("strange", count: 1).map(\.state) == ["success"])
    }

    @Test func aPushAbortsWhatTestsTheOlderHead() async throws {
        // The job of the first head waits for the end of time; that of the second ends at once.
        let fleet = try await offer("slow", script: "[ -e second ] || exec sleep 1000000")
        let first = try await fleet.running("slow")
        try await fleet.push("slow", branch: "change", author: "author", change: "touch second")
        let runs = try await fleet.ended("slow", count: 2)
        #expect(runs.map(\.state) == ["aborted", "success"])
        #expect(runs.first?.id == first.id)
        #expect(runs.first?.description.contains("newer commit was pushed") == true, "\(runs)")
    }

    @Test func aRunIsAbortedByWhoMayAndByNobodyElse() async throws {
        let fleet = try await offer("hard", script: "trap '' INT TERM; sleep 1000000 & wait; sleep 1000000")
        let run = try await fleet.running("hard")
        #expect(try await fleet.post("/abort?run=\(run.id)") == 401)
        #expect(try await fleet.post("/abort?run=\(run.id)", token: "invented") == 401)
        #expect(try await fleet.post("/abort?run=\(run.id)", token: fleet.environment["SLIPWAY_TOKEN"]) == 200)
        #expect(try await fleet.ended("hard", count: 1).map(\.state) == ["aborted"])
        #expect(try await fleet.post("/abort?run=\(run.id)", token: fleet.environment["SLIPWAY_TOKEN"]) == 400)
        #expect(try await fleet.post("/rerun?run=\(run.id)", token: fleet.environment["SLIPWAY_TOKEN"]) == 200)
        let again = try await fleet.running("hard")
        try await fleet.slipway("runs", "abort", again.id)
        #expect(try await fleet.ended("hard", count: 2).map(\.state) == ["aborted", "aborted"])
    }

    @Test func whatIsKilledIsReplacedAndNothingIsLostOrDoubled() async throws {
        let since = Date().formatted(.iso8601)
        let fleet = try await offer("outage", script: "sleep 3")
        _ = try await fleet.running("outage")
        // One by one: a fleet with a role missing altogether is repaired by its supervisor.
        for role in ["agent", "worker", "gateway", "forge"] {
            for pid in try await fleet.pids(role) { kill(pid, SIGKILL) }
        }
        try await eventually("the gateway is back", within: .seconds(60)) {
            (try? await fleet.get("/readyz").status) == 200
        }
        let runs = try await fleet.ended("outage", count: 1)
        #expect(runs.map(\.state) == ["success"])
        #expect(runs.map(\.attempt) == [2], "its agent was killed, so the run was executed again")
        let ledger = try await fleet.slipway("runs", "ledger", "--since", since)
        #expect(ledger.contains(/lost +0\n/) && ledger.contains(/doubled +0\n/), "\(ledger)")
    }

    @Test func everyPageAnswers() async throws {
        let fleet = try await offer("pages", script: "echo read me")
        let run = try #require(try await fleet.ended("pages", count: 1).first)
        for path in [
            "/", "/runs", "/runs?state=failure", "/runs/\(run.id)", "/jobs", "/jobs/unit", "/pulls",
            "/pulls/e2e/pages/1", "/login", "/healthz", "/readyz", "/metrics", "/prowjobs.js", "/badge.svg?jobs=unit",
        ] {
            let (status, body) = try await fleet.get(path)
            #expect(status == 200 && !body.isEmpty, "\(path)")
        }
    }

    @Test(arguments: ["/runs/nothing", "/jobs/nothing", "/pulls/no/thing/1", "/nothing", "/artifacts/../../etc/passwd"])
    func whatIsNotThereIsSaidSo(_ path: String) async throws {
        let (status, body) = try await LiveFleet.current.get(path)
        #expect(status == 404 || status == 400)
        #expect(!body.isEmpty && !body.contains("root:"))
    }
}
