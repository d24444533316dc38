import FoundationEssentials
import JobConfig
import SlipwayModel

/// One thing that happened to a pull request, with all that was asked about it: what a turn is decided from.
struct Occurrence: Sendable {
    /// A text with its commands.
    struct Text: Sendable {
        var reference: CommentReference
        var author: String
        var writtenAt: Date
        /// Without fences, quotes and HTML comments.
        var visible: String
        /// As it was written.
        var written: String
        var calls: [CommandCall]
        /// Whether the pull request was open then, where the delivery says so.
        var openness: Openness?
    }

    struct Openness: Sendable {
        var isOpen: Bool
        /// The forge's time of the change before, in Unix milliseconds.
        var version: Int64
    }

    struct ReviewChange: Sendable {
        var review: PullHistory.Review
        var isDismissal: Bool
    }

    /// A comment or review that was deleted, or edited so that it says less.
    struct Withdrawal: Sendable {
        var reference: CommentReference
        var author: String
        var writtenAt: Date
        /// Nil where nothing is left of it.
        var kept: [CommandCall]?
    }

    var key: PullKey
    var event: PullEvent
    var actor: String
    var at: Date
    var delivery: String
    /// The pull request as the delivery, or the forge, shows it; nil where the delivery says too little and it is
    /// known already.
    var told: PullSnapshot?
    /// The base branch that the pull request had before, where it has another one now.
    var previousBase: String?
    var text: Text?
    var review: ReviewChange?
    var withdrawal: Withdrawal?
    var settings: RepositoryPlugins
    var facts = PullFacts()
    /// Of the configuration that `settings` is from.
    var configVersion: Int64
    var traceparent: String?
}

extension PullSnapshot {
    /// A text may arrive before the delivery that tells of a change which it answers, e.g. `/reopen`.
    mutating func follow(_ openness: Occurrence.Openness?) {
        guard let openness, openness.version >= version, !isMerged else { return }
        isOpen = openness.isOpen
    }
}
