import ArgumentParser
import JobConfig
import PullRequests
import RoomKit
import SlipwayModel

/// Times what the OWNERS files of a large tree cost a large change.
struct BenchOwners: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "owners", abstract: "Time OWNERS files of a large tree against a large change.",
        discussion: """
            A made-up tree of --owners OWNERS files, up to seven folders deep: each seventh has filters, each tenth \
            keeps out the folders above, each twentieth needs two approvers, half of them name aliases. Reading: all of \
            them, from bytes to a resolved tree. Deciding, warm: who must approve a change of --files files, whom to \
            ask, and the comment that says so; also with the label and reviewers that follow.
            """)

    @Option(help: "OWNERS files in the tree.") var owners = 1500
    @Option(help: "Changed files.") var files = 3000
    @Option(help: "Repetitions.") var rounds = 30
    @Option(help: "Ends with 1 where deciding takes more milliseconds than this.") var limitMs: Double?
    @OptionGroup var output: OutputOptions

    struct Report: Encodable {
        var owners: Int
        var files: Int
        var parts: Int
        /// Medians.
        var readMS: Double
        var needsMS: Double
        var decideMS: Double
        /// The slowest round of deciding.
        var decideMostMS: Double

        enum CodingKeys: String, CodingKey {
            case owners, files, parts
            case readMS = "read_ms"
            case needsMS = "needs_ms"
            case decideMS = "decide_ms"
            case decideMostMS = "decide_max_ms"
        }
    }

    func validate() throws {
        guard (1...20_000).contains(owners), (1...100_000).contains(files), (1...1000).contains(rounds) else {
            throw ValidationError("--owners takes 1 to 20000, --files 1 to 100000, --rounds 1 to 1000")
        }
    }

    func run() async throws {
        let folders = (0..<owners).map(Self.folder)
        let sources = Self.sources(folders)
        let changed = (0..<files).map { "\(folders[$0 * 7919 % owners])/source/file-\($0).\($0 % 3 == 0 ? "md" : "c")" }
        let tree = OwnersTree(sources).restricted(to: Self.people)
        let reading = (0..<max(3, rounds / 10)).map { _ in Self.milliseconds { _ = OwnersTree(sources) } }
        let needing = (0..<rounds).map { _ in Self.milliseconds { _ = ApprovalNeeds(changed, in: tree) } }
        var parts = 0
        let deciding = (0..<rounds).map { round in
            Self.milliseconds { parts = Self.decide(changed, tree, number: round) }
        }
        let report = Report(
            owners: owners, files: files, parts: parts, readMS: Distribution(reading).median,
            needsMS: Distribution(needing).median, decideMS: Distribution(deciding).median,
            decideMostMS: deciding.max() ?? 0)
        switch output.format {
        case .json: try output.printJSON(report)
        case .table:
            print("read \(owners) OWNERS files: \(Self.text(report.readMS))")
            print("who must approve \(files) files: \(Self.text(report.needsMS)), \(parts) parts")
            print(
                "decided, suggested and said: \(Self.text(report.decideMS)), at most \(Self.text(report.decideMostMS))")
        }
        if let limitMs, report.decideMS > limitMs { throw ExitCode(1) }
    }

    /// All that one event of a pull request asks of OWNERS files; how many parts need approval.
    private static func decide(_ changed: [String], _ tree: OwnersTree, number: Int) -> Int {
        let rules = ApprovalRules()
        let record = ApprovalRecord([], author: "person-3", pullLink: nil, bot: "bot", rules: rules)
        let facts = OwnersFacts(changed, in: tree, headSHA: "", baseSHA: "")
        let decision = ApprovalDecision(
            .init(
                org: "lantern", number: number, author: "person-3", body: "", record: record, needs: facts.needs,
                rules: rules))
        let text = ApprovalText(
            repository: RepositoryName(org: "lantern", repo: "engine"), branch: "main",
            forge: "https://forge.example")
        _ = text.body(decision)
        _ = ReviewerChoice.choose(changed, in: tree, author: "person-3", rules: ReviewerRules(), seed: number)
        return decision.parts.count
    }

    // MARK: The tree

    private static let people = (0..<400).map { "person-\($0)" }

    /// Up to seven folders deep, wider at the top.
    private static func folder(_ number: Int) -> String {
        var parts: [String] = []
        var rest = number
        repeat {
            parts.insert("part-\(rest % 12)", at: 0)
            rest /= 12
        } while rest > 0
        return parts.joined(separator: "/")
    }

    private static func sources(_ folders: [String]) -> [SourceFile] {
        let aliases =
            "aliases:\n"
            + (0..<60).map { team in
                "  team-\(team):\n"
                    + (0..<8).map { "  - person-\((team * 7 + $0 * 13) % 400)\n" }.joined()
            }.joined()
        let files = folders.enumerated().map { index, folder in
            SourceFile(path: "\(folder)/OWNERS", bytes: Array(text(index).utf8))
        }
        return [
            SourceFile(path: "OWNERS_ALIASES", bytes: Array(aliases.utf8)),
            SourceFile(path: "OWNERS", bytes: Array("approvers: [team-0]\nreviewers: [team-1]\n".utf8)),
        ] + files
    }

    private static func text(_ index: Int) -> String {
        let people = (0..<4).map { "person-\((index * 31 + $0 * 17) % 400)" }
        let names = index % 2 == 0 ? people + ["team-\(index % 60)"] : people
        var text = ""
        if index % 7 == 3 {
            text += "filters:\n  '\\.md$':\n    approvers: [\(names.joined(separator: ", "))]\n"
            text += "  '.*':\n    approvers: [\(people[0])]\n    labels: [area/part-\(index % 40)]\n"
        } else {
            text += "approvers:\n" + names.map { "- \($0)\n" }.joined()
            text += "reviewers:\n" + people.map { "- \($0)\n" }.joined()
            text += "labels: [area/part-\(index % 40)]\n"
        }
        var options: [String] = []
        if index % 10 == 9 { options.append("no_parent_owners: true") }
        if index % 20 == 4 { options.append("min_approvers: 2") }
        return options.isEmpty ? text : text + "options: {\(options.joined(separator: ", "))}\n"
    }

    private static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let duration = try ContinuousClock().measure(body)
        return Double(duration.components.seconds) * 1000 + Double(duration.components.attoseconds) / 1e15
    }

    private static func text(_ milliseconds: Double) -> String { "\((milliseconds * 100).rounded() / 100) ms" }
}
