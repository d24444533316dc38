import JobConfig
import SlipwayModel

/// Everything the room says. The statuses' descriptions are Tide's, word for word, because people and tools know them.
enum MergingText {
    /// The forge cuts descriptions here.
    static let descriptionLimit = 140
    /// Tide's room for names of labels and jobs in a description.
    private static let nameRoom = 50

    // MARK: Statuses

    static let inPool = "In merge pool."
    static let conflict = "PR has a merge conflict."
    static let draft = "PR is a draft."
    static let forgeBlocks =
        "PR is blocked from merging by GitHub (check branch protection, required reviews, or rulesets)"
    static let conflictingMethods = "PR has conflicting merge method override labels"
    static let missingReviews = "PullRequest is missing sufficient approving GitHub review(s)"

    static func notMergeable(_ reason: String) -> String {
        let text = reason.isEmpty ? "Not mergeable." : "Not mergeable. \(reason)"
        let characters = text.unicodeScalars
        return characters.count > descriptionLimit ? String(characters.prefix(descriptionLimit - 3)) + "..." : text
    }

    static func forbiddenMethod(_ method: MergeMethod) -> String {
        "Merge type \"\(method.rawValue)\" disallowed by repo settings"
    }

    static func blocked(_ blockers: [MergeBlocker]) -> String {
        "Merging is blocked by issue\(blockers.count == 1 ? "" : "s") "
            + blockers.map { String($0.number) }.joined(separator: ", ") + "."
    }

    static func forbiddenBranch(_ branch: String) -> String { "Merging to branch \(branch) is forbidden." }
    static func noBranch(_ branch: String) -> String { "Branch \(branch) does not exist." }
    static func noQuery(_ branch: String) -> String { "No Tide query for branch \(branch) found." }
    static func otherAuthor(_ author: String) -> String { "Must be by author \(author)." }
    static func milestone(_ milestone: String) -> String { "Must be in milestone \(milestone)." }

    static func needs(_ labels: [String]) -> String {
        let shown = fitting(labels)
        return "Needs \(shown.joined(separator: ", ")) label\(shown.count == 1 ? "" : "s")."
    }

    static func shouldNotHave(_ labels: [String]) -> String {
        let shown = fitting(labels)
        return "Should not have \(shown.joined(separator: ", ")) label\(shown.count == 1 ? "" : "s")."
    }

    static func unsuccessful(_ contexts: [String]) -> String {
        let shown = fitting(contexts)
        return shown.count == 1
            ? "Job \(shown[0]) has not succeeded." : "Jobs \(shown.joined(separator: ", ")) have not succeeded."
    }

    static func retesting(_ contexts: [String]) -> String {
        let text = "Not mergeable. Retesting: \(contexts.sorted().joined(separator: " "))"
        guard text.unicodeScalars.count > descriptionLimit else { return text }
        return "Not mergeable. Retesting \(contexts.count) job\(contexts.count == 1 ? "" : "s")."
    }

    /// What several queries miss.
    static func any(of reasons: [String]) -> String {
        reasons.dropLast().map { ($0.hasSuffix(".") ? String($0.dropLast()) : $0) + " OR " }.joined()
            + (reasons.last ?? "")
    }

    /// As many as fit, at least one.
    private static func fitting(_ names: [String]) -> [String] {
        var room = nameRoom
        var shown: [String] = []
        for name in names {
            guard shown.isEmpty || name.count <= room else { break }
            shown.append(name)
            room -= name.count + (shown.count > 1 ? 2 : 0)
        }
        return shown
    }

    // MARK: Obstacles

    static func conflictObstacle(base: String) -> MergeObstacle {
        MergeObstacle(
            rule: "It conflicts with '\(base)'.",
            remedy:
                "The author rebases it onto '\(base)' (or merges '\(base)' into it), resolves the conflicts and pushes."
        )
    }

    static let draftObstacle = MergeObstacle(
        rule: "It is a draft.", remedy: "The author marks it as ready for review.")

    static let forgeBlocksObstacle = MergeObstacle(
        rule: "The forge says that it is blocked: by the branch's protection, a ruleset, or a review that is missing.",
        remedy: "Its page at the forge names what is missing.")

    static func forbiddenMethodObstacle(_ method: MergeMethod, _ repository: RepositoryName) -> MergeObstacle {
        MergeObstacle(
            rule: "It would be merged by '\(method.rawValue)', which the settings of \(repository) do not allow.",
            remedy: "An administrator allows the method at the forge, or corrects merge_method in the configuration.")
    }

    static func conflictingMethodsObstacle(_ labels: [(label: String, method: MergeMethod)]) -> MergeObstacle {
        MergeObstacle(
            rule: "Its labels \(labels.map(\.label).joined(separator: " and ")) ask for different methods of merging.",
            remedy: "Take all of them away but one.")
    }

    static func blocker(_ issue: MergeBlocker) -> MergeObstacle {
        MergeObstacle(
            rule: "Merging is blocked by issue \(issue.number): \(issue.title)",
            remedy: "It goes on when the issue is closed or its blocker label is taken away.", link: issue.link)
    }

    static func forbiddenBranchObstacle(_ branch: String) -> MergeObstacle {
        MergeObstacle(
            rule: "Nothing is merged into '\(branch)'.",
            remedy: "Change the pull request's base, or have the branch added to a query of tide in the configuration.")
    }

    static func noBranchObstacle(_ branch: String) -> MergeObstacle {
        MergeObstacle(
            rule: "The branch '\(branch)' does not exist, so nothing can be merged into it.",
            remedy: "The author changes the pull request's base, or somebody restores the branch.")
    }

    static func noQueryObstacle(_ repository: RepositoryName) -> MergeObstacle {
        MergeObstacle(
            rule: "No query of tide covers \(repository), so nothing is merged there automatically.",
            remedy: "Add the repository to tide.queries in the configuration, or merge by hand.")
    }

    static func otherAuthorObstacle(_ author: String) -> MergeObstacle {
        MergeObstacle(rule: "Only pull requests by \(author) are merged by the query that comes nearest.")
    }

    static func milestoneObstacle(_ milestone: String) -> MergeObstacle {
        MergeObstacle(
            rule: "It is not in the milestone \(milestone).",
            remedy: "Somebody of the milestone's maintainers comments `/milestone \(milestone)`.")
    }

    static let missingReviewsObstacle = MergeObstacle(
        rule: "The forge does not count enough approving reviews.", remedy: "Reviewers approve it at the forge.")

    static func neededLabel(_ label: String) -> MergeObstacle {
        MergeObstacle(
            rule: "It needs the label \(label).", remedy: remedies[label]?.wanted ?? "Somebody adds the label.")
    }

    static func unwantedLabel(_ label: String) -> MergeObstacle {
        MergeObstacle(
            rule: "It must not have the label \(label).",
            remedy: remedies[label]?.unwanted ?? "Somebody takes the label away.")
    }

    /// What the labels of Prow's plugins mean to whoever wants them there, or away.
    private static let remedies: [String: (wanted: String?, unwanted: String?)] = [
        "lgtm": ("A reviewer who is not the author comments `/lgtm`.", nil),
        "approved": ("Approvers whom the OWNERS files name comment `/approve`.", nil),
        "cncf-cla: yes": ("The author signs the contributor licence agreement.", nil),
        "ok-to-test": ("A member of the organisation comments `/ok-to-test`.", nil),
        "needs-ok-to-test": (nil, "A member of the organisation comments `/ok-to-test`."),
        "needs-rebase": (nil, "The author rebases it onto its base and pushes."),
        "do-not-merge/hold": (nil, "Whoever may end the hold comments `/hold cancel`."),
        "do-not-merge/work-in-progress": (
            nil, "The author takes WIP out of the title, and marks it as ready for review."
        ),
        "do-not-merge/invalid-owners-file": (nil, "The author corrects the OWNERS files that it changes."),
        "do-not-merge/release-note-label-needed": (
            nil, "The author writes a release note into its text, or comments `/release-note-none`."
        ),
        "do-not-merge/contains-merge-commits": (nil, "The author rebases it, so that it has no merge commits."),
        "do-not-merge/cherry-pick-not-approved": (nil, "A release manager approves the cherry-pick."),
        "do-not-merge/needs-kind": (nil, "Somebody comments `/kind` with one of the kinds."),
        "do-not-merge/needs-sig": (nil, "Somebody comments `/sig` with the group it concerns."),
        "do-not-merge/invalid-commit-message": (
            nil, "The author removes mentions and closing keywords from its commits."
        ),
    ]

    static func unsuccessful(
        _ context: String, _ state: ContextState?, command: String?, hidesChecks: Bool = false
    ) -> MergeObstacle {
        switch state {
        case nil:
            MergeObstacle(
                rule: "\(context) is required and was never reported on its newest commit.",
                remedy: command.map { "Comment `\($0)`." }
                    ?? (hidesChecks
                        ? "Whatever reports it has to run. If it is a check run, the forge does not show it to Slipway: an administrator gives the App the permission to read checks."
                        : "Whatever reports it has to run; an administrator looks after it where it does not."))
        case .pending?:
            MergeObstacle(rule: "\(context) has not ended yet.", remedy: "Nothing: it goes on when it succeeds.")
        default:
            MergeObstacle(
                rule: "\(context) failed.",
                remedy: "The author mends what fails and pushes"
                    + (command.map { ", or comments `\($0)` where the change is not to blame." } ?? "."))
        }
    }
}
