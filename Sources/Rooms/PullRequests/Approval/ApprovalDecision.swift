import Patterns

/// Whether a pull request is approved, and what is missing. Pure.
package struct ApprovalDecision: Sendable {
    /// What it is decided from.
    package struct Question: Sendable {
        package var org: String
        package var number: Int
        package var author: String
        /// The pull request's text, in which an issue may be named.
        package var body: String
        package var record: ApprovalRecord
        package var needs: ApprovalNeeds
        package var rules: ApprovalRules
        /// Logins that are assigned or asked for a review.
        package var preferred: [String] = []
        /// Those whose `/lgtm` stands.
        package var reviewers: [String] = []
        /// A person, not the bot, set the label `approved`.
        package var isApprovedByHand = false

        package init(
            org: String, number: Int, author: String, body: String, record: ApprovalRecord, needs: ApprovalNeeds,
            rules: ApprovalRules
        ) {
            self.org = org
            self.number = number
            self.author = author
            self.body = body
            self.record = record
            self.needs = needs
            self.rules = rules
        }
    }

    package struct Part: Sendable, Hashable {
        package var need: ApprovalNeed
        /// As the forge writes them, in alphabetical order.
        package var approvedBy: [String]
        package var missing: Int

        package var isApproved: Bool { missing == 0 }
        /// Fewer people are named than it takes.
        package var cannotBeApproved: Bool { need.approvers.count < need.minimum }
    }

    /// Every approval that stands, by login; some may cover nothing.
    package private(set) var approvals: [Approval]
    package private(set) var parts: [Part]
    /// The issue that the pull request names.
    package private(set) var issue: Int?
    /// Approvers who waive it.
    package private(set) var waivedBy: [Approval]
    package private(set) var suggestion: ApproverSuggestion
    /// Those of the suggestion who are assigned or asked already.
    package private(set) var asked: [String]
    /// Approvals left out because their giver is the only reviewer (`distinct_reviewers`).
    package private(set) var notDistinct: [String]
    package private(set) var lacksIssue: Bool
    private let isApprovedByHand: Bool
    private let hasFiles: Bool

    package init(_ question: Question) {
        let rules = question.rules
        var counted = question.record.approvals
        let reviewers = Set(question.reviewers.map { $0.lowercased() })
        let onlyReviewer = rules.distinctReviewers && reviewers.count == 1 ? reviewers.first : nil
        notDistinct = onlyReviewer.flatMap { counted.removeValue(forKey: $0)?.login }.map { [$0] } ?? []
        approvals = question.record.approvals.sorted { $0.key < $1.key }.map(\.value)
        parts = question.needs.needs.map { need in
            let approvedBy = need.approvers.keys.compactMap { counted[$0]?.login }
            return Part(
                need: need, approvedBy: approvedBy.sorted(), missing: max(0, need.minimum - approvedBy.count))
        }
        hasFiles = question.needs.fileCount > 0
        isApprovedByHand = question.isApprovedByHand
        issue = rules.issueRequired ? Self.issue(in: question.body, org: question.org) : nil
        waivedBy = counted.filter { login, approval in
            approval.waivesIssue && question.needs.needs.contains { $0.approvers[login] != nil }
        }.sorted { $0.key < $1.key }.map(\.value)
        lacksIssue = rules.issueRequired && issue == nil && waivedBy.isEmpty
        let standing = Set(question.record.approvals.keys)
        let gaps = parts.filter { !$0.isApproved }.map { part in
            ApproverSuggestion.Gap(
                candidates: part.need.approvers.filter { !standing.contains($0.key) }, missing: part.missing)
        }
        let preferred = Set(
            (question.preferred + (rules.requiresSelfApproval ? [question.author] : [])).map { $0.lowercased() })
        suggestion = ApproverSuggestion(gaps, preferred: preferred, seed: question.number)
        asked = suggestion.people.filter { preferred.contains($0) }
    }

    /// Every changed file has its approvers.
    package var areFilesApproved: Bool { hasFiles && parts.allSatisfy(\.isApproved) }
    package var areRequirementsMet: Bool { areFilesApproved && !lacksIssue }
    /// The label's word stands against the rules.
    package var isBypassed: Bool { isApprovedByHand && !areRequirementsMet }
    package var isApproved: Bool { areRequirementsMet || isApprovedByHand }

    /// `#12`, or the address of an issue of the organisation.
    static func issue(in body: String, org: String) -> Int? {
        guard let pattern = try? Pattern("(?:\(Pattern.escaped(org))/[^/]+/issues/|#)([0-9]{1,18})") else { return nil }
        return pattern.firstMatch(in: body)?[1].flatMap { Int($0) }
    }
}
