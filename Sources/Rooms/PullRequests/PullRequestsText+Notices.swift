import FoundationEssentials
import JobConfig

/// What plugins say by themselves.
extension PullRequestsText {
    static func needsRebase(_ author: String, _ base: String) -> String {
        "@\(author): this pull request conflicts with `\(code(base))`. Rebase it and push."
    }

    static let protected = "the file is protected"
    static func blocked(_ files: [(file: String, explanation: String)]) -> String {
        let lines = files.prefix(50).map { "- `\(code($0.file))`: \($0.explanation)" }
        let more = files.count > 50 ? ["- … and \(files.count - 50) more"] : []
        return "This change touches files that are not to be changed here:\n\n" + (lines + more).joined(separator: "\n")
    }

    static func mergeCommits(_ commits: [String]) -> String {
        let lines = commits.prefix(20).map { "- \($0.prefix(12))" }
        return """
            This pull request contains merge commits, which are not to be merged:

            \(lines.joined(separator: "\n"))

            Rebase it onto its base and push: `git rebase` leaves merge commits out.
            """
    }

    static func invalidMessages(_ commits: [(sha: String, title: String)], isTitleInvalid: Bool) -> String {
        var parts: [String] = []
        if !commits.isEmpty {
            let lines = commits.prefix(20).map { "- \($0.sha.prefix(12)) `\(code($0.title))`" }
            parts.append(
                """
                Messages of commits must not close issues (`Fixes #1`), because they do so again in every fork. Put such \
                words into the text of the pull request.

                \(lines.joined(separator: "\n"))
                """)
        }
        if isTitleInvalid {
            parts.append(
                """
                The title must not close issues (`Fixes #1`) either: it becomes part of the message of the merge. \
                `/retitle NEW TITLE` changes it.
                """)
        }
        return parts.joined(separator: "\n\n")
    }

    static let releaseNoteNeeded = """
        A release note is missing. Add one to the opening text:

        ````
        ```release-note
        What users notice, or NONE
        ```
        ````

        or comment `/release-note-none` if there is nothing to note.
        """
    static let releaseNoteStandsInBody =
        "release notes stand in the opening text of the pull request; edit it. `/release-note-none` says that there is none."
    static let mayNotSayNone = "only its author and who is trusted here can say `/release-note-none`."
    static func mayNotEditNote(_ org: String) -> String {
        "only members of **\(org)** can change the release note of somebody's opening text."
    }
    static let noNoteInComment = "say the new note in a block ```` ```release-note ```` below the command."
    static let noNoteInBody = "the opening text has no block ```` ```release-note ```` to put it into."
    static func deprecationIsNoted(_ label: String) -> String {
        "what has the label `\(label)` is to be noted: write in the opening text what is deprecated."
    }
    static let noteContradicts = "the opening text has a release note; take it out or write NONE there."

    static let cherryPickUnapproved = """
        This pull request is against a release branch and has not been approved for it yet. It is merged once it has the \
        label `cherry-pick-approved`.
        """

    // Prow's words.
    static let signedOff = "All commits have Signed-off-by"
    static let notSignedOff = "Commits in PR missing Signed-off-by"
    static func signOffMissing(_ commits: [(sha: String, title: String)], guide: String) -> String {
        let lines = commits.prefix(20).map { "- \($0.sha.prefix(12)) `\(code($0.title))`" }
        let more = commits.count > 20 ? ["- … and \(commits.count - 20) more"] : []
        return """
            Commits are to be signed off: that says that you may give the change away, as the \
            [Developer Certificate of Origin](https://developercertificate.org/) has it. These are not:

            \((lines + more).joined(separator: "\n"))

            `git rebase --signoff` onto the base signs them all; then push. The [contributing guide](\(guide)) tells more.
            """
    }

    static func mentions(_ teams: [String]) -> String {
        "only mentions by members reach a team, so here they are again: \(teams.joined(separator: ", "))"
    }

    static func picked(_ actor: String, _ branch: String, _ number: Int) -> String {
        "@\(actor): the change for `\(code(branch))` is #\(number)."
    }
    static func notPicked(_ actor: String, _ branch: String, _ reason: String) -> String {
        "@\(actor): the change was not brought to `\(code(branch))`: \(reason)"
    }
    static func pickBody(_ number: Int, _ actor: String, releaseNote: String?) -> String {
        "The change of #\(number), asked for by @\(actor)."
            + (releaseNote.map { "\n\n```release-note\n\($0)\n```" } ?? "")
    }
    static func branchGone(_ branch: String) -> String { "there is no such branch any more." }
    static func pickConflicts(_ commit: String, _ branch: String) -> String {
        "commit \(commit.prefix(12)) conflicts with it. Pick it by hand: `git cherry-pick \(commit.prefix(12))`."
    }
    static func pickedAlready(_ branch: String) -> String { "it has the change already." }
    static let mergesAreNotPicked = "its commits contain merges; pick them by hand."
    static let pullGone = "the pull request is gone."
    static func forgeRefused(_ words: String) -> String { "the forge says: \(code(words))" }

    /// Prow's words.
    static func severalCommits(_ method: MergeMethod, squashLabel: String?, mergeLabel: String?) -> String {
        let other: String
        switch method {
        case .squash:
            other =
                mergeLabel.map { "You can request commits to be merged using the label: \($0)" }
                ?? "Commits will be squashed, as no merge labels are defined"
        case .merge:
            other =
                squashLabel.map { "You can request commits to be squashed using the label: \($0)" }
                ?? "Commits will be merged, as no squash labels are defined"
        default: other = ""
        }
        return "This PR has multiple commits, and the default merge method is: \(method.rawValue).\n\(other)"
    }
}
