package import ArgumentParser
import Forge
import FoundationEssentials
import Git
import JobConfig
import RoomKit
import SlipwayModel

/// Times one look at a large pool, and one prefix of a large repository.
package struct BenchMergingCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "merging", abstract: "Time the planning of a pool and the building of a prefix.",
        discussion: """
            Planning: the rules of 1,000 pull requests, and their train from empty to its first tests. Building: 20 pull \
            requests merged one after the other in a repository of 20,000 files. Ends with 1 where planning takes more than \
            50 ms, or building more than 2 s.
            """)

    @Option(help: "Pull requests of the pool.") var pulls = 1000
    @Option(help: "Files of the repository.") var files = 20_000
    @Option(help: "Members of the prefix.") var members = 20
    @Option(help: "Repetitions of each measurement; medians count.") var rounds = 9
    @OptionGroup var output: OutputOptions

    package init() {}

    struct Report: Encodable {
        var pulls: Int
        var planMS: Double
        var planLimitMS = 50.0
        var files: Int
        var members: Int
        var prefixMS: Double
        var prefixLimitMS = 2000.0

        enum CodingKeys: String, CodingKey {
            case pulls, files, members
            case planMS = "plan_ms"
            case planLimitMS = "plan_limit_ms"
            case prefixMS = "prefix_ms"
            case prefixLimitMS = "prefix_limit_ms"
        }
    }

    package func run() async throws {
        let report = Report(
            pulls: pulls, planMS: planning(), files: files, members: members, prefixMS: try await building())
        switch output.format {
        case .json: try output.printJSON(report)
        case .table:
            print("planning a pool of \(report.pulls) pull requests: \(Self.shown(report.planMS)) ms (limit 50)")
            print(
                "a prefix of \(report.members) merges in \(report.files) files: \(Self.shown(report.prefixMS)) ms (limit 2000)"
            )
        }
        if report.planMS > report.planLimitMS || report.prefixMS > report.prefixLimitMS { throw ExitCode(1) }
    }

    private static func shown(_ value: Double) -> String { String((value * 10).rounded() / 10) }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    // MARK: Planning

    private func planning() -> Double {
        let repository = RepositoryName(org: "org", repo: "repo")
        var tide = TideSettings()
        var query = TideQuery()
        query.orgs = ["org"]
        query.labels = ["lgtm", "approved"]
        query.missingLabels = ["do-not-merge/hold", "needs-rebase"]
        tide.queries = [query, query]
        let candidates = (1...max(1, pulls)).map { number in
            MergeCandidate(
                repository: repository, number: number, title: "Change \(number)", author: "author",
                headRef: "branch-\(number)", headSHA: String(repeating: "a", count: 34) + String(100_000 + number),
                baseRef: "main", labels: number % 4 == 0 ? ["lgtm"] : ["lgtm", "approved"])
        }
        let contexts = Dictionary(uniqueKeysWithValues: (0..<12).map { ("job-\($0)", ContextState.success) })
        let base = TrainBase(commit: "base", tree: "tree")
        return Self.median(
            (0..<max(1, rounds)).map { _ in
                let start = ContinuousClock.now
                let rules = PoolRules(repository: repository, branch: "main", tide: tide, presubmits: [])
                var found: [Int: PoolLook.Found] = [:]
                for pull in candidates {
                    found[pull.number] = PoolLook.Found(
                        pull: pull, standing: rules.standing(of: pull, contexts: contexts), contexts: contexts,
                        sign: "",
                        isFresh: false)
                }
                var turn = PoolTurn(pool: PoolName(repository: repository, branch: "main"), version: 1, tide: tide)
                turn.setLook(
                    PoolLook(pulls: found, rules: rules, presubmits: [], needsBase: true, base: base, capacity: 4))
                var train = MergeTrain(base: base, capacity: 4)
                let now = Date()
                for event in turn.events(for: train, at: now) { _ = train.apply(event, at: now) }
                return (ContinuousClock.now - start) / .milliseconds(1)
            })
    }

    // MARK: Building

    private func building() async throws -> Double {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bench-merging-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let git = GitRepository(folder: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await git.create(defaultBranch: "main", settings: [("gc.auto", "0")])
        _ = try await git.check(["fast-import", "--quiet"], input: Array(stream().utf8))
        let base = try await commit("refs/heads/main", git)
        var chain: [TrainMember] = []
        var plans: [Int: PrefixBuilder.Plan] = [:]
        for number in 1...max(1, members) {
            let head = try await commit("refs/heads/branch-\(number)", git)
            chain.append(TrainMember(number: number, head: head, enteredAt: Date()))
            plans[number] = PrefixBuilder.Plan(
                pull: MergeCandidate(
                    repository: RepositoryName(org: "org", repo: "repo"), number: number, headSHA: head,
                    baseRef: "main"), method: .merge)
        }
        let builder = PrefixBuilder(
            mirrors: GitMirrors(
                folder: folder, forge: ForgeClient(address: try ForgeAddress(url: "http://127.0.0.1:1"), token: nil)),
            identity: GitRepository.identity)
        let start = TrainBase(commit: base, tree: try await git.tree(of: base))
        var times: [Double] = []
        for _ in 0..<max(1, rounds) {
            let began = ContinuousClock.now
            guard
                case .built(let steps) = try await builder.build(
                    in: git, base: start, members: chain, plans: plans), steps.count == chain.count
            else { throw CleanExit.message("the made-up pull requests did not merge") }
            times.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        return Self.median(times)
    }

    private func commit(_ ref: String, _ git: GitRepository) async throws -> String {
        try await git.check(["rev-parse", "--verify", ref]).firstLine
    }

    /// A history for `git fast-import`: a base of many files in folders, and branches that change three each.
    private func stream() -> String {
        func path(_ file: Int) -> String { "folder-\(file / 400)/part-\(file % 400 / 20)/file-\(file)" }
        func data(_ text: String) -> String { "data \(text.utf8.count)\n\(text)\n" }
        var text = "commit refs/heads/main\nmark :1\ncommitter a <a@localhost> 1700000000 +0000\n" + data("base")
        for file in 0..<max(1, files) { text += "M 100644 inline \(path(file))\n" + data("content of \(file)\n") }
        for number in 1...max(1, members) {
            text += "commit refs/heads/branch-\(number)\ncommitter a <a@localhost> 1700000100 +0000\n" + data("change")
            text += "from :1\n"
            for change in 0..<3 {
                let file = (number * 97 + change * 7919) % max(1, files)
                text += "M 100644 inline \(path(file))\n" + data("changed by \(number)\n")
            }
        }
        return text + "done\n"
    }
}
