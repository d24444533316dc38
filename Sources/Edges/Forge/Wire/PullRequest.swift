/// What a pull request or an issue is planned for.
package struct Milestone: Hashable, Sendable, Codable {
    package var number: Int
    package var title: String

    package init(number: Int, title: String) {
        self.number = number
        self.title = title
    }
}

/// A pull request as deliveries and the REST API describe it.
package struct PullRequest: Hashable, Sendable, Codable {
    /// One side: the branch that is offered, or the one that would take it.
    package struct Branch: Hashable, Sendable, Codable {
        /// The branch's short name.
        package var ref: String
        package var sha: String
        /// `owner:branch`.
        package var label: String?
        package var user: Account?
        /// Null where a fork was deleted.
        package var repo: Repository?

        package init(ref: String, sha: String, label: String? = nil, user: Account? = nil, repo: Repository? = nil) {
            self.ref = ref
            self.sha = sha
            self.label = label
            self.user = user
            self.repo = repo
        }
    }

    package var id: Int64?
    package var number: Int
    /// `open` or `closed`.
    package var state: String
    package var title: String
    package var body: String?
    /// Null where the account was deleted.
    package var user: Account?
    package var head: Branch
    package var base: Branch
    package var labels: [Label]?
    package var milestone: Milestone?
    package var assignees: [Account]?
    package var requestedReviewers: [Account]?
    package var isDraft: Bool?
    package var isMerged: Bool?
    /// Null while the forge has not computed it.
    package var mergeable: Bool?
    /// What stands against merging it, in the forge's word: clean, blocked, dirty, behind, unstable …
    package var mergeableState: String?
    package var mergeCommitSHA: String?
    /// The author's relation to the repository: OWNER, MEMBER, COLLABORATOR, CONTRIBUTOR, NONE …
    package var authorAssociation: String?
    package var createdAt: Timestamp?
    package var updatedAt: Timestamp?
    package var closedAt: Timestamp?
    package var mergedAt: Timestamp?
    package var htmlURL: String?
    package var commits: Int?
    package var additions: Int?
    package var deletions: Int?
    package var changedFiles: Int?

    package init(number: Int, state: String, title: String, user: Account?, head: Branch, base: Branch) {
        self.number = number
        self.state = state
        self.title = title
        self.user = user
        self.head = head
        self.base = base
    }

    enum CodingKeys: String, CodingKey {
        case id, number, state, title, body, user, head, base, labels, milestone, assignees, mergeable, commits
        case additions, deletions
        case requestedReviewers = "requested_reviewers"
        case isDraft = "draft"
        case isMerged = "merged"
        case mergeableState = "mergeable_state"
        case mergeCommitSHA = "merge_commit_sha"
        case authorAssociation = "author_association"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case closedAt = "closed_at"
        case mergedAt = "merged_at"
        case htmlURL = "html_url"
        case changedFiles = "changed_files"
    }

    package var isOpen: Bool { state == "open" }
    /// The author's login; `ghost`, GitHub's name for a deleted account, where it is gone.
    package var author: String { user?.login ?? "ghost" }
    package var labelNames: [String] { (labels ?? []).map(\.name) }
    /// Whether it was merged; lists leave `merged` out but give the time.
    package var wasMerged: Bool { isMerged ?? (mergedAt != nil) }
}

/// A file that a pull request changes.
package struct ChangedFile: Hashable, Sendable, Codable {
    package var filename: String
    /// added, removed, modified, renamed, copied, changed or unchanged.
    package var status: String
    package var additions: Int?
    package var deletions: Int?
    package var changes: Int?
    package var sha: String?
    /// The name before a rename.
    package var previousFilename: String?

    package init(
        filename: String, status: String, additions: Int? = nil, deletions: Int? = nil, changes: Int? = nil,
        sha: String? = nil, previousFilename: String? = nil
    ) {
        self.filename = filename
        self.status = status
        self.additions = additions
        self.deletions = deletions
        self.changes = changes
        self.sha = sha
        self.previousFilename = previousFilename
    }

    enum CodingKeys: String, CodingKey {
        case filename, status, additions, deletions, changes, sha
        case previousFilename = "previous_filename"
    }
}

/// An issue; also the view of a pull request that comments carry.
package struct Issue: Hashable, Sendable, Codable {
    /// There only when the issue is a pull request.
    package struct PullRequestLink: Hashable, Sendable, Codable {
        package var url: String?
        package var htmlURL: String?
        package var mergedAt: Timestamp?

        package init(url: String?, htmlURL: String?, mergedAt: Timestamp? = nil) {
            self.url = url
            self.htmlURL = htmlURL
            self.mergedAt = mergedAt
        }

        enum CodingKeys: String, CodingKey {
            case url
            case htmlURL = "html_url"
            case mergedAt = "merged_at"
        }
    }

    package var id: Int64?
    package var number: Int
    /// `open` or `closed`; some deliveries leave it out.
    package var state: String?
    package var title: String
    package var body: String?
    package var user: Account?
    package var labels: [Label]?
    package var isDraft: Bool?
    package var authorAssociation: String?
    package var pullRequest: PullRequestLink?
    package var htmlURL: String?
    package var createdAt: Timestamp?
    package var updatedAt: Timestamp?
    package var closedAt: Timestamp?

    package init(number: Int, state: String, title: String, user: Account?) {
        self.number = number
        self.state = state
        self.title = title
        self.user = user
    }

    enum CodingKeys: String, CodingKey {
        case id, number, state, title, body, user, labels
        case isDraft = "draft"
        case authorAssociation = "author_association"
        case pullRequest = "pull_request"
        case htmlURL = "html_url"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case closedAt = "closed_at"
    }

    package var isPullRequest: Bool { pullRequest != nil }
    package var isOpen: Bool { state != "closed" }
}

/// A comment on an issue or a pull request.
package struct IssueComment: Hashable, Sendable, Codable {
    package var id: Int64
    package var body: String?
    package var user: Account?
    package var authorAssociation: String?
    package var htmlURL: String?
    package var createdAt: Timestamp?
    package var updatedAt: Timestamp?

    package init(id: Int64, body: String?, user: Account?) {
        self.id = id
        self.body = body
        self.user = user
    }

    enum CodingKeys: String, CodingKey {
        case id, body, user
        case authorAssociation = "author_association"
        case htmlURL = "html_url"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    package var author: String { user?.login ?? "ghost" }
}

/// A review of a pull request.
package struct Review: Hashable, Sendable, Codable {
    package var id: Int64
    package var user: Account?
    package var body: String?
    /// approved, changes_requested, commented or dismissed; deliveries and the REST API differ in case.
    package var state: String
    package var commitID: String?
    package var authorAssociation: String?
    package var htmlURL: String?
    package var submittedAt: Timestamp?

    package init(
        id: Int64, user: Account?, body: String?, state: String, commitID: String? = nil,
        authorAssociation: String? = nil, htmlURL: String? = nil, submittedAt: Timestamp? = nil
    ) {
        self.id = id
        self.user = user
        self.body = body
        self.state = state
        self.commitID = commitID
        self.authorAssociation = authorAssociation
        self.htmlURL = htmlURL
        self.submittedAt = submittedAt
    }

    enum CodingKeys: String, CodingKey {
        case id, user, body, state
        case commitID = "commit_id"
        case authorAssociation = "author_association"
        case htmlURL = "html_url"
        case submittedAt = "submitted_at"
    }
}

/// A comment on a line of a pull request.
package struct ReviewComment: Hashable, Sendable, Codable {
    package var id: Int64
    package var user: Account?
    package var body: String?
    package var path: String?
    package var commitID: String?
    package var authorAssociation: String?
    package var htmlURL: String?
    package var createdAt: Timestamp?

    enum CodingKeys: String, CodingKey {
        case id, user, body, path
        case commitID = "commit_id"
        case authorAssociation = "author_association"
        case htmlURL = "html_url"
        case createdAt = "created_at"
    }
}
