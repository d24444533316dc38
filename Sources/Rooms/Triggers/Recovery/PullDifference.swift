package import Forge
package import SlipwayModel

/// What happened to a pull request that no delivery told of: the difference between what is known and what the forge
/// shows now. Pure.
///
/// | known | at the forge | action |
/// |---|---|---|
/// | nothing | open | `opened` |
/// | nothing, or closed | closed | none |
/// | open | closed | `closed` |
/// | closed | open | `reopened` |
/// | | another head | `synchronize` |
/// | | another base branch | `edited` |
/// | draft / ready | ready / draft | `ready_for_review` / `converted_to_draft` |
/// | | `ok-to-test` or `lgtm` more | `labeled` |
///
/// Of several the first of the table counts: the jobs that it starts see all the others.
package struct PullDifference: Hashable, Sendable {
    /// A pull request as Slipway knows it.
    package struct Known: Hashable, Sendable {
        package var headSHA: String
        package var baseRef: String
        package var isOpen: Bool
        package var isDraft: Bool
        package var labels: [String]

        package init(headSHA: String, baseRef: String, isOpen: Bool, isDraft: Bool, labels: [String]) {
            self.headSHA = headSHA
            self.baseRef = baseRef
            self.isOpen = isOpen
            self.isDraft = isDraft
            self.labels = labels
        }
    }

    /// GitHub's name for the event.
    package var action: String
    package var previousBaseRef: String?
    package var label: String?

    /// Labels that start jobs.
    private static let labels = ["ok-to-test", "lgtm"]

    /// Nil where nothing that matters differs.
    package init?(_ known: Known?, _ actual: PullRequest) {
        guard let known else {
            guard actual.isOpen else { return nil }
            self.init(action: "opened")
            return
        }
        let isDraft = actual.isDraft ?? false
        if !actual.isOpen {
            guard known.isOpen else { return nil }
            self.init(action: "closed")
        } else if !known.isOpen {
            self.init(action: "reopened")
        } else if known.headSHA != actual.head.sha {
            self.init(action: "synchronize")
        } else if known.baseRef != actual.base.ref {
            self.init(action: "edited", previousBaseRef: known.baseRef)
        } else if known.isDraft != isDraft {
            self.init(action: isDraft ? "converted_to_draft" : "ready_for_review")
        } else if let label = Self.labels.first(where: {
            actual.labelNames.contains($0) && !known.labels.contains($0)
        }) {
            self.init(action: "labeled", label: label)
        } else {
            return nil
        }
    }

    private init(action: String, previousBaseRef: String? = nil, label: String? = nil) {
        self.action = action
        self.previousBaseRef = previousBaseRef
        self.label = label
    }

    /// The event that was missed. Its id is the same whoever finds it, so that it starts everything once.
    package func event(_ pull: PullRequest, in repository: RepositoryName) -> PullChanged {
        let version = pull.updatedAt?.milliseconds ?? 0
        // A head comes once; everything else may happen to it again and again.
        let instance = action == "opened" || action == "synchronize" ? pull.head.sha : "\(pull.head.sha)/\(version)"
        return PullChanged(
            repository: repository, number: pull.number, action: action, title: pull.title, author: pull.author,
            authorAssociation: pull.authorAssociation, isOpen: pull.isOpen, isDraft: pull.isDraft ?? false,
            isMerged: pull.wasMerged, headRef: pull.head.ref, headSHA: pull.head.sha, baseRef: pull.base.ref,
            baseSHA: pull.base.sha, previousBaseRef: previousBaseRef, label: label, labels: pull.labelNames,
            // Who did it is not told.
            sender: "ghost", mergeable: pull.mergeable, link: pull.htmlURL,
            deliveryID: "reconciled/\(repository)#\(pull.number)/\(action)/\(instance)", subjectVersion: version)
    }
}
