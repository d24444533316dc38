package import SlipwayModel

/// How new a result of a job has to be for the merger: the job's annotation `slipway.dev/merge-freshness`.
package enum MergeFreshness: Hashable, Sendable {
    /// `always`: the job runs for every tree that is to land.
    case always
    /// `tree`, and where nothing is written: a success on the same tree counts, whichever run it was.
    case tree
    /// A duration such as `12h`: a success of the pull request itself counts for so many seconds, on whatever base.
    case age(seconds: Double)

    package static let annotation = "slipway.dev/merge-freshness"

    /// Nil where the text is none of the three.
    package init?(_ text: String) {
        switch text {
        case "always": self = .always
        case "tree": self = .tree
        default:
            guard let seconds = GoDuration.seconds(text), seconds > 0 else { return nil }
            self = .age(seconds: seconds)
        }
    }
}

extension ResolvedJob {
    package var mergeFreshness: MergeFreshness {
        annotations[MergeFreshness.annotation].flatMap { MergeFreshness($0) } ?? .tree
    }
}
