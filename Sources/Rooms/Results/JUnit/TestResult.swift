import Postgres

/// How a test ended within one run, over all of its tries.
package enum TestOutcome: String, Sendable, Codable, CaseIterable, PostgresEncodable, PostgresDecodable {
    case passed, failed, flaky, skipped

    /// What the arrays of `results.runs` hold.
    package var code: Int16 {
        switch self {
        case .passed: 0
        case .failed: 1
        case .flaky: 2
        case .skipped: 3
        }
    }

    package init?(code: Int16) {
        guard let outcome = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = outcome
    }

    /// What two tries of one test amount to: a failure beside a pass is a flake, in either order.
    package func merged(with other: TestOutcome) -> TestOutcome {
        switch (self, other) {
        case (.flaky, _), (_, .flaky), (.passed, .failed), (.failed, .passed): .flaky
        case (.failed, _), (_, .failed): .failed
        case (.passed, _), (_, .passed): .passed
        case (.skipped, .skipped): .skipped
        }
    }
}

/// One test of one run.
package struct TestResult: Hashable, Sendable {
    /// The path of its suites and its class, joined by `/`; may be empty.
    package var suite: String
    package var name: String
    package var outcome: TestOutcome
    /// Seconds, over all tries.
    package var duration: Double
    /// Of the first failing try, one line or a few; empty where it has none.
    package var message: String
    /// What the first failing try printed: stack trace, then standard output; bounded.
    package var output: String

    package init(
        suite: String, name: String, outcome: TestOutcome, duration: Double = 0, message: String = "",
        output: String = ""
    ) {
        self.suite = suite
        self.name = name
        self.outcome = outcome
        self.duration = duration
        self.message = message
        self.output = output
    }
}

/// The tests of one run, gathered from its files.
package struct TestReport: Sendable {
    /// In the order of their first mention.
    package private(set) var tests: [TestResult] = []
    /// Sentences on files that could not be read whole.
    package var problems: [String] = []
    package var files = 0
    private var positions: [Key: Int] = [:]
    private var outputBytes = 0

    private struct Key: Hashable {
        let suite: String
        let name: String
    }

    /// Bytes of failures' output that one run may keep; what comes later keeps its message only.
    package static let maximumOutput = 8 << 20
    /// Tests of one run that are kept; a sentence says so when there were more.
    package static let maximumTests = 200_000

    package init() {}

    /// Takes one try of a test. False once there are too many.
    @discardableResult
    package mutating func add(_ test: TestResult) -> Bool {
        let key = Key(suite: test.suite, name: test.name)
        guard let position = positions[key] else {
            guard tests.count < Self.maximumTests else { return false }
            positions[key] = tests.count
            tests.append(keep(test))
            return true
        }
        let isFirstFailure = tests[position].outcome != .failed && tests[position].outcome != .flaky
        tests[position].outcome = tests[position].outcome.merged(with: test.outcome)
        tests[position].duration += test.duration
        if isFirstFailure, test.outcome == .failed || test.outcome == .flaky {
            let kept = keep(test)
            tests[position].message = kept.message
            tests[position].output = kept.output
        }
        return true
    }

    private mutating func keep(_ test: TestResult) -> TestResult {
        var test = test
        if outputBytes + test.output.utf8.count > Self.maximumOutput {
            test.output = ""
        }
        outputBytes += test.output.utf8.count
        return test
    }

    package func count(_ outcome: TestOutcome) -> Int { tests.count { $0.outcome == outcome } }

    /// Seconds of all tests together.
    package var duration: Double { tests.reduce(0) { $0 + $1.duration } }
}
