import Fleet
import Forge
import Foundation
import Git
import HTTPTypes
import Merging
import Postgres
import RoomKit
import SlipwayModel
import SlipwayTesting
import Testing
import Web

/// `/tide.js` and `/tide-history.js`, field by field as Prow's deck gives them (cmd/deck, pkg/tide, pkg/tide/history), for
/// the scripts and dashboards that read them.
@Suite struct TideFacesTests {
    private static let members = ["Title", "Number", "HeadRefOID", "Mergeable"]
    private static let fields = [
        "Org", "Repo", "Branch", "SuccessPRs", "PendingPRs", "MissingPRs", "BatchPending", "Action", "Target",
        "Blockers", "Error", "TenantIDs",
    ]

    @Test func nothingInNoPool() async throws {
        try await MergingHarness.run(tide: "tide: {}") { harness in
            let document = try await harness.json("/tide.js")
            #expect(document == .object(["Queries": .array([]), "TideQueries": .array([]), "Pools": .array([])]))
            #expect(try await harness.json("/tide-history.js") == .object(["History": .object([:])]))
        }
    }

    @Test func theQueriesAreThoseOfTheConfiguration() async throws {
        let tide = """
            tide:
              queries:
              - {orgs: [harbor], excludedRepos: [harbor/attic], labels: [lgtm, 'a,b'], missingLabels: [hold],
                 includedBranches: [main], author: maria, milestone: v1, reviewApprovedRequired: true}
              - {repos: [sea/shore], excludedBranches: [old]}
            """
        try await MergingHarness.run(tide: tide) { harness in
            let document = try await harness.json("/tide.js")
            #expect(
                document["Queries"]?.arrayValue?.compactMap(\.stringValue) == [
                    "is:pr state:open archived:false author:\"maria\" base:\"main\" label:\"lgtm\" label:\"a\",\"b\" "
                        + "-label:\"hold\" milestone:\"v1\" review:approved org:\"harbor\" -repo:\"harbor/attic\"",
                    "is:pr state:open archived:false -base:\"old\" repo:\"sea/shore\"",
                ])
            #expect(
                document["TideQueries"]?.arrayValue == [
                    .object([
                        "orgs": .array([.string("harbor")]), "excludedRepos": .array([.string("harbor/attic")]),
                        "labels": .array([.string("lgtm"), .string("a,b")]), "missingLabels": .array([.string("hold")]),
                        "includedBranches": .array([.string("main")]), "author": .string("maria"),
                        "milestone": .string("v1"), "reviewApprovedRequired": .bool(true),
                    ]),
                    .object([
                        "repos": .array([.string("sea/shore")]), "excludedBranches": .array([.string("old")]),
                    ]),
                ])
        }
    }

    /// In pairs: the tests of one pass together with the other's, so there is a batch.
    @Test func aPoolIsToldFromItsFirstTestToItsLast() async throws {
        let job = "{name: pull-crane-unit, context: ci/unit, always_run: true, \(MergingHarness.spec)}"
        try await MergingHarness.run(jobs: [job], capacity: 1) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "they are under test") { try await harness.isUnderTest() }
            let document = try await harness.json("/tide.js")
            let pool = try #require(document["Pools"]?.arrayValue?.first)
            #expect(Set(pool.objectValue?.keys.map { $0 } ?? []) == Set(Self.fields))
            for (field, value) in [
                ("Org", "harbor"), ("Repo", "crane"), ("Branch", "main"), ("Error", ""),
            ] { #expect(pool[field]?.stringValue == value) }
            #expect(pool["TenantIDs"] == .array([]))
            // Go writes an empty list as null.
            for field in ["SuccessPRs", "Blockers"] { #expect(pool[field] == .null) }
            let tested = try #require(pool["PendingPRs"]?.arrayValue)
            #expect(pool["Target"] == .array(tested))
            #expect(pool["Action"]?.stringValue == (tested.count > 1 ? "TRIGGER_BATCH" : "TRIGGER"))
            #expect(pool["BatchPending"] == (tested.count > 1 ? .array(tested) : .null))
            let missing = pool["MissingPRs"]?.arrayValue ?? []
            let told = (tested + missing).compactMap { $0["Number"]?.intValue }
            #expect(Set(told.map(Int.init)) == Set(numbers))
            let first = try #require(tested.first)
            #expect(Set(first.objectValue?.keys.map { $0 } ?? []) == Set(Self.members))
            let pull = try await harness.pull(Int(first["Number"]?.intValue ?? 0))
            #expect(first["Title"]?.stringValue == pull.title)
            #expect(first["HeadRefOID"]?.stringValue == pull.head.sha)
            #expect(first["Mergeable"]?.stringValue == "MERGEABLE")
            // The status names the context, as Tide's does, and not the job.
            #expect(try await harness.status(pull.number)?.description == "Not mergeable. Retesting: ci/unit")

            try await harness.steps(until: "both land") { try await harness.areMerged(numbers) }
            try await harness.steps(until: "nobody is left") { try await harness.members().isEmpty }
            #expect(try await harness.json("/tide.js")["Pools"] == .array([]))
        }
    }

    @Test func aBlockedPoolNamesItsIssues() async throws {
        let tide = MergingHarness.tide.replacing("tide: {", with: "tide: {blocker_label: blocker, ")
        try await MergingHarness.run(tide: tide) { harness in
            let issue = try await harness.forge.maria.createIssue(
                MergingHarness.repository, title: "main is red", labels: ["blocker"])
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it says so") {
                try await harness.status(numbers[0])?.state == "error"
            }
            // Nobody is in it, so Tide would know no pool; whoever was in when the issue came stays in.
            #expect(try await harness.json("/tide.js")["Pools"] == .array([]))
            try await harness.forge.close(issue: issue.number)
            try await harness.dirty()
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            _ = try await harness.bus.database.query(
                """
                update merging.pools set facts = jsonb_set(facts, '{blockers}',
                       '[{"number": 7, "title": "main is red", "link": "https://forge/7"}]')
                """)
            let pool = try #require(try await harness.json("/tide.js")["Pools"]?.arrayValue?.first)
            #expect(pool["Action"]?.stringValue == "BLOCKED")
            #expect(
                pool["Blockers"]
                    == .array([
                        .object([
                            "Number": .integer(7), "Title": .string("main is red"), "URL": .string("https://forge/7"),
                        ])
                    ]))
        }
    }

    @Test func theHistoryIsTheNewestFirst() async throws {
        try await MergingHarness.run(settings: { $0.mergePushes = false }) { harness in
            let base = try await harness.forge.bare.commits(["refs/heads/main"], limit: 1)[0].sha
            let landed = try await harness.forge.open([("one", ["one": "1\n"])])[0]
            try await harness.steps(until: "it lands") { try await harness.isMerged(landed) }
            try await harness.steps(until: "that is written down") { try await harness.landings().count == 1 }
            try await harness.forge.protect("main", #"{"required_status_checks": {"contexts": ["security"]}}"#)
            let refused = try await harness.forge.open([("two", ["two": "2\n"])])[0]
            try await harness.steps(until: "it is out") { try await harness.ejected()[refused] != nil }

            let history = try #require(try await harness.json("/tide-history.js")["History"]?.objectValue)
            #expect(Array(history.keys) == ["harbor/crane:main"])
            let records = try #require(history["harbor/crane:main"]?.arrayValue)
            #expect(records.compactMap { $0["action"]?.stringValue } == ["MERGE", "TRIGGER", "MERGE", "TRIGGER"])
            let first = try #require(records.last)
            #expect(
                Set(first.objectValue?.keys.map { $0 } ?? []) == ["time", "action", "baseSHA", "target", "tenantids"])
            #expect(first["baseSHA"]?.stringValue == base)
            #expect(first["tenantids"] == .array([]))
            let head = try await harness.pull(landed).head.sha
            #expect(
                first["target"]
                    == .array([
                        .object([
                            "number": .integer(Int64(landed)), "author": .string("maria"), "sha": .string(head),
                            "title": .string("Change one"),
                        ])
                    ]))
            let times = try records.map { try Date(#require($0["time"]?.stringValue), strategy: .iso8601) }
            #expect(times == times.sorted(by: >))
            // A merge that the forge refused is one to Tide, with what went wrong.
            #expect(
                records[0]["err"]?.stringValue
                    == "failed merging [\(refused)]: Required status check \"security\" is expected.")
            #expect(records[0]["target"]?.arrayValue?.first?["number"]?.intValue == Int64(refused))
        }
    }

    @Test(
        arguments: [
            ("/tide.js?var=tideData", .ok, "var tideData = {"), ("/tide-history.js?var=h", .ok, "var h = {"),
            ("/tide.js?var=", .ok, "{"), ("/tide.js?var=a.b", .ok, "var a.b = {"),
            ("/tide.js?var=1a", .badRequest, "the name of a JavaScript variable"),
            ("/tide", .found, "/merging"), ("/tide-history", .found, "/merging"),
            ("/tide?repo=harbor%2Fcrane", .found, "/merging?repo=harbor%2Fcrane"),
            ("/tide-history?repo=harbor%2Fcrane&branch=main", .found, "/merging?repo=harbor%2Fcrane"),
            ("/tide?repo=harbor", .found, "/merging"),
        ] as [(String, HTTPResponse.Status, String)])
    func whatIsBookmarkedStillAnswers(path: String, status: HTTPResponse.Status, text: String) async throws {
        try await MergingHarness.run { harness in
            let answer = try await harness.answer(path)
            #expect(answer.status == status)
            if status == .found {
                #expect(answer.headers[.location] == text)
            } else {
                #expect(answer.body.contains(text))
            }
            if path.contains("var="), status == .ok, text != "{" { #expect(answer.body.hasSuffix("};")) }
        }
    }
}

extension MergingHarness {
    fileprivate func json(_ path: String) async throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(try await page(path).utf8))
    }
}
