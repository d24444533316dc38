package import SlipwayModel

/// What a change of a pull request means for its runs. Pure; Prow's table (trigger plugin, `pull-request.go`).
///
/// | event | aborts | starts | says |
/// |---|---|---|---|
/// | opened, trusted | | automatic jobs | |
/// | opened, trusted, draft | | | how to start tests of a draft |
/// | opened, untrusted | | | who may start tests |
/// | synchronize | presubmits of older heads | automatic jobs if trusted and no draft | |
/// | reopened, ready_for_review, edited with another base | | automatic jobs if trusted and no draft | |
/// | labeled `ok-to-test` by a person | | automatic jobs unless draft | |
/// | labeled `lgtm` on an untrusted one | | automatic jobs unless draft | |
/// | closed, converted_to_draft | all presubmits | | |
/// | anything else, or anything on a closed one | | | |
///
/// Where jobs would start and the forge says that the pull request cannot be merged, nothing starts and every status
/// says so. (Prow starts nothing either, and stays silent.)
package struct PullDecision: Hashable, Sendable {
    package enum Abort: Hashable, Sendable {
        /// Whatever tests another head than the present one.
        case olderHeads
        case everything
    }

    package enum Notice: Hashable, Sendable {
        /// The author is not trusted: who may start tests, and how.
        case untrusted
        /// A draft: tests start when it is ready, or when asked for.
        case draft
    }

    package var abort: Abort?
    package var startsJobs: Bool
    package var notice: Notice?

    package static let nothing = PullDecision()

    package init(abort: Abort? = nil, startsJobs: Bool = false, notice: Notice? = nil) {
        self.abort = abort
        self.startsJobs = startsJobs
        self.notice = notice
    }

    package static let okToTest = "ok-to-test"

    /// - Parameters:
    ///   - isTrusted: the author is trusted, or the label `ok-to-test` stands on the pull request.
    ///   - bot: our own login; labels that we set ourselves start nothing, because their command did.
    package init(_ event: PullChanged, isTrusted: @autoclosure () -> Bool, bot: String) {
        guard Self.mayMatter(event, bot: bot) else {
            self = .nothing
            return
        }
        switch event.action {
        case "closed", "converted_to_draft":
            self.init(abort: .everything)
        case "opened":
            if !isTrusted() {
                self.init(notice: .untrusted)
            } else if event.isDraft {
                self.init(notice: .draft)
            } else {
                self.init(startsJobs: true)
            }
        case "synchronize":
            self.init(abort: .olderHeads, startsJobs: !event.isDraft && isTrusted())
        case "labeled" where event.label == "lgtm":
            self.init(startsJobs: !event.isDraft && !isTrusted())
        case "labeled":
            self.init(startsJobs: !event.isDraft)
        default:
            self.init(startsJobs: !event.isDraft && isTrusted())
        }
    }

    /// Whether the event can lead to anything, so that nothing is asked of the forge for the many that cannot.
    package static func mayMatter(_ event: PullChanged, bot: String) -> Bool {
        switch event.action {
        case "closed": true
        case "converted_to_draft", "opened", "synchronize", "reopened", "ready_for_review": event.isOpen
        case "edited": event.isOpen && event.previousBaseRef != nil && event.previousBaseRef != event.baseRef
        case "labeled":
            event.isOpen
                && (event.label == "lgtm"
                    || event.label == okToTest && event.sender.lowercased() != bot.lowercased())
        default: false
        }
    }

    /// Whether it could start jobs or speak, and so needs to know trust, base and mergeability from the forge.
    package static func mayStartJobs(_ event: PullChanged, bot: String) -> Bool {
        mayMatter(event, bot: bot) && event.action != "closed" && event.action != "converted_to_draft"
    }
}
