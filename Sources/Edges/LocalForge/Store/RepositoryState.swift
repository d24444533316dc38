import Forge
import SlipwayModel

/// All that a repository is beside its git objects. The wire's shapes are made from it when asked.
struct RepositoryState: Codable, Sendable {
    struct Pull: Equatable, Codable, Sendable {
        var id: Int64
        var number: Int
        var title: String
        var body: String?
        var author: String
        var headRef: String
        var headSHA: String
        var baseRef: String
        /// The base branch's tip when the head last moved, as GitHub shows it.
        var baseSHA: String
        var isOpen: Bool
        var isDraft: Bool
        var labels: [String]
        // Absent in files of an earlier version.
        var assignees: [String]?
        var requestedReviewers: [String]?
        /// By its number.
        var milestone: Int?
        var reviews: [Review]?
        var createdAt: Timestamp
        var updatedAt: Timestamp
        var closedAt: Timestamp?
        var mergedAt: Timestamp?
        var mergeCommitSHA: String?
        /// What was found for which pair of commits.
        var mergeability: Mergeability?
    }

    struct Mergeability: Equatable, Codable, Sendable {
        var base: String
        var head: String
        var mergeable: Bool
        var mergeSHA: String?
    }

    struct Review: Equatable, Codable, Sendable {
        var id: Int64
        var author: String
        var body: String
        /// approved, changes_requested, commented or dismissed.
        var state: String
        var sha: String
        var submittedAt: Timestamp
    }

    struct Comment: Equatable, Identifiable, Codable, Sendable {
        var id: Int64
        var number: Int
        var author: String
        var body: String
        var createdAt: Timestamp
        var updatedAt: Timestamp
    }

    struct Status: Equatable, Codable, Sendable {
        var id: Int64
        var state: String
        var context: String
        var description: String?
        var targetURL: String?
        var creator: String
        var createdAt: Timestamp
    }

    /// The part of a branch's protection that this forge enforces.
    struct BranchProtection: Equatable, Codable, Sendable {
        /// Contexts that have to be green on the head.
        var contexts: [String] = []
        /// Changes come by pull requests only.
        var requiresPull = false
        /// Reviewers who have to approve the head; absent in files of an earlier version.
        var approvals: Int?
    }

    struct IssueRecord: Equatable, Codable, Sendable {
        var id: Int64
        var number: Int
        var title: String
        var body: String?
        var author: String
        var isOpen: Bool
        var labels: [String]
        var createdAt: Timestamp
        var updatedAt: Timestamp
    }

    struct Delivery: Equatable, Identifiable, Codable, Sendable {
        var id: Int64
        /// The same for every attempt to deliver one event.
        var guid: String
        var event: String
        var action: String?
        var isRedelivery: Bool
        var createdAt: Timestamp
        var outcome: Outcome?

        struct Outcome: Equatable, Codable, Sendable {
            var deliveredAt: Timestamp
            /// Seconds.
            var duration: Double
            /// 0 where there was no answer.
            var statusCode: Int
            /// GitHub's word: OK, or why there was no answer.
            var status: String
            var body: String
        }
    }

    var id: Int64
    var name: RepositoryName
    var defaultBranch = "main"
    var createdAt: Timestamp
    var nextID: Int64
    var nextNumber = 1
    /// Branches and tags, fully qualified, as the last push left them.
    var refs: [String: String] = [:]
    var pulls: [Int: Pull] = [:]
    var comments: [Comment] = []
    var labels: [String: Label] = [:]
    /// By commit, oldest first.
    var statuses: [String: [Status]] = [:]
    /// By commit, oldest first; absent in files of an earlier version.
    var checkRuns: [String: [CheckRun]]?
    /// Permission by login: admin, maintain, push, triage, pull.
    var collaborators: [String: String] = [:]
    /// Titles by number; absent in files of an earlier version.
    var milestones: [Int: String]?
    /// What pushes and merges have to meet, by branch; nil: nothing anywhere.
    var protection: [String: BranchProtection]?
    /// Methods of merging that are not allowed.
    var forbiddenMethods: [String]?
    /// Issues that are no pull requests.
    var issues: [Int: IssueRecord]?
    /// Oldest first.
    var deliveries: [Delivery] = []

    init(id: Int64, name: RepositoryName, createdAt: Timestamp) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
        // Ids of things in a repository are unique over the forge, as GitHub's are.
        nextID = id * 100_000_000
    }

    mutating func takeID() -> Int64 {
        defer { nextID += 1 }
        return nextID
    }

    /// How many statuses or check runs of one context a commit keeps, and how many deliveries are listed: a
    /// demonstration must not rewrite megabytes for each change. GitHub keeps 1,000 and three days.
    static let statusesPerContext = 20
    static let deliveriesKept = 500

    mutating func add(_ status: Status, to sha: String) {
        var list = statuses[sha, default: []]
        list.append(status)
        let same = list.indices.filter { list[$0].context == status.context }
        if same.count > Self.statusesPerContext { list.remove(at: same[0]) }
        statuses[sha] = list
    }

    mutating func add(_ run: CheckRun) {
        var list = checkRuns?[run.headSHA] ?? []
        list.append(run)
        let same = list.indices.filter { list[$0].name == run.name }
        if same.count > Self.statusesPerContext { list.remove(at: same[0]) }
        checkRuns = (checkRuns ?? [:]).merging([run.headSHA: list]) { $1 }
    }

    /// The contexts that are green on a commit.
    func greenContexts(of sha: String) -> Set<String> {
        let statuses = latestStatuses(of: sha).filter { $0.state == "success" }.map(\.context)
        let checks = (checkRuns?[sha] ?? []).latest.filter { $0.state == "success" }.map(\.name)
        return Set(statuses + checks)
    }

    /// The newest status of each context, in order of first appearance.
    func latestStatuses(of sha: String) -> [Status] {
        var order: [String] = []
        var latest: [String: Status] = [:]
        for status in statuses[sha] ?? [] {
            if latest.updateValue(status, forKey: status.context) == nil { order.append(status.context) }
        }
        return order.compactMap { latest[$0] }
    }

    /// Adds a label to a pull request; labels the repository does not know yet come to be, as at GitHub.
    mutating func label(_ name: String) -> Label {
        if let label = labels[name] { return label }
        let label = Label(id: takeID(), name: name, color: "ededed", description: nil)
        labels[name] = label
        return label
    }

    var branches: [String] { refs.keys.filter { $0.hasPrefix("refs/heads/") }.sorted() }
    func branch(_ name: String) -> String? { refs["refs/heads/\(name)"] }
}
