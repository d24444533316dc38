package import FoundationEssentials
import Postgres
import SlipwayModel

/// What ended in one stretch of ten minutes.
package struct PaceRow: Sendable, Hashable {
    package var beginsAt: Date
    package var passed: Int
    /// Failures and errors.
    package var failed: Int
    package var aborted: Int
    /// Claimed runs by how long they had waited, in the classes of `WaitClasses`.
    package var waits: [Int]

    package static let seconds = 600.0

    package init(beginsAt: Date, passed: Int = 0, failed: Int = 0, aborted: Int = 0, waits: [Int]? = nil) {
        self.beginsAt = beginsAt
        self.passed = passed
        self.failed = failed
        self.aborted = aborted
        self.waits = waits ?? WaitClasses.none
    }

    package var judged: Int { passed + failed }
    package var finished: Int { judged + aborted }

    /// Counts a run that ended within this stretch.
    mutating func count(_ run: RunFinished) {
        switch run.state {
        case .success: passed += 1
        case .failure, .error: failed += 1
        default: aborted += 1
        }
        guard let started = run.startedAt else { return }
        waits[WaitClasses.position(of: started.timeIntervalSince(run.requestedAt))] += 1
    }

    static func + (left: PaceRow, right: PaceRow) -> PaceRow {
        PaceRow(
            beginsAt: min(left.beginsAt, right.beginsAt), passed: left.passed + right.passed,
            failed: left.failed + right.failed, aborted: left.aborted + right.aborted,
            waits: zip(left.waits, right.waits).map { $0 + $1 })
    }

    /// The stretches in which runs ended, earliest first.
    static func rows(of runs: [RunFinished]) -> [PaceRow] {
        var rows: [Date: PaceRow] = [:]
        for run in runs {
            let stretch = (run.finishedAt.timeIntervalSince1970 / seconds).rounded(.down) * seconds
            let begin = Date(timeIntervalSince1970: stretch)
            rows[begin, default: PaceRow(beginsAt: begin)].count(run)
        }
        return rows.values.sorted { $0.beginsAt < $1.beginsAt }
    }
}

/// How long runs wait, in classes that are added up and still give a median. Pure.
package enum WaitClasses {
    /// The upper bound of each class but the last, in seconds.
    static let bounds: [Double] = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1200, 3600, 7200]

    package static var none: [Int] { [Int](repeating: 0, count: bounds.count + 1) }

    package static func position(of seconds: Double) -> Int {
        bounds.firstIndex { seconds <= $0 } ?? bounds.count
    }

    /// Seconds, interpolated within the class that holds the median; nil where nothing was counted.
    package static func median(_ counts: [Int]) -> Double? {
        let total = counts.reduce(0, +)
        guard total > 0 else { return nil }
        let half = Double(total) / 2
        var below = 0.0
        for (position, count) in counts.enumerated() where count > 0 {
            guard below + Double(count) >= half else {
                below += Double(count)
                continue
            }
            let low = position == 0 ? 0 : bounds[min(position, bounds.count) - 1]
            guard position < bounds.count else { return low }
            return low + (bounds[position] - low) * (half - below) / Double(count)
        }
        return bounds.last
    }
}

extension ResultsStore {
    /// Adds what ended to its stretches. Each message is handled once, so each run counts once.
    static func add(_ rows: [PaceRow], in transaction: Transaction) async throws {
        for row in rows {
            try await transaction.execute(
                addToPace, row.beginsAt, row.passed, row.failed, row.aborted, row.waits)
        }
    }

    /// The stretches since an instant in which anything ended, earliest first.
    package func pace(since: Date) async throws -> [PaceRow] {
        try await database.execute(Self.listPace, since).map { row throws(PostgresError) in
            let (begin, passed, failed, aborted, waits) = try row.decode((Date, Int, Int, Int, [Int]).self)
            return PaceRow(beginsAt: begin, passed: passed, failed: failed, aborted: aborted, waits: waits)
        }
    }

    static let trendStatements = [addToPace, listPace]

    private static let addToPace = Statement(
        "results.add_to_pace",
        """
        insert into results.pace as known (begins_at, passed, failed, aborted, waits) values ($1, $2, $3, $4, $5)
        on conflict (begins_at) do update
           set passed = known.passed + excluded.passed, failed = known.failed + excluded.failed,
               aborted = known.aborted + excluded.aborted,
               waits = (select array_agg(one + other order by position)
                          from unnest(known.waits, excluded.waits) with ordinality as pair (one, other, position))
        """)

    private static let listPace = Statement(
        "results.list_pace",
        "select begins_at, passed, failed, aborted, waits from results.pace where begins_at >= $1 order by begins_at")
}
