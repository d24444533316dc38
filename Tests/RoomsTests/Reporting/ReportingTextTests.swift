import Foundation
import JobConfig
import Reporting
import SlipwayModel
import Testing

@Suite("What reporting says at the forge")
struct ReportingTextTests {
    static let base = String(repeating: "b", count: 40)

    static func run(
        _ job: String, _ state: RunState, required: Bool = true, skipReport: Bool = false,
        description: String? = nil, base: String? = ReportingTextTests.base, kind: JobKind = .presubmit,
        pulls: Int = 1, seconds: Double = 0
    ) -> ReportedRun {
        ReportedRun(
            runID: RunID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, UInt8(job.utf8.count)))),
            kind: kind, job: job, context: "ci/\(job)", isRequired: required, skipReport: skipReport,
            rerunCommand: "/test \(job)", state: state, description: description,
            repository: RepositoryName(org: "harbor", repo: "crane"), baseSHA: base,
            pulls: (0..<pulls).map { Pull(number: $0 + 1, author: "noor", sha: String(repeating: "a", count: 40)) },
            requestedAt: Date(timeIntervalSince1970: 1_750_000_000 + seconds),
            finishedAt: state.isFinished ? Date(timeIntervalSince1970: 1_750_000_100) : nil,
            cluster: "default", buildID: BuildID(7), refs: nil)
    }

    @Test(
        "a status's state and words are Prow's",
        arguments: [
            (.waiting, nil, "pending", "Job triggered."),
            (.dispatched, nil, "pending", "Job triggered."),
            (.running, nil, "pending", "Job triggered."),
            (.success, "All 12 tests passed.", "success", "Job succeeded."),
            (.failure, "The job failed with exit code 1.", "failure", "Job failed."),
            (.aborted, "Aborted: a newer push.", "failure", "Job aborted."),
            (.error, "Cloning failed: no such ref.", "error", "Cloning failed: no such ref."),
            (.error, "", "error", "Job could not be run."),
            (.error, nil, "error", "Job could not be run."),
        ] as [(RunState, String?, String, String)])
    func statuses(state: RunState, description: String?, expected: String, text: String) {
        let run = Self.run("unit", state, description: description)
        #expect(ReportingText.statusState(state) == expected)
        let words = ReportingText.description(of: run)
        #expect(words.count == 140)
        #expect(words.hasPrefix(text + "  "))
        #expect(words.hasSuffix(" BaseSHA:\(Self.base)"))
    }

    @Test("a description keeps its base commit however long its text, and needs none")
    func lengths() {
        let long = ReportingText.description(
            of: Self.run("unit", .error, description: String(repeating: "ä", count: 500)))
        #expect(long.count == 140 && long.hasSuffix("... BaseSHA:\(Self.base)"))
        let without = ReportingText.description(
            of: Self.run("unit", .error, description: String(repeating: "x", count: 500), base: nil))
        #expect(without.count == 140 && without.hasSuffix("x..."))
        #expect(ReportingText.description(of: Self.run("unit", .success, base: nil)) == "Job succeeded.")
    }

    @Test(
        "where a run's status goes",
        arguments: [
            (.presubmit, 1, false, "a"), (.postsubmit, 0, false, "b"), (.periodic, 0, false, nil),
            (.batch, 2, false, nil), (.presubmit, 2, false, nil), (.presubmit, 1, true, nil),
            (.postsubmit, 0, true, nil),
        ] as [(JobKind, Int, Bool, String?)])
    func places(kind: JobKind, pulls: Int, skipReport: Bool, digit: String?) {
        let run = Self.run("unit", .success, skipReport: skipReport, kind: kind, pulls: pulls)
        #expect(run.statusSHA == digit.map { String(repeating: $0, count: 40) })
    }

    @Test("a later request beats an earlier one, and a later state an earlier one of the same run")
    func versions() {
        let order = [
            Self.run("unit", .waiting), Self.run("unit", .dispatched), Self.run("unit", .running),
            Self.run("unit", .failure), Self.run("unit", .waiting, seconds: 0.000_001),
        ].map(\.version)
        #expect(order == order.sorted() && Set(order).count == order.count)
    }

    @Test("the table lists what failed, required jobs first, and nothing else")
    func table() throws {
        let text = try #require(
            ReportingText.failureTable(
                [
                    Self.run("b-optional", .failure, required: false), Self.run("green", .success),
                    Self.run("going", .running), Self.run("c|unit", .failure), Self.run("a-unit", .error),
                    Self.run("quiet", .failure, skipReport: true), Self.run("gone", .aborted),
                ], author: "noor"
            ) { "http://ci/runs/\($0)" })
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "@noor: 3 tests failed. Comment `/retest` to run them again.")
        #expect(lines.last == "<!-- test report -->")
        let rows = lines.filter { $0.hasPrefix("ci/") }
        #expect(rows.map { String($0.prefix { $0 != " " }) } == ["ci/a-unit", "ci/c\\|unit", "ci/b-optional"])
        let sha = String(repeating: "a", count: 40)
        #expect(rows[0].hasPrefix("ci/a-unit | \(sha) | [link](http://ci/runs/"))
        #expect(rows[0].hasSuffix(" | true | `/test a-unit`") && rows[2].contains(" | false | "))
    }

    @Test("a template's words stand below the table, of the first run in it")
    func template() throws {
        let template = try ReportTemplate(
            "[{{.Spec.Job}}](http://ci/{{.Spec.Refs.Org}}/{{with index .Spec.Refs.Pulls 0}}{{.Number}}{{end}})")
        let text = try #require(
            ReportingText.failureTable(
                [Self.run("unit", .failure), Self.run("build", .failure)], author: "noor", template: template
            ) { "http://ci/runs/\($0)" })
        #expect(text.hasSuffix("\n\n<details>\n\n[build](http://ci/harbor/1)\n</details>\n\n<!-- test report -->"))
    }

    @Test("no failure, no table", arguments: [[], [RunState.success], [.running, .aborted]] as [[RunState]])
    func noTable(states: [RunState]) {
        let runs = states.map { Self.run("unit", $0) }
        #expect(ReportingText.failureTable(runs, author: "noor") { "\($0)" } == nil)
    }
}
