/// What every delivery says beside its subject; enough to store and route one whose event is not known.
package struct WebhookEnvelope: Hashable, Sendable, Codable {
    package var action: String?
    package var repository: Repository?
    package var organization: Account?
    package var sender: Account?
}

/// `pull_request`: opened, synchronize, reopened, closed, edited, labeled, unlabeled, ready_for_review …
package struct PullRequestEvent: Hashable, Sendable, Codable {
    /// What an `edited` delivery says of the values before.
    package struct Changes: Hashable, Sendable, Codable {
        package struct Previous: Hashable, Sendable, Codable {
            package var from: String?

            package init(from: String?) { self.from = from }
        }

        package struct Base: Hashable, Sendable, Codable {
            package var ref: Previous?
            package var sha: Previous?

            package init(ref: Previous?, sha: Previous?) {
                self.ref = ref
                self.sha = sha
            }
        }

        package var title: Previous?
        package var body: Previous?
        package var base: Base?

        package init(title: Previous? = nil, body: Previous? = nil, base: Base? = nil) {
            self.title = title
            self.body = body
            self.base = base
        }
    }

    package var action: String
    package var number: Int
    package var pullRequest: PullRequest
    package var repository: Repository
    package var sender: Account?
    /// The label added or removed.
    package var label: Label?
    /// Head commits around a `synchronize`.
    package var before: String?
    package var after: String?
    package var changes: Changes?

    package init(
        action: String, pullRequest: PullRequest, repository: Repository, sender: Account?, label: Label? = nil,
        before: String? = nil, after: String? = nil, changes: Changes? = nil
    ) {
        self.action = action
        self.number = pullRequest.number
        self.pullRequest = pullRequest
        self.repository = repository
        self.sender = sender
        self.label = label
        self.before = before
        self.after = after
        self.changes = changes
    }

    enum CodingKeys: String, CodingKey {
        case action, number, repository, sender, label, before, after, changes
        case pullRequest = "pull_request"
    }
}

/// `issue_comment`: created, edited, deleted; on issues and on pull requests.
package struct IssueCommentEvent: Hashable, Sendable, Codable {
    package var action: String
    package var issue: Issue
    package var comment: IssueComment
    package var repository: Repository
    package var sender: Account?

    package init(action: String, issue: Issue, comment: IssueComment, repository: Repository, sender: Account?) {
        self.action = action
        self.issue = issue
        self.comment = comment
        self.repository = repository
        self.sender = sender
    }
}

/// `pull_request_review`: submitted, edited, dismissed.
package struct PullRequestReviewEvent: Hashable, Sendable, Codable {
    package var action: String
    package var review: Review
    package var pullRequest: PullRequest
    package var repository: Repository
    package var sender: Account?

    package init(
        action: String, review: Review, pullRequest: PullRequest, repository: Repository, sender: Account?
    ) {
        self.action = action
        self.review = review
        self.pullRequest = pullRequest
        self.repository = repository
        self.sender = sender
    }

    enum CodingKeys: String, CodingKey {
        case action, review, repository, sender
        case pullRequest = "pull_request"
    }
}

/// `pull_request_review_comment`: created, edited, deleted.
package struct PullRequestReviewCommentEvent: Hashable, Sendable, Codable {
    package var action: String
    package var comment: ReviewComment
    package var pullRequest: PullRequest
    package var repository: Repository
    package var sender: Account?

    enum CodingKeys: String, CodingKey {
        case action, comment, repository, sender
        case pullRequest = "pull_request"
    }
}

/// `push`: a branch or a tag was created, moved or deleted.
package struct PushEvent: Hashable, Sendable, Codable {
    package struct Commit: Hashable, Sendable, Codable {
        package var id: String
        package var message: String?
        package var timestamp: Timestamp?
        package var added: [String]?
        package var modified: [String]?
        package var removed: [String]?

        package init(
            id: String, message: String?, timestamp: Timestamp?, added: [String], modified: [String],
            removed: [String]
        ) {
            self.id = id
            self.message = message
            self.timestamp = timestamp
            self.added = added
            self.modified = modified
            self.removed = removed
        }
    }

    package struct Pusher: Hashable, Sendable, Codable {
        package var name: String?

        package init(name: String?) { self.name = name }
    }

    /// Fully qualified, e.g. `refs/heads/main`.
    package var ref: String
    /// 40 zeros where the ref is new.
    package var before: String
    /// 40 zeros where the ref was deleted.
    package var after: String
    package var created: Bool?
    package var deleted: Bool?
    package var forced: Bool?
    /// At most 2,048 at GitHub; absent for tags.
    package var commits: [Commit]?
    package var headCommit: Commit?
    package var repository: Repository
    package var pusher: Pusher?
    package var sender: Account?

    package init(
        ref: String, before: String, after: String, forced: Bool, commits: [Commit], repository: Repository,
        pusher: String, sender: Account?
    ) {
        self.ref = ref
        self.before = before
        self.after = after
        self.forced = forced
        self.commits = commits
        self.repository = repository
        self.pusher = Pusher(name: pusher)
        self.sender = sender
        created = before == Self.zeroSHA
        deleted = after == Self.zeroSHA
        headCommit = commits.last
    }

    enum CodingKeys: String, CodingKey {
        case ref, before, after, created, deleted, forced, commits, repository, pusher, sender
        case headCommit = "head_commit"
    }

    /// What forges write for "no commit".
    package static let zeroSHA = String(repeating: "0", count: 40)

    package var isTag: Bool { ref.hasPrefix("refs/tags/") }
    package var isBranch: Bool { ref.hasPrefix("refs/heads/") }
    package var isDeletion: Bool { deleted ?? (after == Self.zeroSHA) }

    /// The branch's or tag's name without `refs/heads/` or `refs/tags/`.
    package var shortRef: String {
        for prefix in ["refs/heads/", "refs/tags/"] where ref.hasPrefix(prefix) {
            return String(ref.dropFirst(prefix.count))
        }
        return ref
    }

    /// Every path that the payload's commits name, each once, in order of first mention.
    package var changedFiles: [String] {
        var seen: Set<String> = []
        var files: [String] = []
        for commit in commits ?? [] {
            for list in [commit.added, commit.modified, commit.removed] {
                for path in list ?? [] where seen.insert(path).inserted { files.append(path) }
            }
        }
        return files
    }
}

/// `issues`: opened, edited, closed, labeled …
package struct IssuesEvent: Hashable, Sendable, Codable {
    package var action: String
    package var issue: Issue
    package var label: Label?
    package var repository: Repository
    package var sender: Account?
}

/// `status`: a commit got a status, ours or another system's.
package struct StatusEvent: Hashable, Sendable, Codable {
    package var id: Int64?
    package var sha: String
    package var context: String
    package var state: String
    package var description: String?
    package var targetURL: String?
    package var repository: Repository
    package var sender: Account?

    package init(id: Int64?, sha: String, status: CommitStatus, repository: Repository, sender: Account?) {
        self.id = id
        self.sha = sha
        context = status.context
        state = status.state
        description = status.description
        targetURL = status.targetURL
        self.repository = repository
        self.sender = sender
    }

    enum CodingKeys: String, CodingKey {
        case id, sha, context, state, description, repository, sender
        case targetURL = "target_url"
    }
}

/// `ping`: a hook was made or tried.
package struct PingEvent: Hashable, Sendable, Codable {
    package var zen: String?
    package var hookID: Int64?
    package var repository: Repository?
    package var sender: Account?

    package init(zen: String?, hookID: Int64?, repository: Repository?, sender: Account?) {
        self.zen = zen
        self.hookID = hookID
        self.repository = repository
        self.sender = sender
    }

    enum CodingKeys: String, CodingKey {
        case zen, repository, sender
        case hookID = "hook_id"
    }
}

/// `check_run`: created, completed, rerequested, requested_action.
package struct CheckRunEvent: Hashable, Sendable, Codable {
    package var action: String
    package var checkRun: CheckRun
    package var repository: Repository
    package var sender: Account?

    package init(action: String, checkRun: CheckRun, repository: Repository, sender: Account?) {
        self.action = action
        self.checkRun = checkRun
        self.repository = repository
        self.sender = sender
    }

    enum CodingKeys: String, CodingKey {
        case action, repository, sender
        case checkRun = "check_run"
    }
}

/// `create` and `delete`: a branch or tag came or went (the `push` of the same change comes beside it).
package struct ReferenceEvent: Hashable, Sendable, Codable {
    /// The short name.
    package var ref: String
    /// `branch` or `tag`.
    package var refType: String
    package var repository: Repository
    package var sender: Account?

    package init(ref: String, refType: String, repository: Repository, sender: Account?) {
        self.ref = ref
        self.refType = refType
        self.repository = repository
        self.sender = sender
    }

    enum CodingKeys: String, CodingKey {
        case ref, repository, sender
        case refType = "ref_type"
    }
}

/// `label`: a repository's label was created, edited or deleted.
package struct LabelEvent: Hashable, Sendable, Codable {
    package var action: String
    package var label: Label
    package var repository: Repository
    package var sender: Account?
}

/// `organization`, `membership`, `member`, `team`: who belongs to an organisation, a team or a repository changed.
package struct PeopleEvent: Hashable, Sendable, Codable {
    package struct Team: Hashable, Sendable, Codable {
        package var name: String?
        package var slug: String?
    }

    /// What `organization` deliveries say of the person.
    package struct Membership: Hashable, Sendable, Codable {
        package var user: Account?
    }

    package var action: String?
    package var organization: Account?
    package var repository: Repository?
    package var team: Team?
    package var member: Account?
    package var membership: Membership?
    package var sender: Account?

    /// Who came or went; nil where the delivery names nobody.
    package var person: Account? { member ?? membership?.user }
}
