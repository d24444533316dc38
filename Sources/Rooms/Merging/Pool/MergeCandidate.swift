package import Forge
package import JobConfig
import Patterns
package import SlipwayModel

/// An open pull request, as far as rules of merging ask for it.
package struct MergeCandidate: Hashable, Sendable {
    package var repository: RepositoryName
    package var number: Int
    package var title: String
    package var body: String
    package var author: String
    package var headRef: String
    package var headSHA: String
    package var baseRef: String
    package var isDraft: Bool
    /// Nil while the forge has not found out.
    package var mergeable: Bool?
    package var labels: Set<String>
    package var milestone: String?
    /// What the forge makes of its reviews: `approved`, `changes_requested`; nil where it asks for none.
    package var reviewDecision: String?
    package var link: String?

    package init(
        repository: RepositoryName, number: Int, title: String = "", body: String = "", author: String = "",
        headRef: String = "", headSHA: String, baseRef: String, isDraft: Bool = false, mergeable: Bool? = nil,
        labels: Set<String> = [], milestone: String? = nil, reviewDecision: String? = nil, link: String? = nil
    ) {
        self.repository = repository
        self.number = number
        self.title = title
        self.body = body
        self.author = author
        self.headRef = headRef
        self.headSHA = headSHA
        self.baseRef = baseRef
        self.isDraft = isDraft
        self.mergeable = mergeable
        self.labels = labels
        self.milestone = milestone
        self.reviewDecision = reviewDecision
        self.link = link
    }

    /// What a template of a merge commit may name.
    var templateSubject: TideMergeTemplate.Subject {
        TideMergeTemplate.Subject(
            repository: repository, number: number, title: title, body: body, author: author, baseRef: baseRef,
            headRef: headRef, headSHA: headSHA, labels: labels.sorted(), milestone: milestone)
    }
}

/// The state of a context at the forge, which is a status or a check run.
package enum ContextState: String, Hashable, Sendable, Codable {
    case success, pending, failure, error

    /// Each context's state. Where a status and a check run have one name, both have to be green.
    package static func shown(by statuses: [CommitStatus], and checks: [CheckRun]) -> [String: ContextState] {
        var contexts: [String: ContextState] = [:]
        for status in statuses { contexts[status.context] = ContextState(rawValue: status.state) ?? .pending }
        for check in checks.latest {
            let state = ContextState(rawValue: check.state) ?? .pending
            let status = contexts[check.name] ?? .success
            contexts[check.name] = status == .success || state == .failure ? state : status
        }
        return contexts
    }
}

/// An open issue that stops merging: those that carry the blocker label.
package struct MergeBlocker: Hashable, Sendable, Codable {
    package var number: Int
    package var title: String
    package var link: String?

    package init(number: Int, title: String, link: String? = nil) {
        self.number = number
        self.title = title
        self.link = link
    }

    /// Branches that its title names, as in `branch:NAME` or `branch: "NAME"`; empty: it blocks all of them.
    package var branches: [String] {
        Self.mention?.allMatches(in: title).compactMap { $0[1].map(String.init) } ?? []
    }

    /// Tide's (pkg/tide/blockers).
    private static let mention = try? Pattern(#"(?i)\bbranch:[^\w-]*([\w./-]+)\b"#)

    package func blocks(_ branch: String) -> Bool {
        let branches = branches
        return branches.isEmpty || branches.contains(branch)
    }
}

/// What a pull request may do, and what it lacks.
package struct MergeStanding: Hashable, Sendable {
    /// Nil where its labels contradict each other.
    package var method: MergeMethod?
    /// None: it meets its pool's rules.
    package var obstacles: [MergeObstacle]
    /// Of the status at the forge: success, pending or error.
    package var state: String
    /// Tide's wording, at most 140 characters.
    package var description: String
    /// Its place among the sets of `priority`; lower goes first.
    package var priority: Int

    package var isEligible: Bool { obstacles.isEmpty }

    /// The first refusal is the one that the status tells.
    mutating func refuse(_ state: String, _ reason: String, _ obstacles: [MergeObstacle]) {
        if self.obstacles.isEmpty {
            self.state = state
            description = MergingText.notMergeable(reason)
        }
        self.obstacles += obstacles
    }
}
