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

@Suite("JUnit files become rows")
struct AggregationTests {
    private static let report = """
        <testsuites><testsuite name="engine"><testcase classname="light" name="shines" time="0.5">
        <failure message="expected 25, got 50">at light.sh:3</failure></testcase>
        <testcase name="remembers"><failure message="once"/></testcase><testcase name="remembers"/>
        <testcase name="burns" time="2"/><testcase name="later"><skipped/></testcase></testsuite></testsuites>
        """

    @Test("files are read where the run's artifacts lie, and its page shows them")
    func strategy() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.strategy = .legacy(defaultOrg: "lantern", defaultRepo: "engine") }
            #expect(run.artifactFolder == "pr-logs/pull/7/unit")
            try await results.put(run, "artifacts/junit.xml", Self.report)
            #expect(try await results.ingest(results.finished(run)).map(\.failed) == [1])
            #expect(try await results.page("/runs/\(run.id)/artifacts/").text.contains("artifacts"))
        }
    }

    @Test("an attempt's files, at any depth and over all of them, are one row and a row per failure")
    func ingest() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .failure }
            try await results.put(run, "artifacts/junit.xml", Self.report)
            try await results.put(
                run, "artifacts/deep/er/junit_more.xml", "<testsuite name='more'><testcase name='x'/></testsuite>")
            try await results.put(run, "artifacts/report.xml", "<testsuite><testcase name='not read'/></testsuite>")
            try await results.put(run, "artifacts/junit.xml.txt", "not read either")
            let told = try await results.ingest(results.finished(run))
            #expect(told.map(\.buildID) == [run.build])
            #expect(told.map { [$0.passed, $0.failed, $0.flaky, $0.skipped] } == [[2, 1, 1, 1]])
            let failures = try await results.database.query(
                "select suite, name, kind, message, output from results.failures_v1 order by kind"
            ).map { try $0.decode((String, String, String, String, String).self) }
            #expect(failures.map(\.1) == ["shines", "remembers"])
            #expect(failures.map(\.2) == ["failed", "flaky"])
            #expect(failures.first?.0 == "engine/light" && failures.first?.3 == "expected 25, got 50")
            #expect(failures.first?.4 == "at light.sh:3")
            #expect(try await results.count("results.tests") == 5)
        }
    }

    @Test("told again, together or later, an attempt counts once; a later attempt counts by itself")
    func idempotent() async throws {
        try await ResultsHarness.run { results in
            var run = try await results.store { $0.state = .failure }
            try await results.put(run, "artifacts/junit.xml", Self.report)
            let event = results.finished(run)
            #expect(try await results.ingest(event, event).count == 1)
            #expect(try await results.ingest(event).isEmpty)
            #expect(try await results.count("results.runs") == 1)
            #expect(try await results.count("results.failures") == 2)
            run.build = BuildID(run.build.number + 1)
            try await results.put(run, "artifacts/junit.xml", Self.report)
            #expect(try await results.ingest(results.finished(run)).count == 1)
            #expect(try await results.count("results.runs") == 2)
            #expect(try await results.count("results.tests") == 4)
        }
    }

    @Test("results that come days late are kept, with or without a partition of their day")
    func late() async throws {
        try await ResultsHarness.run { results in
            for days in [0.0, 3, 400] {
                let run = try await results.store {
                    $0.requested = Date() - days * 86_400
                    $0.build = BuildID(Int64($0.requested.timeIntervalSince1970 * 1000) << 20)
                }
                try await results.put(run, "artifacts/junit.xml", Self.report)
                #expect(try await results.ingest(results.finished(run)).count == 1)
            }
            #expect(try await results.count("results.runs") == 3)
            #expect(try await results.count("results.runs_default") == 2)
            for chore in results.chores { try await chore.run() }
            #expect(try await results.count("results.runs") == 3)
        }
    }

    @Test("what never started, or left no report, gives no row and is no trouble")
    func nothing() async throws {
        try await ResultsHarness.run { results in
            let silent = try await results.store { $0.state = .success }
            var event = results.finished(try await results.store { $0.state = .aborted })
            event.startedAt = nil
            #expect(try await results.ingest(results.finished(silent), event).isEmpty)
            #expect(try await results.count("results.runs") == 0)
        }
    }

    @Test("one unreadable file spoils neither its run nor the batch")
    func unreadable() async throws {
        try await ResultsHarness.run { results in
            let bad = try await results.store { $0.state = .failure }
            let good = try await results.store {
                $0.state = .failure
                $0.build = BuildID(bad.build.number + 1)
            }
            try await results.put(bad, "artifacts/junit_a.xml", "<testsuite><testcase name='a'/><testcase")
            try await results.put(bad, "artifacts/junit_b.xml", Self.report)
            try await results.put(good, "artifacts/junit.xml", Self.report)
            #expect(try await results.ingest(results.finished(bad), results.finished(good)).count == 2)
            let problems = try await results.database.query(
                "select problems from results.runs_v1 where build_id = \(bad.build.number)"
            ).one().decode([String].self)
            #expect(problems.count == 1 && problems[0].hasPrefix("junit_a.xml could not be read whole"))
            let page = try await results.page("/runs/\(bad.id)").text
            #expect(page.contains("junit_a.xml could not be read whole"))
        }
    }

    @Test("a link that leads out of the artifacts is not followed")
    func symbolicLink() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .failure }
            try await results.put(run, "artifacts/x.txt", "x")
            let folder = results.artifacts.folder + "/" + (try results.layout(run).artifacts.description)
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/junit.xml", withDestinationPath: "/etc/passwd")
            _ = try await results.ingest(results.finished(run))
            #expect(try await results.page("/runs/\(run.id)/artifacts/artifacts/junit.xml").status == .notFound)
            #expect(try await results.count("results.failures") == 0)
        }
    }

    @Test("every statement can be prepared")
    func statements() async throws {
        try await ResultsHarness.run { results in
            for (number, statement) in ResultsHarness.room(results.bus, results.artifacts, .init()).statements
                .enumerated()
            {
                try await results.database.script("prepare s\(number) as \(statement.sql)")
            }
        }
    }
}
