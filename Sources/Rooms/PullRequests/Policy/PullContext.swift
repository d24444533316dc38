package import FoundationEssentials
package import JobConfig
package import SlipwayModel

/// All that a decision may look at.
package struct PullContext: Sendable {
    /// As it is, with what the present turn has decided so far.
    package var pull: PullSnapshot
    /// Who wrote the comment, or caused the event.
    package var actor: String
    /// When, by the forge's clock.
    package var at: Date
    /// The text that was written, without fences and quotes; empty for events without text.
    package var text = ""
    /// The same as it was written, where a command takes what it is about out of a fence.
    package var written = ""
    /// Where the commands stand; nil for events without text.
    package var comment: CommentReference?
    /// What `plugins.yaml` says about this repository.
    package var settings: RepositoryPlugins
    /// What the forge answered to the questions that were asked for this decision.
    package var facts: PullFacts
    /// What was said and reviewed on the pull request so far, oldest first; read where `Question.history` was asked.
    package var history: PullHistory
    /// Our own login.
    package var bot: String
    /// The base branch before this event, where the event is its change.
    package var previousBase: String?

    package init(
        pull: PullSnapshot, actor: String, at: Date, text: String = "", written: String = "",
        comment: CommentReference? = nil,
        settings: RepositoryPlugins,
        facts: PullFacts = PullFacts(), history: PullHistory = PullHistory(), bot: String
    ) {
        self.pull = pull
        self.actor = actor
        self.at = at
        self.text = text
        self.written = written
        self.comment = comment
        self.settings = settings
        self.facts = facts
        self.history = history
        self.bot = bot
    }

    package var isAuthor: Bool { Login.same(actor, pull.author) }
    package var isBot: Bool { Login.same(actor, bot) }
}

/// Logins are compared as forges compare them.
package enum Login {
    package static func same(_ left: String, _ right: String) -> Bool { left.lowercased() == right.lowercased() }

    /// Without the `@` before it and the marks after it that sentences leave.
    package static func plain(_ word: some StringProtocol) -> String {
        var text = word[...]
        if text.hasPrefix("@") { text = text.dropFirst() }
        while let last = text.last, ",.;:!?".contains(last) { text = text.dropLast() }
        return String(text)
    }
}

/// A pull request as this room knows it.
package struct PullSnapshot: Hashable, Sendable {
    package enum ReviewDecision: String, Sendable, Codable {
        case approved
        case changesRequested = "changes_requested"
    }

    package var repository: RepositoryName
    package var number: Int
    package var title: String
    package var body = ""
    package var author: String
    package var headRef: String
    package var headSHA: String
    /// Of a fork, where it is one; nil where the fork is gone.
    package var headRepository: String?
    package var baseRef: String
    package var baseSHA: String
    package var isOpen = true
    package var isDraft = false
    package var isMerged = false
    /// The repository's, as the event tells it; it is not kept.
    package var defaultBranch: String?
    /// Nil while the forge has not told.
    package var mergeable: Bool?
    /// As they are or will be in a moment: what we asked for counts already.
    package var labels: [String] = []
    package var milestone: String?
    package var assignees: [String] = []
    package var requestedReviewers: [String] = []
    package var reviewDecision: ReviewDecision?
    package var link: String?
    package var openedAt: Date?
    /// When the head was pushed; nil for the one it was opened with, or was first seen with.
    package var headSince: Date?
    /// The forge's time of the last change in Unix milliseconds.
    package var version: Int64 = 0

    package init(
        repository: RepositoryName, number: Int, title: String, author: String, headRef: String, headSHA: String,
        baseRef: String, baseSHA: String
    ) {
        self.repository = repository
        self.number = number
        self.title = title
        self.author = author
        self.headRef = headRef
        self.headSHA = headSHA
        self.baseRef = baseRef
        self.baseSHA = baseSHA
    }

    /// Labels are compared as forges compare them: without regard to case.
    package func has(_ label: String) -> Bool { labels.contains { Login.same($0, label) } }

    package var key: PullKey { PullKey(repository, number) }

    /// The forge's address, as the pull request's own one begins.
    var forgeAddress: String {
        guard let link, let end = link.firstRange(of: "/\(repository)/") else { return "https://github.com" }
        return String(link[..<end.lowerBound])
    }
}

/// A pull request's name, also the key under which its events are handled one after the other.
package struct PullKey: Hashable, Sendable, Comparable {
    package let repository: RepositoryName
    package let number: Int

    package init(_ repository: RepositoryName, _ number: Int) {
        self.repository = repository
        self.number = number
    }

    package static func < (left: PullKey, right: PullKey) -> Bool {
        (left.repository.org, left.repository.repo, left.number)
            < (right.repository.org, right.repository.repo, right.number)
    }
}

/// What people said on a pull request, as far as rules replay it.
package struct PullHistory: Hashable, Sendable {
    package struct Command: Hashable, Sendable {
        package var actor: String
        package var call: CommandCall
        package var at: Date
        package var comment: CommentReference

        package init(actor: String, call: CommandCall, at: Date, comment: CommentReference) {
            self.actor = actor
            self.call = call
            self.at = at
            self.comment = comment
        }
    }

    package struct Review: Hashable, Sendable {
        package enum State: String, Sendable, Codable {
            case approved
            case changesRequested = "changes_requested"
            case commented
            case dismissed
        }

        package var id: Int64
        package var author: String
        package var state: State
        package var at: Date
        package var sha: String?
        package var link: String?

        package init(id: Int64, author: String, state: State, at: Date, sha: String? = nil, link: String? = nil) {
            self.id = id
            self.author = author
            self.state = state
            self.at = at
            self.sha = sha
            self.link = link
        }
    }

    /// Whose word that the head looks good stands.
    package struct LGTM: Hashable, Sendable {
        package var login: String
        package var at: Date
        /// The tree that was looked at, where it was kept.
        package var tree: String?

        package init(login: String, at: Date, tree: String?) {
            self.login = login
            self.at = at
            self.tree = tree
        }
    }

    /// Commands, oldest first; those of the comment that is handled are the last.
    package var commands: [Command]
    /// Reviews, oldest first.
    package var reviews: [Review]
    package var lgtms: [LGTM] = []
    /// What was said about approval before this room heard of the pull request.
    package var earlier: [ApprovalRemark] = []
    /// Who set the label `approved` by hand, if it was.
    package var approvedByHand: String?

    package init(commands: [Command] = [], reviews: [Review] = []) {
        self.commands = commands
        self.reviews = reviews
    }

    /// What the reviews come to: each reviewer's latest approval or request for changes counts, unless it was dismissed.
    package var reviewDecision: PullSnapshot.ReviewDecision? {
        var latest: [String: Review.State] = [:]
        for review in reviews where review.state != .commented { latest[review.author.lowercased()] = review.state }
        if latest.values.contains(.changesRequested) { return .changesRequested }
        return latest.values.contains(.approved) ? .approved : nil
    }
}
