package import Postgres
import Signatures
package import SlipwayModel

extension TestResult {
    /// The first eight bytes of the SHA-256 of suite, NUL, name: `results.tests.test_id`.
    package var id: Int64 {
        SHA256.hash(Array(suite.utf8) + [0] + Array(name.utf8)).prefix(8)
            .reduce(0) { $0 << 8 | Int64($1) }
    }
}

/// The tests of one attempt as they are stored: arrays of one length, and the failures apart.
package struct StoredReport: Sendable {
    package let runID: RunID
    package let buildID: BuildID
    package let counts: TestSummary
    let ids: [Int64]
    let suites: [String]
    let names: [String]
    let outcomes: [Int16]
    let durations: [Double]
    let failures: [TestResult]

    /// Failures of one run that are kept with their message and output; the counts tell of all.
    package static let maximumFailures = 2000

    package init(_ report: TestReport, run: RunID, build: BuildID) {
        runID = run
        buildID = build
        // By id: transactions that add names wait for each other in one order, never in a circle.
        let tests = report.tests.map { ($0.id, $0) }.sorted { $0.0 < $1.0 }
        ids = tests.map(\.0)
        suites = tests.map(\.1.suite)
        names = tests.map(\.1.name)
        outcomes = tests.map(\.1.outcome.code)
        durations = tests.map(\.1.duration)
        counts = TestSummary(
            passed: report.count(.passed), failed: report.count(.failed), flaky: report.count(.flaky),
            skipped: report.count(.skipped), duration: report.duration, files: report.files, problems: report.problems)
        let failed = report.tests.filter { $0.outcome == .failed }
        let flaky = report.tests.filter { $0.outcome == .flaky }
        failures = Array((failed + flaky).prefix(Self.maximumFailures))
    }
}

extension ResultsStore {
    /// Stores the tests of one attempt; false when they are there already, and then changes nothing.
    package static func insert(_ report: StoredReport, in transaction: Transaction) async throws -> Bool {
        let counts = report.counts
        let inserted = try await transaction.execute(
            insertRun, report.buildID, report.runID, counts.passed, counts.failed, counts.flaky, counts.skipped,
            counts.duration, counts.files, counts.problems, report.ids, report.outcomes, report.durations)
        guard inserted.affected == 1 else { return false }
        let failures = report.failures
        try await transaction.pipeline([
            (insertTests, [report.ids, report.suites, report.names]),
            (
                insertFailures,
                [
                    report.buildID, report.runID, failures.map(\.id), failures.map(\.suite), failures.map(\.name),
                    failures.map(\.outcome.rawValue), failures.map(\.message), failures.map(\.output),
                    failures.map(\.duration),
                ]
            ),
        ])
        return true
    }

    /// Nil where no report of the attempt was read.
    package func testSummary(of build: BuildID) async throws -> TestSummary? {
        guard let row = try await database.execute(Self.selectTestSummary, build).first else { return nil }
        let (passed, failed, flaky, skipped, duration, files, problems) = try row.decode(
            (Int, Int, Int, Int, Double, Int, [String]).self)
        return TestSummary(
            passed: passed, failed: failed, flaky: flaky, skipped: skipped, duration: duration, files: files,
            problems: problems)
    }

    /// How many tests failed and flaked in each of some attempts; without those that had no report. The bounds keep the
    /// look-up within the days in question: a list of ids alone would be looked for in every partition.
    package func failureCounts(of builds: [BuildID]) async throws -> [BuildID: (failed: Int, flaky: Int)] {
        guard !builds.isEmpty else { return [:] }
        var counts: [BuildID: (failed: Int, flaky: Int)] = [:]
        let numbers = builds.map(\.number)
        for row in try await database.execute(Self.countFailures, numbers, numbers.min(), numbers.max()) {
            let (build, failed, flaky) = try row.decode((BuildID, Int, Int).self)
            counts[build] = (failed, flaky)
        }
        return counts
    }

    /// Failed tests, then flaky ones, in the order of the reports.
    package func failures(of build: BuildID, limit: Int) async throws -> [TestResult] {
        try await database.execute(Self.listFailures, build, limit).map { row throws(PostgresError) in
            let (suite, name, kind, message, output, duration) = try row.decode(
                (String, String, TestOutcome, String, String, Double).self)
            return TestResult(
                suite: suite, name: name, outcome: kind, duration: duration, message: message, output: output)
        }
    }

    /// Tests that passed or were skipped, slowest first.
    package func quietTests(of build: BuildID, limit: Int) async throws -> [TestResult] {
        try await database.execute(Self.listQuietTests, build, limit).map { row throws(PostgresError) in
            let (suite, name, code, duration) = try row.decode((String, String, Int16, Double).self)
            return TestResult(
                suite: suite, name: name, outcome: TestOutcome(code: code) ?? .passed, duration: duration)
        }
    }

    /// Makes the day partitions of the next days; answers how many were missing.
    package func makePartitions() async throws -> Int {
        try await database.execute(Self.makePartitionsStatement).one().decode(Int.self)
    }

    static let testStatements = [
        insertRun, insertTests, insertFailures, selectTestSummary, countFailures, listFailures, listQuietTests,
        makePartitionsStatement,
    ]

    private static let insertRun = Statement(
        "results.insert_run",
        """
        insert into results.runs
            (build_id, run_id, passed, failed, flaky, skipped, duration_s, files, problems, test_ids, outcomes, durations)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (build_id) do nothing
        """)

    private static let insertTests = Statement(
        "results.insert_tests",
        """
        insert into results.tests (test_id, suite, name)
        select * from unnest($1::bigint[], $2::text[], $3::text[])
        on conflict (test_id) do nothing
        """)

    private static let insertFailures = Statement(
        "results.insert_failures",
        """
        insert into results.failures
            (build_id, run_id, position, test_id, suite, name, kind, message, output, duration_s)
        select $1, $2, position, test_id, suite, name, kind, message, output, duration_s
          from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::float8[])
               with ordinality as given (test_id, suite, name, kind, message, output, duration_s, position)
        on conflict do nothing
        """)

    private static let selectTestSummary = Statement(
        "results.select_test_summary",
        "select passed, failed, flaky, skipped, duration_s, files, problems from results.runs where build_id = $1")

    private static let countFailures = Statement(
        "results.count_failures",
        """
        select build_id, failed, flaky from results.runs
         where build_id = any ($1::bigint[]) and build_id >= $2 and build_id <= $3
        """)

    private static let listFailures = Statement(
        "results.list_failures",
        """
        select suite, name, kind, message, output, duration_s
          from results.failures where build_id = $1 order by position limit $2
        """)

    private static let listQuietTests = Statement(
        "results.list_quiet_tests",
        """
        select test.suite, test.name, given.outcome, given.duration::float8
          from results.runs as run,
               unnest(run.test_ids, run.outcomes, run.durations) as given (test_id, outcome, duration)
          join results.tests as test using (test_id)
         where run.build_id = $1 and given.outcome in (0, 3)
         order by given.duration desc, test.suite, test.name limit $2
        """)

    private static let makePartitionsStatement = Statement(
        "results.make_partitions", "select results.make_partitions((now() at time zone 'UTC')::date, 4)")
}
