import FoundationEssentials
import Hummingbird
import JobConfig
import Postgres
import SlipwayModel
import Web

/// `/tide.js` and `/tide-history.js` in the shapes that Prow's deck gives them (cmd/deck, pkg/tide, pkg/tide/history).
struct TidePools: Sendable {
    private static let pools = 500

    let reader: MergingReader
    let configuration: MergingConfiguration

    struct Document: Encodable {
        var queries: [String]
        var tideQueries: [Query]
        var pools: [Pool]

        enum CodingKeys: String, CodingKey {
            case queries = "Queries"
            case tideQueries = "TideQueries"
            case pools = "Pools"
        }
    }

    /// As `config.yaml` has it; empty fields left out.
    struct Query: Encodable {
        var author: String?
        var labels: [String]?
        var missingLabels: [String]?
        var excludedBranches: [String]?
        var includedBranches: [String]?
        var milestone: String?
        var reviewApprovedRequired: Bool?
        var orgs: [String]?
        var repos: [String]?
        var excludedRepos: [String]?

        init(_ query: TideQuery) {
            func list(_ values: [String]) -> [String]? { values.isEmpty ? nil : values }
            author = query.author
            labels = list(query.labels)
            missingLabels = list(query.missingLabels)
            excludedBranches = list(query.excludedBranches)
            includedBranches = list(query.includedBranches)
            milestone = query.milestone
            reviewApprovedRequired = query.reviewApprovedRequired ? true : nil
            orgs = list(query.orgs)
            repos = list(query.repos)
            excludedRepos = list(query.excludedRepos)
        }
    }

    struct PullRequest: Encodable {
        var title: String
        var number: Int
        var head: String
        var mergeable: String

        enum CodingKeys: String, CodingKey {
            case title = "Title"
            case number = "Number"
            case head = "HeadRefOID"
            case mergeable = "Mergeable"
        }
    }

    struct Blocker: Encodable {
        var number: Int
        var title: String
        var url: String

        enum CodingKeys: String, CodingKey {
            case number = "Number"
            case title = "Title"
            case url = "URL"
        }
    }

    /// Go writes an empty slice as null.
    struct Pool: Encodable {
        var org: String
        var repo: String
        var branch: String
        var success: [PullRequest]?
        var pending: [PullRequest]?
        var missing: [PullRequest]?
        var batchPending: [PullRequest]?
        var action: String
        var target: [PullRequest]?
        var blockers: [Blocker]?
        var error: String
        var tenantIDs: [String] = []

        enum CodingKeys: String, CodingKey {
            case org = "Org"
            case repo = "Repo"
            case branch = "Branch"
            case success = "SuccessPRs"
            case pending = "PendingPRs"
            case missing = "MissingPRs"
            case batchPending = "BatchPending"
            case action = "Action"
            case target = "Target"
            case blockers = "Blockers"
            case error = "Error"
            case tenantIDs = "TenantIDs"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(org, forKey: .org)
            try container.encode(repo, forKey: .repo)
            try container.encode(branch, forKey: .branch)
            try container.encode(success, forKey: .success)
            try container.encode(pending, forKey: .pending)
            try container.encode(missing, forKey: .missing)
            try container.encode(batchPending, forKey: .batchPending)
            try container.encode(action, forKey: .action)
            try container.encode(target, forKey: .target)
            try container.encode(blockers, forKey: .blockers)
            try container.encode(error, forKey: .error)
            try container.encode(tenantIDs, forKey: .tenantIDs)
        }
    }

    func pools(_ script: ScriptVariable) async throws -> Response {
        let tide = try await configuration.current(reader.database).tide ?? TideSettings()
        let pools = try await reader.pools(nil, limit: Self.pools).compactMap { shown -> Pool? in
            let pool = Self.pool(shown)
            // Tide knows a pool only while a pull request is in it.
            return pool.success == nil && pool.pending == nil && pool.missing == nil ? nil : pool
        }
        return try script.response(
            Document(
                queries: tide.queries.map(\.searchText), tideQueries: tide.queries.map(Query.init), pools: pools))
    }

    private static func pool(_ shown: ShownPool) -> Pool {
        let members = Dictionary(shown.members.map { ($0.number, $0) }) { first, _ in first }
        let trials = shown.train?.trials ?? []
        let merged = Set(trials.filter { $0.tree != nil }.flatMap(\.numbers))
        func list(_ numbers: some Sequence<Int>) -> [PullRequest]? {
            let found = numbers.compactMap { members[$0] }.map {
                PullRequest(
                    title: $0.title, number: $0.number, head: $0.head,
                    mergeable: merged.contains($0.number) ? "MERGEABLE" : "UNKNOWN")
            }
            return found.isEmpty ? nil : found
        }
        let passed = Set(trials.filter { $0.state == .passed }.flatMap(\.numbers))
        let tested = Set(trials.filter { $0.state != .passed }.flatMap(\.numbers)).subtracting(passed)
        let waiting = (shown.train?.membersByNumber.keys.sorted() ?? []).filter {
            !tested.contains($0) && !passed.contains($0)
        }
        let batch = trials.last { $0.state != .passed && $0.members.count > 1 }
        let blockers = shown.facts?.blockers ?? []
        let landing = shown.train.flatMap { train in train.line.first { $0.id == train.landing } }
        let target = landing ?? trials.last
        let action: String
        if !blockers.isEmpty {
            action = "BLOCKED"
        } else if let landing {
            action = landing.members.count > 1 ? "MERGE_BATCH" : "MERGE"
        } else if let target {
            action = target.members.count > 1 ? "TRIGGER_BATCH" : "TRIGGER"
        } else {
            action = "WAIT"
        }
        return Pool(
            org: shown.pool.org, repo: shown.pool.repo, branch: shown.pool.branch, success: list(passed.sorted()),
            pending: list(tested.sorted()), missing: list(waiting), batchPending: batch.flatMap { list($0.numbers) },
            action: action, target: target.flatMap { list($0.numbers) },
            blockers: blockers.isEmpty
                ? nil : blockers.map { Blocker(number: $0.number, title: $0.title, url: $0.link ?? "") },
            error: shown.trouble ?? "")
    }

    // MARK: History

    struct Record: Encodable {
        var time: String
        var action: String
        var baseSHA: String?
        var target: [Pull]?
        var err: String?
        var tenantids: [String] = []
    }

    struct History: Encodable {
        var history: [String: [Record]]

        enum CodingKeys: String, CodingKey { case history = "History" }
    }

    func history(_ script: ScriptVariable) async throws -> Response {
        var history: [String: [Record]] = [:]
        for row in try await reader.database.execute(MergingStore.prowHistory) {
            let (org, repo, branch, at, action, base, targets, error) = try row.decode(
                (String, String, String, Date, String, String, JSON<[Pull]>, String).self)
            history["\(org)/\(repo):\(branch)", default: []].append(
                Record(
                    time: HumanTime.iso(at), action: action, baseSHA: base.isEmpty ? nil : base,
                    target: targets.value.isEmpty ? nil : targets.value.sorted { $0.number < $1.number },
                    err: error.isEmpty ? nil : error))
        }
        return try script.response(History(history: history))
    }
}

extension TideQuery {
    /// The search at the forge that finds the same pull requests, as Tide writes it.
    var searchText: String {
        var words = ["is:pr", "state:open", "archived:false"]
        if let author { words.append("author:\"\(author)\"") }
        words += excludedBranches.map { "-base:\"\($0)\"" }
        words += includedBranches.map { "base:\"\($0)\"" }
        words += labels.map { label in
            "label:" + label.split(separator: ",").map { "\"\($0)\"" }.joined(separator: ",")
        }
        words += missingLabels.map { "-label:\"\($0)\"" }
        if let milestone { words.append("milestone:\"\(milestone)\"") }
        if reviewApprovedRequired { words.append("review:approved") }
        words += orgs.map { "org:\"\($0)\"" } + repos.map { "repo:\"\($0)\"" } + excludedRepos.map { "-repo:\"\($0)\"" }
        return words.joined(separator: " ")
    }
}
