/// The triggers of a load and what became of them. Pure: it is told what was sent, what the gateway took, and what the
/// database and the forge show.
package struct FaultBooks: Sendable {
    /// What the database shows for a trigger.
    package struct Outcome: Sendable {
        package var trigger: Int
        package var runs: Int
        /// Runs that ended in success: the jobs of the load cannot fail.
        package var succeeded: Int

        package init(trigger: Int, runs: Int, succeeded: Int) {
            self.trigger = trigger
            self.runs = runs
            self.succeeded = succeeded
        }
    }

    /// Triggers sent so far; the next one has this number.
    package private(set) var sent = 0
    package private(set) var accepted = 0
    /// Without the end they should come to; true once the gateway has taken them.
    private var open: [Int: Bool] = [:]

    package init() {}

    /// - Returns: the number of a new trigger.
    package mutating func send() -> Int {
        defer { sent += 1 }
        open[sent] = false
        return sent
    }

    /// The gateway has promised that the trigger will have its effect.
    package mutating func accept(_ trigger: Int) {
        guard open[trigger] == false else { return }
        open[trigger] = true
        accepted += 1
    }

    /// Closes what has come to its end: taken, run once with success, and its final status shown.
    package mutating func settle(_ outcomes: [Outcome], isShown: (Int) -> Bool) {
        for outcome in outcomes
        where open[outcome.trigger] == true && outcome.succeeded > 0 && outcome.succeeded == outcome.runs
            && isShown(outcome.trigger)
        {
            open[outcome.trigger] = nil
        }
    }

    /// Triggers that the gateway has taken and that have not come to their end.
    package var unsettled: [Int] { open.filter(\.value).keys.sorted() }

    /// Whether every trigger before `mark` was sent and has come to its end.
    package func isSettled(before mark: Int) -> Bool { sent >= mark && !open.keys.contains { $0 < mark } }

    /// Nothing more is hoped for the triggers before `mark`.
    ///
    /// - Returns: those that were lost.
    package mutating func giveUp(before mark: Int) -> [Int] {
        let lost = open.keys.filter { $0 < mark }.sorted()
        for trigger in lost { open[trigger] = nil }
        return lost
    }
}

/// What one injection led to.
package struct FaultRecord: Codable, Hashable, Sendable {
    package var fault: Fault
    /// Seconds from the end of the fault until all that was sent before then had come to its end; nil where it never did.
    package var recovered: Double?
    package var lost: Int
    package var doubled: Int
    package var deadLetters: Int
    /// Late results of an agent that had lost its claim, refused.
    package var fenced: Int

    package init(
        fault: Fault, recovered: Double?, lost: Int = 0, doubled: Int = 0, deadLetters: Int = 0, fenced: Int = 0
    ) {
        self.fault = fault
        self.recovered = recovered
        self.lost = lost
        self.doubled = doubled
        self.deadLetters = deadLetters
        self.fenced = fenced
    }
}

/// What a whole measurement found.
package struct FaultReport: Encodable, Sendable {
    package struct Line: Encodable, Hashable, Sendable {
        package var fault: Fault
        package var injected: Int
        package var lost: Int
        package var doubled: Int
        /// Seconds; nil where the fleet once did not recover.
        package var median: Double?
        package var worst: Double?

        enum CodingKeys: String, CodingKey {
            case fault, injected, lost, doubled
            case median = "recovered_median_s"
            case worst = "recovered_worst_s"
        }
    }

    package let seed: UInt64
    package let seconds: Double
    package let triggers: Int
    package let injected: Int
    package let lost: Int
    package let doubled: Int
    package let deadLetters: Int
    package let fenced: Int
    /// In the order of `Fault`.
    package let faults: [Line]

    enum CodingKeys: String, CodingKey {
        case seed, triggers, injected, lost, doubled, fenced, faults
        case seconds = "wall_s"
        case deadLetters = "dead_letters"
    }

    package init(seed: UInt64, seconds: Double, triggers: Int, _ records: [FaultRecord]) {
        self.seed = seed
        self.seconds = (seconds * 10).rounded() / 10
        self.triggers = triggers
        injected = records.count
        lost = records.reduce(0) { $0 + $1.lost }
        doubled = records.reduce(0) { $0 + $1.doubled }
        deadLetters = records.reduce(0) { $0 + $1.deadLetters }
        fenced = records.reduce(0) { $0 + $1.fenced }
        faults = Fault.allCases.compactMap { fault in
            let records = records.filter { $0.fault == fault }
            guard !records.isEmpty else { return nil }
            let times = Distribution(records.compactMap(\.recovered))
            return Line(
                fault: fault, injected: records.count, lost: records.reduce(0) { $0 + $1.lost },
                doubled: records.reduce(0) { $0 + $1.doubled },
                median: records.contains { $0.recovered == nil } ? nil : (times.median * 10).rounded() / 10,
                worst: records.contains { $0.recovered == nil } ? nil : (times.percentile(1) * 10).rounded() / 10)
        }
    }

    /// Nothing was lost, doubled, given up or left over.
    package var isClean: Bool {
        lost == 0 && doubled == 0 && deadLetters == 0 && faults.allSatisfy { $0.worst != nil }
    }

    /// Heading and rows of the table.
    package var table: (heading: [String], rows: [[String]]) {
        (
            ["FAULT", "INJECTED", "LOST", "DOUBLED", "RECOVERED AFTER S (MEDIAN)", "WORST"],
            faults.map {
                [
                    $0.fault.title, "\($0.injected)", "\($0.lost)", "\($0.doubled)",
                    $0.median.map { "\($0)" } ?? "never", $0.worst.map { "\($0)" } ?? "never",
                ]
            }
        )
    }

    /// The closing line.
    package var summary: String {
        let froze = faults.first { $0.fault == .processAgentFrozen }?.injected ?? 0
        let fence = froze == 0 ? "" : "; late results refused by the fence: \(fenced) in \(froze) pauses"
        return """
            \(injected) faults in \(Int(seconds)) s, \(triggers) triggers, seed \(seed): lost \(lost), \
            doubled \(doubled), dead letters \(deadLetters)\(fence)
            """
    }
}
