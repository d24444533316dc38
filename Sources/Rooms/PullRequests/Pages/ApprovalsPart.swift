import SlipwayModel
import Web

/// The part of a pull request's page that says which approvals are missing, and who can give them.
enum ApprovalsPart {
    static func values(
        _ approval: ApprovalSummary?, _ repository: RepositoryName, base: String?
    ) -> [String: PageValue] {
        guard let approval else { return ["hasApproval": false] }
        let more = approval.partCount - approval.parts.count
        return [
            "hasApproval": true, "approvalState": .text(approval.isApproved ? "success" : "waiting"),
            "approvalLabel": .text(approval.isApproved ? "approved" : "not approved"),
            "approvalText": .text(text(approval)), "approvalProblem": .optional(approval.problem.map(plain)),
            "hasParts": .flag(!approval.parts.isEmpty),
            "moreParts": more > 0 ? .text("and \(more) more") : .nothing,
            "parts": .objects(
                approval.parts.map { part in
                    [
                        "file": .text(part.approvers.isEmpty ? "no OWNERS file names anybody" : part.file),
                        "path": .text(path(part, repository, base)),
                        "files": .text(part.files == 1 ? "1 file" : "\(part.files) files"),
                        "state": .text(part.missing == 0 ? "success" : "waiting"),
                        "label": .text(label(part)),
                        "people": .text(
                            part.missing == 0 ? part.approvedBy.joined(separator: ", ") : people(part.approvers)),
                    ]
                }),
        ]
    }

    private static func text(_ approval: ApprovalSummary) -> String {
        if let hand = approval.byHand { return "\(hand) set the label by hand, whatever the OWNERS files say." }
        if approval.isApproved { return "Every changed file has its approvers." }
        if approval.lacksIssue { return "It names no issue; an approver can waive that with /approve no-issue." }
        switch approval.suggestion.count {
        case 0: return "Nobody who could give what is missing is known."
        case 1: return "An approval of \(approval.suggestion[0]) is enough."
        default: return "Approvals of \(people(approval.suggestion)) are enough."
        }
    }

    private static func label(_ part: ApprovalSummary.Part) -> String {
        if part.missing == 0 { return "approved" }
        return part.minimum == 1 ? "open" : "\(part.minimum - part.missing) of \(part.minimum)"
    }

    private static func people(_ logins: [String]) -> String {
        let more = logins.count - 8
        return logins.prefix(8).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private static func path(_ part: ApprovalSummary.Part, _ repository: RepositoryName, _ base: String?) -> String {
        part.folder.split(separator: "/").reduce(Link.path("owners", repository.org, repository.repo)) {
            $0 + "/" + Link.encode(String($1))
        } + Link.query([("branch", base)])
    }

    /// Without the marks of Markdown.
    private static func plain(_ text: String) -> String { text.replacing("`", with: "") }
}
