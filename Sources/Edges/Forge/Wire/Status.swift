/// One status of a commit. Of several with one context, the newest counts.
package struct CommitStatus: Hashable, Sendable, Codable {
    package var id: Int64?
    /// pending, success, failure or error.
    package var state: String
    package var context: String
    package var description: String?
    package var targetURL: String?
    package var creator: Account?
    package var createdAt: Timestamp?
    package var updatedAt: Timestamp?

    package init(state: String, context: String, description: String? = nil, targetURL: String? = nil) {
        self.state = state
        self.context = context
        self.description = description
        self.targetURL = targetURL
    }

    enum CodingKeys: String, CodingKey {
        case id, state, context, description, creator
        case targetURL = "target_url"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    /// GitHub's limit on a description, in characters.
    package static let descriptionLimit = 140
}

/// The newest status of each context of a commit.
package struct CombinedStatus: Hashable, Sendable, Codable {
    /// failure (any failure or error), pending (any pending, or none at all), success.
    package var state: String
    package var sha: String
    package var totalCount: Int?
    package var statuses: [CommitStatus]

    package init(state: String, sha: String, totalCount: Int?, statuses: [CommitStatus]) {
        self.state = state
        self.sha = sha
        self.totalCount = totalCount
        self.statuses = statuses
    }

    enum CodingKeys: String, CodingKey {
        case state, sha, statuses
        case totalCount = "total_count"
    }
}

/// A check run of a commit. Of several with one name, the newest counts.
package struct CheckRun: Hashable, Sendable, Codable {
    package var id: Int64
    package var name: String
    package var headSHA: String
    /// queued, in_progress or completed.
    package var status: String?
    /// Null until completed.
    package var conclusion: String?
    package var detailsURL: String?
    package var startedAt: Timestamp?
    package var completedAt: Timestamp?

    package init(id: Int64, name: String, headSHA: String, status: String?, conclusion: String? = nil) {
        self.id = id
        self.name = name
        self.headSHA = headSHA
        self.status = status
        self.conclusion = conclusion
    }

    /// What it says in the words of a status, as GitHub and Tide count it. A conclusion that is not known is none to
    /// merge on.
    ///
    /// | status | conclusion | |
    /// |---|---|---|
    /// | completed | success, neutral, skipped | success |
    /// | completed | any other | failure |
    /// | any other | | pending |
    package var state: String {
        guard status == "completed" else { return "pending" }
        return ["success", "neutral", "skipped"].contains(conclusion) ? "success" : "failure"
    }

    enum CodingKeys: String, CodingKey {
        case id, name, status, conclusion
        case headSHA = "head_sha"
        case detailsURL = "details_url"
        case startedAt = "started_at"
        case completedAt = "completed_at"
    }
}

/// A check run as it is made.
struct NewCheckRun: Sendable, Codable {
    struct Output: Sendable, Codable {
        var title: String
        var summary: String
    }

    var name: String
    var headSHA: String
    var status: String
    var conclusion: String
    var output: Output

    enum CodingKeys: String, CodingKey {
        case name, status, conclusion, output
        case headSHA = "head_sha"
    }
}

extension Sequence<CheckRun> {
    /// The newest of each name, oldest first.
    package var latest: [CheckRun] {
        Dictionary(map { ($0.name, $0) }) { $0.id < $1.id ? $1 : $0 }.values.sorted { $0.id < $1.id }
    }
}

/// A page of a commit's check runs.
package struct CheckRunPage: Sendable, Codable {
    package var totalCount: Int
    package var checkRuns: [CheckRun]

    package init(totalCount: Int, checkRuns: [CheckRun]) {
        self.totalCount = totalCount
        self.checkRuns = checkRuns
    }

    enum CodingKeys: String, CodingKey {
        case totalCount = "total_count"
        case checkRuns = "check_runs"
    }
}
