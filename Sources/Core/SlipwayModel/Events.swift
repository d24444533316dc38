package import FoundationEssentials

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

/// Asks for one run; idempotent by `requestID`. Answered by `run.accepted` or `run.refused`, ended by `run.finished`.
package struct RunRequested: Event {
    package static let type = "run.requested"
    package var requestID: UUID
    package var origin: RunOrigin
    package var kind: JobKind
    /// The job's name in the current configuration (with the repository of `refs` for presubmits and postsubmits).
    package var job: String
    package var refs: Refs?
    /// Higher goes first; 0 is the default.
    package var priority: Int
    package var reuse: ReusePolicy
    package var leases: [String]
    /// Refused, or aborted while still waiting, after this instant.
    package var deadline: Date?
    /// Who declared it passed: it succeeds without being executed.
    package var overriddenBy: String?

    package init(
        requestID: UUID = .version7(), origin: RunOrigin, kind: JobKind, job: String, refs: Refs? = nil,
        priority: Int = 0, reuse: ReusePolicy = .never, leases: [String] = [], deadline: Date? = nil,
        overriddenBy: String? = nil
    ) {
        self.requestID = requestID
        self.origin = origin
        self.kind = kind
        self.job = job
        self.refs = refs
        self.priority = priority
        self.reuse = reuse
        self.leases = leases
        self.deadline = deadline
        self.overriddenBy = overriddenBy
    }

    /// What the description of a run begins with that somebody declared passed; Prow's words.
    package static let overridden = "Overridden by "

    package var subject: String { "request/\(requestID.lowercased)" }
}

package struct RunAccepted: Event {
    package static let type = "run.accepted"
    package var requestID: UUID
    package var runID: RunID

    package init(requestID: UUID, runID: RunID) {
        self.requestID = requestID
        self.runID = runID
    }

    package var subject: String { "request/\(requestID.lowercased)" }
}

package struct RunRefused: Event {
    package static let type = "run.refused"
    package var requestID: UUID
    /// A sentence: why, and what to do.
    package var reason: String

    package init(requestID: UUID, reason: String) {
        self.requestID = requestID
        self.reason = reason
    }

    package var subject: String { "request/\(requestID.lowercased)" }
}

/// Asks to abort a run, in whatever state it is.
package struct RunCancel: Event {
    package static let type = "run.cancel"
    package var runID: RunID
    package var by: String
    package var reason: String

    package init(runID: RunID, by: String, reason: String) {
        self.runID = runID
        self.by = by
        self.reason = reason
    }

    package var subject: String { "run/\(runID)" }
}

/// Tells the agents that an attempt they may be executing must stop: its run was aborted.
package struct RunCancelled: Event {
    package static let type = "run.cancelled"
    package var runID: RunID
    package var buildID: BuildID
    package var reason: String

    package init(runID: RunID, buildID: BuildID, reason: String) {
        self.runID = runID
        self.buildID = buildID
        self.reason = reason
    }

    package var subject: String { "run/\(runID)" }
}

/// A run was put into its cluster's queue.
package struct RunDispatched: Event {
    package static let type = "run.dispatched"
    package var runID: RunID
    package var buildID: BuildID
    package var cluster: String

    package init(runID: RunID, buildID: BuildID, cluster: String) {
        self.runID = runID
        self.buildID = buildID
        self.cluster = cluster
    }

    package var subject: String { "run/\(runID)" }
    package var subjectVersion: Int64 { buildID.number }
}

/// An agent claimed a run.
package struct RunStarted: Event {
    package static let type = "run.started"
    package var runID: RunID
    package var buildID: BuildID
    package var cluster: String

    package init(runID: RunID, buildID: BuildID, cluster: String) {
        self.runID = runID
        self.buildID = buildID
        self.cluster = cluster
    }

    package var subject: String { "run/\(runID)" }
    package var subjectVersion: Int64 { buildID.number }
}

/// A run reached its final state; sent once, by the fenced completer.
package struct RunFinished: Event {
    package static let type = "run.finished"
    package var runID: RunID
    package var buildID: BuildID
    package var requestID: UUID
    package var origin: RunOrigin
    package var kind: JobKind
    package var job: String
    package var jobHash: String
    package var refs: Refs?
    package var tree: String?
    package var state: RunState
    package var requestedAt: Date
    package var startedAt: Date?
    package var finishedAt: Date
    package var configVersion: Int64?
    /// The folder in the artifact store below which each attempt has one of its own, named by its build id.
    package var artifactFolder: String

    package init(
        runID: RunID, buildID: BuildID, requestID: UUID, origin: RunOrigin, kind: JobKind, job: String,
        jobHash: String, refs: Refs?, tree: String?, state: RunState, requestedAt: Date, startedAt: Date?,
        finishedAt: Date, configVersion: Int64?, artifactFolder: String
    ) {
        self.runID = runID
        self.buildID = buildID
        self.requestID = requestID
        self.origin = origin
        self.kind = kind
        self.job = job
        self.jobHash = jobHash
        self.refs = refs
        self.tree = tree
        self.state = state
        self.requestedAt = requestedAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.configVersion = configVersion
        self.artifactFolder = artifactFolder
    }

    package var subject: String { "run/\(runID)" }
    package var subjectVersion: Int64 { buildID.number }
}

/// The tests of a finished run are in rows.
package struct ResultsIngested: Event {
    package static let type = "results.ingested"
    package var runID: RunID
    package var buildID: BuildID
    package var passed: Int
    package var failed: Int
    package var flaky: Int
    package var skipped: Int

    package init(runID: RunID, buildID: BuildID, passed: Int, failed: Int, flaky: Int, skipped: Int) {
        self.runID = runID
        self.buildID = buildID
        self.passed = passed
        self.failed = failed
        self.flaky = flaky
        self.skipped = skipped
    }

    package var subject: String { "run/\(runID)" }
    package var subjectVersion: Int64 { buildID.number }
}

/// What the forge should show. Of several with one key, the greatest version wins; Reporting alone writes it.
package struct ForgeDesired: Event {
    package static let type = "forge.desired"

    package enum Value: Hashable, Sendable, Codable {
        /// `state`: pending, success, failure, error. `description`: at most 140 characters.
        case status(sha: String, context: String, state: String, description: String, targetURL: String?)
        /// Replaces the bot's comment that carries `tag`; nil deletes it.
        case comment(number: Int, tag: String, body: String?)
        case label(number: Int, name: String, present: Bool)
        /// How a label of the repository looks: six hexadecimal digits, a sentence. One that is missing is made.
        case labelDefinition(name: String, color: String, description: String)
        case assignee(number: Int, login: String, present: Bool)
        /// A login, or `org/team`, whose review is asked for.
        case reviewer(number: Int, login: String, present: Bool)
        /// `reason`: completed or not_planned.
        case openness(number: Int, isOpen: Bool, reason: String?)
        case title(number: Int, title: String)
        /// By its title; nil takes it away.
        case milestone(number: Int, title: String?)
        case branchDeletion(branch: String)
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

/// A run wants resources before it is dispatched. Answered by `lease.granted`; its places are given up when the run
/// ends.
package struct LeaseRequested: Event {
    package static let type = "lease.requested"

    package var runID: RunID
    package var job: String
    package var items: [LeaseItem]
    package var priority: Int

    package init(runID: RunID, job: String, items: [LeaseItem], priority: Int) {
        self.runID = runID
        self.job = job
        self.items = items
        self.priority = priority
    }

    package var subject: String { "run/\(runID)" }
}

/// A run's lease was granted: all that it asked for.
package struct LeaseGranted: Event {
    package static let type = "lease.granted"

    package var runID: RunID
    package var leaseID: UUID
    package var resources: [LeasedResource]

    package init(runID: RunID, leaseID: UUID, resources: [LeasedResource]) {
        self.runID = runID
        self.leaseID = leaseID
        self.resources = resources
    }

    package var subject: String { "run/\(runID)" }
}

/// A run's lease ended before the run did.
package struct LeaseLost: Event {
    package static let type = "lease.lost"

    package var runID: RunID
    package var reason: String

    package init(runID: RunID, reason: String) {
        self.runID = runID
        self.reason = reason
    }

    package var subject: String { "run/\(runID)" }
}

/// A run that asked for a lease has ended: what it holds is given back, and what it waits for is given up.
package struct LeaseReturned: Event {
    package static let type = "lease.returned"

    package var runID: RunID

    package init(runID: RunID) { self.runID = runID }

    package var subject: String { "run/\(runID)" }
}

/// Where a run that waits for a lease stands, in words.
package struct LeaseWaiting: Event {
    package static let type = "lease.waiting"

    package var runID: RunID
    package var text: String

    package init(runID: RunID, text: String) {
        self.runID = runID
        self.text = text
    }

    package var subject: String { "run/\(runID)" }
}
