/// A webhook delivery was stored by the gateway.
package struct DeliveryReceived: Event {
    package static let type = "delivery.received"
    package var deliveryID: String
    package var event: String
    package var action: String?
    package var repository: RepositoryName?

    package init(deliveryID: String, event: String, action: String?, repository: RepositoryName?) {
        self.deliveryID = deliveryID
        self.event = event
        self.action = action
        self.repository = repository
    }

    package var subject: String { "delivery/\(deliveryID)" }
}

/// A pull request as its latest delivery described it.
package struct PullChanged: Event {
    package static let type = "pull.changed"
    package var repository: RepositoryName
    package var number: Int
    /// GitHub's action: opened, synchronize, reopened, closed, labeled …
    package var action: String
    package var title: String
    package var author: String
    /// GitHub's author association, e.g. MEMBER, NONE.
    package var authorAssociation: String?
    package var isOpen: Bool
    package var isDraft: Bool
    package var isMerged: Bool
    package var headRef: String
    package var headSHA: String
    package var baseRef: String
    package var baseSHA: String
    /// The base ref before an edit that changed it.
    package var previousBaseRef: String?
    /// The label added or removed by this event.
    package var label: String?
    package var labels: [String]
    package var sender: String
    package var mergeable: Bool?
    package var link: String?
    package var deliveryID: String
    /// The pull request's `updated_at` in Unix milliseconds.
    package var subjectVersion: Int64

    package init(
        repository: RepositoryName, number: Int, action: String, title: String, author: String,
        authorAssociation: String?, isOpen: Bool, isDraft: Bool, isMerged: Bool, headRef: String, headSHA: String,
        baseRef: String, baseSHA: String, previousBaseRef: String?, label: String?, labels: [String], sender: String,
        mergeable: Bool?, link: String?, deliveryID: String, subjectVersion: Int64
    ) {
        self.repository = repository
        self.number = number
        self.action = action
        self.title = title
        self.author = author
        self.authorAssociation = authorAssociation
        self.isOpen = isOpen
        self.isDraft = isDraft
        self.isMerged = isMerged
        self.headRef = headRef
        self.headSHA = headSHA
        self.baseRef = baseRef
        self.baseSHA = baseSHA
        self.previousBaseRef = previousBaseRef
        self.label = label
        self.labels = labels
        self.sender = sender
        self.mergeable = mergeable
        self.link = link
        self.deliveryID = deliveryID
        self.subjectVersion = subjectVersion
    }

    package var subject: String { "pull/\(repository)#\(number)" }
}

/// A branch or tag moved (not: was deleted).
package struct RefPushed: Event {
    package static let type = "ref.pushed"
    package var repository: RepositoryName
    /// The short name, e.g. `main` or `v1.0`.
    package var ref: String
    package var isTag: Bool
    package var before: String
    package var after: String
    /// Paths named by the payload's commits: added, modified, removed.
    package var changedFiles: [String]
    package var sender: String
    package var deliveryID: String

    package init(
        repository: RepositoryName, ref: String, isTag: Bool, before: String, after: String, changedFiles: [String],
        sender: String, deliveryID: String
    ) {
        self.repository = repository
        self.ref = ref
        self.isTag = isTag
        self.before = before
        self.after = after
        self.changedFiles = changedFiles
        self.sender = sender
        self.deliveryID = deliveryID
    }

    package var subject: String { "ref/\(repository)/\(ref)" }
}

/// One or more commands were written on a pull request.
package struct CommandIssued: Event {
    package static let type = "command.issued"

    /// `/name arguments`, as written, without the slash.
    package struct Command: Hashable, Sendable, Codable {
        package var name: String
        package var arguments: String

        package init(name: String, arguments: String) {
            self.name = name
            self.arguments = arguments
        }
    }

    package var repository: RepositoryName
    package var number: Int
    package var actor: String
    package var actorAssociation: String?
    /// The comment's id at the forge; nil for the opening body.
    package var commentID: Int64?
    package var commands: [Command]
    /// The text the commands stood in, code fences and quotes removed: job triggers are regexes over it.
    package var body: String
    package var deliveryID: String

    package init(
        repository: RepositoryName, number: Int, actor: String, actorAssociation: String?, commentID: Int64?,
        commands: [Command], body: String, deliveryID: String
    ) {
        self.repository = repository
        self.number = number
        self.actor = actor
        self.actorAssociation = actorAssociation
        self.commentID = commentID
        self.commands = commands
        self.body = body
        self.deliveryID = deliveryID
    }

    package var subject: String { "pull/\(repository)#\(number)" }
}

/// What the forge should show. Of several with one key, the greatest version wins; Reporting alone writes it.
package struct ForgeDesired: Event {
    package static let type = "forge.desired"

    package enum Value: Hashable, Sendable, Codable {
        /// `state`: pending, success, failure, error. `description`: at most 140 characters.
        case status(sha: String, context: String, state: String, description: String, targetURL: String?)
        /// A completed check run of its own; of several with one name the newest counts. `conclusion`: success, failure.
        case checkRun(sha: String, name: String, conclusion: String, summary: String)
        /// Replaces the bot's comment that carries `tag`; nil deletes it.
        case comment(number: Int, tag: String, body: String?)
        /// `look`: of the repository's label, where the forge has to make it first.
        case label(number: Int, name: String, present: Bool, look: LabelLook? = nil)
        case assignee(number: Int, login: String, present: Bool)
        /// A login, or `org/team`, whose review is asked for.
        case reviewer(number: Int, login: String, present: Bool)
        case openness(number: Int, isOpen: Bool)
        case title(number: Int, title: String)
        /// The opening text.
        case body(number: Int, body: String)
        /// By its title; nil takes it away.
        case milestone(number: Int, title: String?)
        case branchDeletion(branch: String)
    }

    /// How a label is made: six hexadecimal digits, and a sentence.
    package struct LabelLook: Hashable, Sendable, Codable {
        package var color: String
        package var description: String

        package init(_ color: String, _ description: String) {
            self.color = color
            self.description = description
        }
    }

    package var repository: RepositoryName
    /// What is written on, e.g. `pull/7` or `commit/<sha>`.
    package var target: String
    /// Unique within the repository, e.g. `status/<sha>/<context>`.
    package var key: String
    package var value: Value
    package var subjectVersion: Int64

    package init(repository: RepositoryName, target: String, key: String, value: Value, version: Int64) {
        self.repository = repository
        self.target = target
        self.key = key
        self.value = value
        subjectVersion = version
    }

    package var subject: String { "forge/\(repository)/\(key)" }
}
