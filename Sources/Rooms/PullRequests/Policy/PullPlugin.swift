/// A rule about pull requests that a repository may have: the commands it answers to, and what it does by itself. Its
/// name is the one that `plugins.yaml` uses.
package struct PullPlugin: Sendable {
    package let name: String
    /// What it does, as a sentence for the help page.
    package let summary: String
    package let commands: [CommandDefinition]
    /// What it does when something happens to the pull request; nil where it only answers to commands.
    package let reaction: Reaction?

    package struct Reaction: Sendable {
        /// What has to be asked of the forge before it can be decided.
        package let needs: @Sendable (PullEvent, PullContext) -> [Question]
        package let react: @Sendable (PullEvent, PullContext) -> [PullAction]

        package init(
            needs: @escaping @Sendable (PullEvent, PullContext) -> [Question] = { _, _ in [] },
            react: @escaping @Sendable (PullEvent, PullContext) -> [PullAction]
        ) {
            self.needs = needs
            self.react = react
        }
    }

    package init(
        _ name: String, _ summary: String, commands: [CommandDefinition] = [], reaction: Reaction? = nil
    ) {
        self.name = name
        self.summary = summary
        self.commands = commands
        self.reaction = reaction
    }
}

/// What happened to a pull request.
package enum PullEvent: Hashable, Sendable {
    case opened
    case reopened
    case closed
    /// Another head.
    case pushed
    /// Another title, text or base branch; `PullContext.previousBase` tells which.
    case edited
    case labeled(String)
    case unlabeled(String)
    case readyForReview
    case convertedToDraft
    case milestoned
    case demilestoned
    /// A comment was written; its commands have been decided.
    case commented
    /// A review was submitted or dismissed; the commands in it have been decided.
    case reviewed
    /// A comment was deleted, or edited so that it says less: what it said counts no more.
    case withdrawn
    /// The base branch moved, or the forge found out whether the pull request can be merged.
    case mergeabilityKnown
    /// Somebody else than us set the status of a context on the head.
    case statusTold(String)
    /// Anything else that a delivery told, e.g. `assigned`.
    case other(String)
}
