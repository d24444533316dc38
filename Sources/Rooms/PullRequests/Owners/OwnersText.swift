import FoundationEssentials
import JobConfig
import Patterns
import SlipwayModel

/// Everything that is said to people about OWNERS files, approvals and reviews.
package enum OwnersText {
    // MARK: In OWNERS files

    static let tooLarge = "it is larger than \(OwnersFile.byteLimit >> 20) MB; an OWNERS file names people, split it"
    static let tooManyFiles =
        "the repository has more than \(OwnersTree.fileLimit) OWNERS files; this one and the rest are not read"

    static func notAMapping(_ kind: String) -> String {
        "an OWNERS file is \(kind); write approvers: and reviewers: with a list of logins below each"
    }

    static func aliasesNotAMapping(_ kind: String) -> String {
        "OWNERS_ALIASES is \(kind); write aliases: with a list of logins below each name"
    }

    static let filtersUnread =
        "filters are not read, because the file names people or labels beside them; move those into the filter '.*'"

    static func brokenFilter(_ error: PatternError) -> String { "the filter \(error); correct it, it matches nothing" }

    static func minimumOutOfRange(_ count: Int) -> String {
        "min_approvers is \(count); write how many people must approve, from 1 to 20"
    }

    static func minimumOutOfReach(_ minimum: Int, people: Int) -> String {
        """
        min_approvers is \(minimum), and only \(people) \(people == 1 ? "person" : "people") could approve: nothing \
        below this folder could be approved; name more approvers or lower it
        """
    }

    static func emptyAlias(_ name: String) -> String { "the alias '\(name.prefix(60))' has no members; remove it" }

    static func nestedAlias(_ name: String, _ other: String) -> String {
        """
        the alias '\(name.prefix(60))' names the alias '\(other.prefix(60))', which stands for nobody here: aliases go \
        one level deep; list its members
        """
    }

    static func aliasCircle(_ name: String) -> String {
        "the alias '\(name.prefix(60))' leads back to itself; list people instead of aliases"
    }

    static func tooManyMembers(_ name: String) -> String {
        "the alias '\(name.prefix(60))' has more than \(OwnersAliases.memberLimit) members; split it"
    }

    static func bannedLabels(_ labels: [String]) -> String {
        let names = labels.prefix(10).map { "'\($0.prefix(60))'" }.joined(separator: ", ")
        return "OWNERS files may not set the label \(names); remove it"
    }

    static let rootWithoutApprovers =
        "the OWNERS file at the root names no approver, so that nobody could approve what no other one covers; name one"

    /// Keys that other tools read.
    static let foreignKeys: Set = [
        "advisory_approvers", "component", "subcomponent", "features", "security_contacts", "maintainers",
    ]

    // MARK: On the page

    static func noFiles(_ fileName: String) -> String { "This branch has no \(fileName) file yet" }
    static func whatOwnersAre(_ fileName: String) -> String {
        """
        A file \(fileName) says who may approve and who may review changes of its folder and of those below. As long as \
        there is none, nobody's /approve counts here. To begin, put one into the root of the repository:
        """
    }
    static let example = "approvers:\n- maria\nreviewers:\n- li\n"
    static func howToBegin(_ fileName: String) -> String {
        """
        Write logins of the forge, one on each line, and merge the file into this branch. A folder may have a file \
        \(fileName) of its own, which adds people.
        """
    }
    static func notOnForge(_ name: String) -> String {
        """
        The forge has no repository \(name), or does not show it to Slipway. Correct the name in the configuration of its \
        jobs, or give Slipway's account access to it.
        """
    }
    static func noApprover(_ path: String, _ fileName: String) -> String {
        let place = path.isEmpty ? "the root" : "'\(path.prefix(200))' or a folder above it"
        return """
            Nobody: no \(fileName) file of \(place) names an approver who counts. Put one into the folder, with \
            'approvers:' and a login behind '- ' in each line below it, and merge it into this branch.
            """
    }

    static let noReviewer =
        "Nobody is named. A folder's OWNERS file names reviewers below 'reviewers:', and those of folders above count as well."

    static let needsNoApproval =
        "A change here needs no approval: the folder above lets whatever lies below it without an OWNERS file pass."

    static let noRepositories =
        "No repository is known yet. One appears here when a job is configured for it, or its first pull request comes."

    static func unknownRepository(_ name: String) -> String {
        "Slipway does not work for a repository '\(name.prefix(200))'; /owners lists those it works for."
    }

    static func noBranch(_ branch: String, _ name: RepositoryName) -> String {
        "\(name) has no branch '\(branch.prefix(200))'; choose another one."
    }

    static let noPath = "The path is longer than 1000 bytes, or holds a control character."
    static let forgeAway = "The forge does not give the repository's files now. Try again in a minute."

    // MARK: On the pull request

    package static let approvalTag = "<!-- slipway-approval -->"
    package static let lgtmTag = "<!-- slipway-lgtm -->"
    package static let verifyTag = "<!-- slipway-verify-owners -->"

    static func refusal(_ refusal: LgtmDecision.Refusal) -> String {
        switch refusal {
        case .ownPull:
            "a change is looked at by somebody else than its author, so your `/lgtm` does not count."
        case .notCollaborator:
            "`/lgtm` is for collaborators of this repository. Your review is welcome as a comment."
        case .notOwner:
            """
            `/lgtm` is for those whom the OWNERS files name as reviewers or approvers of the changed files. \
            Your review is welcome as a comment.
            """
        case .outdated:
            """
            new commits were pushed since you wrote `/lgtm`, so it does not count. Look at them, and say it \
            again.
            """
        }
    }

    static func lgtmRemoved(head: String) -> String {
        """
        The label `lgtm` was removed, because the change is not the one that was reviewed: \(head.prefix(12)) was \
        pushed. It needs another `/lgtm`.
        """
    }

    static func baseUnreadable(_ branch: String) -> String {
        """
        The branch `\(code(branch))` cannot be read, or is gone, and its OWNERS files with it: nobody can approve until \
        the pull request has a base that is there.
        """
    }

    static let collaboratorsUnknown =
        """
        The forge does not tell who collaborates on this repository, so that nobody counts as an approver. Let the bot \
        read the repository's collaborators, or name the repository in `owners.skip_collaborators`.
        """

    static func invalidOwners(
        _ verification: OwnersVerification, untrusted: [OwnersVerification.Newcomer], org: String
    ) -> String {
        var parts: [String] = []
        if !verification.errors.isEmpty {
            parts.append("These OWNERS files cannot be accepted as they are:")
            parts.append(list(verification.errors.map { "`\(code($0.file))`\(line($0.line)): \(plain($0.message))" }))
        }
        if !untrusted.isEmpty {
            parts.append(
                "These people are named for the first time, and are neither members of **\(org)** nor collaborators:")
            parts.append(list(untrusted.map { "`\(code($0.login))` in `\(code($0.file))`\(line($0.line))" }))
            parts.append(
                "Correct the spelling, or let them join first. `/verify-owners` in a comment looks at it again.")
        }
        if !verification.hints.isEmpty {
            parts.append("Worth a look, though it keeps nothing from merging:")
            parts.append(list(verification.hints.map { "`\(code($0.file))`\(line($0.line)): \(plain($0.message))" }))
        }
        return parts.joined(separator: "\n\n")
    }

    private static func list(_ lines: [String]) -> String {
        let shown = lines.prefix(30).map { "- \($0)" }
        return (shown + (lines.count > 30 ? ["- … and \(lines.count - 30) more"] : [])).joined(separator: "\n")
    }

    private static func line(_ number: Int) -> String { number > 0 ? ", line \(number)" : "" }

    /// A name out of a file, as far as it is one: no Markdown, no HTML, no mention.
    static func login(_ name: String) -> String {
        String(name.prefix(60).map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.[]/".contains($0)) ? $0 : "?" })
    }

    /// Text within a code span.
    static func code(_ text: some StringProtocol) -> String {
        String(text.prefix(300)).replacing("`", with: "'").replacing("\n", with: " ").replacing("|", with: "\\|")
    }

    /// Somebody else's words in Markdown: no mentions, no HTML.
    static func plain(_ text: String) -> String {
        String(text.prefix(600)).replacing("<", with: "&lt;").replacing("@", with: "@\u{200B}")
            .replacing("\n", with: " ").replacing("|", with: "\\|")
    }
}
