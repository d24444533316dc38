import FoundationEssentials
import SlipwayModel
import Web

/// The part of a run's page that lists its tests, failures first.
struct TestsPart {
    let store: ResultsStore
    let build: BuildID
    let state: RunState

    static let failures = 100
    static let quiet = 500

    /// - Parameter showsAll: also those that passed or were skipped.
    func values(showsAll: Bool) async throws -> [String: PageValue] {
        guard let summary = try await store.testSummary(of: build) else {
            return [
                "hasTests": false, "empty": .text(state.isFinished ? ResultsText.noTests : ResultsText.noTestsYet),
            ]
        }
        let failures =
            summary.failed + summary.flaky == 0 ? [] : try await store.failures(of: build, limit: Self.failures)
        let quiet = showsAll ? try await store.quietTests(of: build, limit: Self.quiet) : []
        return [
            "hasTests": true,
            "counts": .list(
                [
                    (TestOutcome.failed, summary.failed), (.flaky, summary.flaky), (.passed, summary.passed),
                    (.skipped, summary.skipped),
                ].filter { $0.1 > 0 }.map { outcome, count in
                    .object([
                        "class": .text(Self.state(outcome)),
                        "text": .text("\(count) \(ResultsText.label(outcome).lowercased())"),
                    ])
                }),
            "duration": .text(HumanTime.duration(summary.duration)),
            "files": .text(summary.files == 1 ? "1 file" : "\(summary.files) files"),
            "problems": .list(summary.problems.prefix(20).map { .text($0) }),
            "failures": .objects(
                failures.enumerated().map { Self.failure($1, isOpen: $0 < 3 && $1.outcome == .failed) }),
            "moreFailures": summary.failed + summary.flaky > failures.count
                ? .text("\(summary.failed + summary.flaky - failures.count) more are in the JUnit files.") : .nothing,
            "blameless": state == .failure && summary.failed == 0
                ? .text(ResultsText.failedWithoutTest) : .nothing,
            "showsAll": .flag(showsAll),
            "hasQuiet": .flag(summary.passed + summary.skipped > 0),
            "quietCount": .number(summary.passed + summary.skipped),
            "quiet": .objects(quiet.map(Self.quietTest)),
            "moreQuiet": showsAll && summary.passed + summary.skipped > quiet.count
                ? .text("\(summary.passed + summary.skipped - quiet.count) faster ones are not shown.") : .nothing,
        ]
    }

    private static func failure(_ test: TestResult, isOpen: Bool) -> [String: PageValue] {
        [
            "class": .text(state(test.outcome)),
            "label": .text(ResultsText.label(test.outcome)),
            "name": .text(test.name.isEmpty ? "(unnamed)" : test.name),
            "suite": .text(test.suite),
            "duration": .text(HumanTime.duration(test.duration)),
            "message": .text(test.message),
            "output": .text(test.output),
            "isOpen": .flag(isOpen),
            "hasText": .flag(!test.message.isEmpty || !test.output.isEmpty),
        ]
    }

    private static func quietTest(_ test: TestResult) -> [String: PageValue] {
        [
            "class": .text(state(test.outcome)), "label": .text(ResultsText.label(test.outcome)),
            "name": .text(test.name), "suite": .text(test.suite), "duration": .text(HumanTime.duration(test.duration)),
        ]
    }

    /// The class that gives an outcome its colour and mark.
    private static func state(_ outcome: TestOutcome) -> String {
        switch outcome {
        case .passed: RunState.success.rawValue
        case .failed: RunState.failure.rawValue
        case .flaky: "flaky"
        case .skipped: "skipped"
        }
    }
}
