package import FoundationEssentials
package import SlipwayModel

/// What somebody said about approving, in one comment or review.
package struct ApprovalRemark: Sendable, Hashable, Codable {
    package enum Review: String, Sendable, Hashable, Codable { case approved, changesRequested = "changes_requested" }

    package var author: String
    package var at: Date
    /// Orders remarks of one instant; the forge counts comments upwards.
    package var id: Int64
    package var link: String?
    package var commands: [CommandIssued.Command]
    /// Nil for comments, and for reviews that only comment or were dismissed.
    package var review: Review?

    package init(
        author: String, at: Date, id: Int64, link: String? = nil, commands: [CommandIssued.Command] = [],
        review: Review? = nil
    ) {
        self.author = author
        self.at = at
        self.id = id
        self.link = link
        self.commands = commands
        self.review = review
    }
}

/// The rules of a repository: an entry of `approve` in Prow's `plugins.yaml`, with Prow's defaults.
package struct ApprovalRules: Sendable, Hashable {
    package var requiresSelfApproval = false
    package var ignoresReviewState = false
    package var lgtmActsAsApprove = false
    package var issueRequired = false
    /// Whoever is the only one to have said that it looks good does not count as an approver. Not known to Prow.
    package var distinctReviewers = false

    package init() {}
}

/// An approval that stands.
package struct Approval: Sendable, Hashable {
    package enum How: Sendable, Hashable { case command, lgtm, review, author }

    /// As the forge writes it.
    package var login: String
    package var how: How
    package var link: String?
    /// It also waives the issue that the pull request lacks.
    package var waivesIssue: Bool

    package init(login: String, how: How, link: String? = nil, waivesIssue: Bool = false) {
        self.login = login
        self.how = how
        self.link = link
        self.waivesIssue = waivesIssue
    }
}

/// The approvals that stand after all remarks: each one's latest word counts. Pure; Prow's `addApprovers`.
///
/// | remark | effect on its author's approval |
/// |---|---|
/// | `/approve`, with any words behind it | stands |
/// | `/approve no-issue` | stands, waives the issue; a later plain `/approve` keeps that |
/// | `/approve cancel`, `/remove-approve` | gone |
/// | `/lgtm`, with any words behind it | as `/approve` under `lgtm_acts_as_approve`, else none |
/// | `/lgtm cancel`, `/remove-lgtm` | gone under `lgtm_acts_as_approve`, else none |
/// | review that approves | stands, unless `ignore_review_state` |
/// | review that requests changes | gone, unless `ignore_review_state` |
///
/// Commands of a review come after its state. The author approves by opening, unless `require_self_approval`. What the
/// bot says counts for nothing. (Prow lets `/lgtm` count in a comment that holds an `/approve` as well, whatever the
/// option says; here the option decides.)
package struct ApprovalRecord: Sendable {
    /// By login in lower case.
    package private(set) var approvals: [String: Approval] = [:]

    package init(_ remarks: [ApprovalRemark], author: String, pullLink: String?, bot: String, rules: ApprovalRules) {
        if !rules.requiresSelfApproval {
            approvals[author.lowercased()] = Approval(login: author, how: .author, link: pullLink)
        }
        for remark in remarks.sorted(by: { ($0.at, $0.id) < ($1.at, $1.id) })
        where !remark.author.isEmpty && remark.author.lowercased() != bot.lowercased() {
            if let review = remark.review, !rules.ignoresReviewState {
                switch review {
                case .approved: add(remark, .review, waivesIssue: false)
                case .changesRequested: approvals[remark.author.lowercased()] = nil
                }
            }
            for command in remark.commands {
                switch ApprovalIntent(command) {
                case .approves(let waivesIssue): add(remark, .command, waivesIssue: waivesIssue)
                case .cancels: approvals[remark.author.lowercased()] = nil
                case .looksGood(let waivesIssue) where rules.lgtmActsAsApprove:
                    add(remark, .lgtm, waivesIssue: waivesIssue)
                case .looksGoodNoMore where rules.lgtmActsAsApprove: approvals[remark.author.lowercased()] = nil
                default: break
                }
            }
        }
    }

    private mutating func add(_ remark: ApprovalRemark, _ how: Approval.How, waivesIssue: Bool) {
        let login = remark.author.lowercased()
        if let standing = approvals[login], standing.waivesIssue, !waivesIssue { return }
        approvals[login] = Approval(login: remark.author, how: how, link: remark.link, waivesIssue: waivesIssue)
    }
}

/// What a command says about approval.
package enum ApprovalIntent: Sendable, Hashable {
    case approves(waivesIssue: Bool)
    case cancels
    case looksGood(waivesIssue: Bool)
    case looksGoodNoMore

    package init?(_ command: CommandIssued.Command) {
        let argument = command.arguments.lowercased()
        switch command.name {
        case "approve": self = argument.contains("cancel") ? .cancels : .approves(waivesIssue: argument == "no-issue")
        case "remove-approve": self = .cancels
        case "lgtm":
            self = argument.contains("cancel") ? .looksGoodNoMore : .looksGood(waivesIssue: argument == "no-issue")
        case "remove-lgtm": self = .looksGoodNoMore
        default: return nil
        }
    }
}
