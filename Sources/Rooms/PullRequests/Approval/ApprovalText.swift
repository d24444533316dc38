package import SlipwayModel

/// The one comment about approvals: what is approved by whom, who can approve the rest, and whom to ask.
///
/// Its first line and the hidden `META` are Prow's, because tools read them.
package struct ApprovalText: Sendable {
    package var repository: RepositoryName
    package var branch: String
    /// The forge's address, for links to OWNERS files.
    package var forge: String
    /// The page that lists the commands.
    package var commandHelp: String?
    /// What the installation says about its process (`approve.pr_process_link`).
    package var process: String?

    package init(
        repository: RepositoryName, branch: String, forge: String, commandHelp: String? = nil, process: String? = nil
    ) {
        self.repository = repository
        self.branch = branch
        self.forge = forge
        self.commandHelp = commandHelp
        self.process = process
    }

    /// Folders that are listed; a change of more has its whole list on the pull request's page.
    private static let partLimit = 60
    private static let nameLimit = 12
    private static let metaLimit = 100

    /// - Parameter problem: why nobody can approve now.
    package func body(_ decision: ApprovalDecision, problem: String? = nil) -> String {
        var parts = [
            "[APPROVALNOTIFIER] This PR is **\(decision.isApproved ? "APPROVED" : "NOT APPROVED")**"
        ]
        if decision.isBypassed {
            parts.append("Somebody set the label `approved` by hand, so the rules below are not asked for.")
        }
        parts.append(approvals(decision))
        if let issue = issue(decision) { parts.append(issue) }
        if let problem {
            parts.append(problem)
        } else if !decision.isApproved, let next = next(decision) {
            parts.append(next)
        }
        if let table = table(decision) { parts.append(table) }
        var footer = "`/approve` in a comment approves, `/approve cancel` takes it back."
        if let commandHelp { footer += " [All commands](\(commandHelp))." }
        if let process { footer += " [How changes are made here](\(process))." }
        parts.append(footer)
        let names = decision.suggestion.people.prefix(Self.metaLimit).map { "\"\(OwnersText.login($0))\"" }
        parts.append("<!-- META={\"approvers\":[\(names.joined(separator: ","))]} -->")
        return parts.joined(separator: "\n\n")
    }

    private func approvals(_ decision: ApprovalDecision) -> String {
        guard !decision.approvals.isEmpty else { return "Nobody has approved it yet." }
        let names = decision.approvals.map { approval in
            let how =
                switch approval.how {
                case .command: ""
                case .lgtm: " by `/lgtm`"
                case .review: " by a review"
                case .author: " as its author"
                }
            return
                (approval.link.map { "[\(OwnersText.login(approval.login))](\($0))" }
                ?? OwnersText.login(approval.login))
                + how
        }
        var text = "Approved by \(names.joined(separator: ", "))."
        if !decision.notDistinct.isEmpty {
            text +=
                " \(decision.notDistinct.joined(separator: ", ")) is also the only one to have said `/lgtm`, and only one of the two counts."
        }
        return text
    }

    private func issue(_ decision: ApprovalDecision) -> String? {
        if decision.lacksIssue {
            return """
                No issue is named. Name one in the text of the pull request, or let an approver waive it with \
                `/approve no-issue`.
                """
        }
        if let issue = decision.issue { return "Its issue is #\(issue)." }
        guard !decision.waivedBy.isEmpty else { return nil }
        return "It needs no issue, says \(decision.waivedBy.map(\.login).joined(separator: ", "))."
    }

    private func next(_ decision: ApprovalDecision) -> String? {
        let missing = decision.parts.filter { !$0.isApproved }
        if decision.parts.isEmpty, !decision.areFilesApproved {
            return "No changed file is known yet, so there is nothing to approve."
        }
        guard !missing.isEmpty else { return nil }
        let nobody = missing.filter { $0.need.approvers.isEmpty }
        if nobody.count == missing.count {
            return """
                No OWNERS file of the branch `\(OwnersText.code(branch))` names an approver for \
                `\(OwnersText.code(nobody[0].need.example))`. Add one, or let somebody with the right to do so set the \
                label `approved` by hand.
                """
        }
        let asked = decision.asked.map(OwnersText.login)
        let others = decision.suggestion.people.filter { !decision.asked.contains($0) }.map(OwnersText.login)
        guard !asked.isEmpty || !others.isEmpty else { return nil }
        let all = decision.suggestion.people.count
        var text = all == 1 ? "One more approval is enough:" : "\(all) more approvals are enough:"
        if !asked.isEmpty { text += " of \(Self.people(asked))" }
        if !others.isEmpty {
            text += (asked.isEmpty ? " of " : ", and of ") + Self.people(others)
            if others.count <= Self.nameLimit { text += " (`/assign \(others.joined(separator: " "))`)" }
        }
        text += "."
        if !decision.suggestion.isEnough {
            text += " For some parts the OWNERS files name fewer people than must approve."
        }
        return text
    }

    private static func people(_ logins: [String]) -> String {
        let names = logins.prefix(nameLimit).map { "**\($0)**" }
        let more = logins.count - names.count
        return names.joined(separator: " and ") + (more > 0 ? " and \(more) more" : "")
    }

    private func table(_ decision: ApprovalDecision) -> String? {
        guard !decision.parts.isEmpty else { return nil }
        // What is open comes first.
        let ordered = decision.parts.filter { !$0.isApproved } + decision.parts.filter(\.isApproved)
        let rows = ordered.prefix(Self.partLimit).map { part in
            let files = part.need.fileCount == 1 ? "1 file" : "\(part.need.fileCount) files"
            let state =
                part.isApproved
                ? "approved by \(part.approvedBy.joined(separator: ", "))"
                : part.approvedBy.isEmpty
                    ? part.need.minimum == 1 ? "open" : "open, needs \(part.need.minimum)"
                    : "\(part.approvedBy.joined(separator: ", ")); needs \(part.missing) more"
            return "\(owners(part.need)) | \(files) | \(state) | \(who(part.need))"
        }
        var text = """
            OWNERS file | Changed | State | Who can approve
            --- | --- | --- | ---
            \(rows.joined(separator: "\n"))
            """
        if ordered.count > Self.partLimit { text += "\n… and \(ordered.count - Self.partLimit) more | | |" }
        return text
    }

    private func owners(_ need: ApprovalNeed) -> String {
        guard !need.approvers.isEmpty else { return "none for `\(OwnersText.code(need.example))`" }
        let path = need.file.split(separator: "/").map { part in
            part.utf8.map { byte in
                let isPlain = byte.isPlainInPath
                return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
        }.joined(separator: "/")
        return "[\(OwnersText.code(need.file))](\(forge)/\(repository)/blob/\(branch)/\(path))"
    }

    private func who(_ need: ApprovalNeed) -> String {
        guard !need.approvers.isEmpty else { return "nobody" }
        let names = need.approvers.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { OwnersText.login($0.key) }
        let more = names.count - Self.nameLimit
        return names.prefix(Self.nameLimit).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }
}

extension UInt8 {
    /// Needs no escape in the path of an address that stands in a Markdown link.
    fileprivate var isPlainInPath: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
