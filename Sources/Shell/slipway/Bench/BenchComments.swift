import ArgumentParser
import Forge
import FoundationEssentials
import Postgres
import RoomKit
import SlipwayModel
import Subprocess

struct BenchComments: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "comments", abstract: "Measure how long a comment takes to become a label.",
        discussion: """
            Comments on a pull request of a local forge, one at a time: from the comment to the label that the forge shows. \
            Then comments at a rate over several pull requests: the age of what waits, and the memory it takes.
            """)

    @Option(help: "Comments to measure one at a time.") var comments = 30
    @Option(help: "Comments a minute.") var rate = 1000
    @Option(help: "Seconds at that rate; 0 leaves it out.") var seconds = 60
    @Option(help: "End with 1 where the median is above so many milliseconds.") var limitMs: Double?
    @OptionGroup var output: OutputOptions

    struct Report: Encodable, Sendable {
        var comments: Int
        var medianMS: Double
        var p99MS: Double
        var rate: Int
        var seconds: Int
        /// Comments a minute that were said, the forge having taken each before the next.
        var reached: Int
        /// Seconds that the oldest message has waited, the most seen in each half.
        var queueAgeFirstHalf: Double
        var queueAgeSecondHalf: Double
        var residentFirstMB: Int
        var residentLastMB: Int

        enum CodingKeys: String, CodingKey {
            case comments, rate, seconds, reached
            case medianMS = "median_ms"
            case p99MS = "p99_ms"
            case queueAgeFirstHalf = "queue_age_first_half_s"
            case queueAgeSecondHalf = "queue_age_second_half_s"
            case residentFirstMB = "pss_first_mb"
            case residentLastMB = "pss_last_mb"
        }
    }

    func run() async throws {
        let (comments, rate, seconds) = (max(1, comments), max(1, rate), max(0, seconds))
        let report = try await MeasuredFleet.run { fleet in
            let talk = try await Talk(fleet)
            try await talk.label(true)  // what is done once: connections, plans, caches
            var ways: [Double] = []
            for number in 1...comments {
                Terminal.progress("comment \(number)/\(comments)")
                ways.append(try await talk.label(!number.isMultiple(of: 2) ? false : true))
            }
            let load = try await fleet.withDatabase { database in
                try await talk.load(rate: rate, seconds: seconds, database)
            }
            Terminal.progress("")
            let distribution = Distribution(ways)
            return Report(
                comments: comments, medianMS: (distribution.median * 10_000).rounded() / 10,
                p99MS: (distribution.percentile(0.99) * 10_000).rounded() / 10, rate: rate, seconds: seconds,
                reached: load.reached, queueAgeFirstHalf: load.ages.first, queueAgeSecondHalf: load.ages.second,
                residentFirstMB: Int(load.memory.first >> 20), residentLastMB: Int(load.memory.last >> 20))
        }
        if output.format == .json { try output.printJSON(report) } else { Self.print(report) }
        if let limitMs, report.medianMS > limitMs { throw ExitCode(1) }
    }

    private static func print(_ report: Report) {
        Swift.print("comment → label: median \(report.medianMS) ms, p99 \(report.p99MS) ms")
        guard report.seconds > 0 else { return }
        Swift.print(
            """
            \(report.rate) comments a minute for \(report.seconds) s, \(report.reached) reached: the oldest message waited at most \
            \(report.queueAgeFirstHalf) s in the first half, \(report.queueAgeSecondHalf) s in the second; \
            \(report.residentFirstMB) MB before, \(report.residentLastMB) MB after
            """)
    }
}

/// A repository with some pull requests, and people who talk there.
private struct Talk: Sendable {
    private static let name = RepositoryName(org: "bench", repo: "talk")
    private static let label = "do-not-merge/hold"
    private static let pulls = 8

    private let fleet: MeasuredFleet
    private let author: ForgeClient
    private let numbers: [Int]

    init(_ fleet: MeasuredFleet) async throws {
        self.fleet = fleet
        let admin = try fleet.forge(as: nil)
        try await admin.createUser("author")
        try await admin.setMembership(org: "bench", user: "author", role: "member")
        let sources = fleet.folder + "/sources"
        let script = """
            set -e
            git init -q -b main "$0" && cd "$0"
            git config user.name author && git config user.email author@bench.example
            echo one > file && git add file && git commit -qm One
            for number in $(seq \(Self.pulls)); do
                git switch -qc "change-$number" main && echo "$number" > file && git commit -qam "Change $number"
            done
            git switch -q main
            """
        let made = try await Subprocess.run(
            .name("sh"), arguments: ["-c", script, sources], output: .discarded, error: .string(limit: 4096))
        guard made.terminationStatus.isSuccess else { throw MeasuredFleetError(made.standardError) }
        try await fleet.slipway(["forge", "repo", "create", Self.name.description, "--from", sources])
        author = try fleet.forge(as: "author")
        var numbers: [Int] = []
        for number in 1...Self.pulls {
            numbers.append(
                try await author.openPull(
                    Self.name, title: "Change \(number)", head: "change-\(number)", base: "main"
                ).number)
        }
        self.numbers = numbers
    }

    /// Says `/hold`, or takes it back, and waits for the forge to show it.
    ///
    /// - Returns: seconds from the comment on.
    @discardableResult
    func label(_ isHeld: Bool) async throws -> Double {
        let number = numbers[0]
        let clock = ContinuousClock()
        let begun = clock.now
        _ = try await author.createComment(Self.name, number, body: isHeld ? "/hold" : "/hold cancel")
        try await waitUntil("a comment has become a label", within: .seconds(60), lookingEvery: .milliseconds(5)) {
            let labels = try await author.labels(Self.name, number)
            return labels.contains { $0.name == Self.label } == isHeld ? true : nil
        }
        return (clock.now - begun) / .seconds(1)
    }

    struct Load: Sendable {
        var ages = (first: 0.0, second: 0.0)
        var memory = (first: Int64(0), last: Int64(0))
        var reached = 0
    }

    /// Comments at a rate, in turn on every pull request.
    func load(rate: Int, seconds: Int, _ database: PostgresPool) async throws -> Load {
        var load = Load()
        guard seconds > 0 else { return load }
        let pids = fleet.processes.map(\.pid)
        let clock = ContinuousClock()
        let begun = clock.now
        let total = rate * seconds / 60
        for position in 0..<total {
            let due = begun + .seconds(1) * (Double(position) * 60 / Double(rate))
            try await Task.sleep(until: due, clock: clock)
            let held = (position / numbers.count).isMultiple(of: 2)
            _ = try await author.createComment(
                Self.name, numbers[position % numbers.count], body: held ? "/hold" : "/hold cancel")
            guard position.isMultiple(of: max(1, rate / 60)) else { continue }
            Terminal.progress("\(position)/\(total) comments")
            let age = try await database.query(
                "select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from fleet.outbox"
            ).one().decode(Double.self)
            let rounded = (age * 100).rounded() / 100
            if position < total / 2 {
                load.ages.first = max(load.ages.first, rounded)
            } else {
                load.ages.second = max(load.ages.second, rounded)
            }
            let memory = ProcessUsage(of: pids).proportional
            if load.memory.first == 0 { load.memory.first = memory }
            load.memory.last = memory
        }
        load.reached = Int((Double(total) * 60 / ((clock.now - begun) / .seconds(1))).rounded())
        return load
    }
}
