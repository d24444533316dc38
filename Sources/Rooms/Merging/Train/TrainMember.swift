package import FoundationEssentials

/// A pull request that waits for its merge, at the head it entered with.
package struct TrainMember: Hashable, Sendable, Codable {
    package var number: Int
    package var head: String
    /// Since when it waits: kept when it leaves the line and comes back.
    package var enteredAt: Date
    /// Higher goes first; 0 is the default.
    package var priority: Int
    /// When its head passed a job, by job hash: what a job with a maximum age asks for.
    package var passes: [String: Date]

    // What the train found out about it.

    /// A lane passed with it: it goes before those of which nothing is known.
    package internal(set) var isCleared = false
    /// It was cleared, and failed together with others that were not: next time those are kept apart.
    package internal(set) var staysWithCleared = false
    /// It has waited longer than the policy allows: it goes before all others.
    package internal(set) var isOverdue = false
    /// The branch on which it conflicted with members before it: it waits until the branch moves.
    package internal(set) var conflictedOn: String?
    /// Failures with nothing but the base below it, since it was last cleared.
    package internal(set) var aloneFailures: [TrainFailure] = []

    package init(number: Int, head: String, enteredAt: Date, priority: Int = 0, passes: [String: Date] = [:]) {
        self.number = number
        self.head = head
        self.enteredAt = enteredAt
        self.priority = priority
        self.passes = passes
    }

    /// The order of the queue. Total: two members of one train differ in their number.
    func goes(before other: TrainMember) -> Bool {
        if isOverdue != other.isOverdue { return isOverdue }
        if isCleared != other.isCleared { return isCleared }
        if priority != other.priority { return priority > other.priority }
        if enteredAt != other.enteredAt { return enteredAt < other.enteredAt }
        return number < other.number
    }
}

/// The tip of the branch that the train merges into.
package struct TrainBase: Hashable, Sendable, Codable {
    package var commit: String
    package var tree: String

    package init(commit: String, tree: String) {
        self.commit = commit
        self.tree = tree
    }
}

/// A job that a trial must pass, as the configuration resolves it for the members together.
package struct TrainJob: Hashable, Sendable, Codable {
    /// What counts as tested.
    package enum Freshness: Hashable, Sendable, Codable {
        /// Only a run that was requested for this trial.
        case always
        /// A run of any trial that had the same tree.
        case tree
        /// A pass of every member, each on whatever base, at most so many seconds old: for jobs of hours.
        case age(seconds: Double)
    }

    package var name: String
    package var hash: String
    package var freshness: Freshness
    /// Where it is not called like the job.
    private var ownContext: String?

    /// What statuses call it.
    package var context: String { ownContext ?? name }

    package init(name: String, hash: String, freshness: Freshness = .tree, context: String? = nil) {
        self.name = name
        self.hash = hash
        self.freshness = freshness
        ownContext = context == name ? nil : context
    }
}
