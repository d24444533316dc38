/// How the approval of a pull request stands, for pages and other rooms: what is kept of a decision.
package struct ApprovalSummary: Sendable, Hashable, Codable {
    package struct Part: Sendable, Hashable, Codable {
        /// The folder and its OWNERS file; the root is empty.
        package var folder: String
        package var file: String
        /// Changed files in it.
        package var files: Int
        package var minimum: Int
        package var missing: Int
        package var approvedBy: [String]
        /// Who may, nearest first; at most 50 of them.
        package var approvers: [String]

        enum CodingKeys: String, CodingKey {
            case folder, file, files, minimum, missing, approvers
            case approvedBy = "approved_by"
        }
    }

    package var isApproved: Bool
    /// Who set the label by hand.
    package var byHand: String?
    package var lacksIssue: Bool
    package var approvals: [String]
    /// The fewest people who could give what is missing.
    package var suggestion: [String]
    /// Open ones first; at most 200 of them.
    package var parts: [Part]
    /// Parts in all.
    package var partCount: Int
    package var problem: String?

    enum CodingKeys: String, CodingKey {
        case isApproved = "is_approved"
        case byHand = "by_hand"
        case lacksIssue = "lacks_issue"
        case approvals, suggestion, parts, problem
        case partCount = "part_count"
    }

    package init(_ decision: ApprovalDecision, byHand: String?, problem: String?) {
        isApproved = decision.isApproved
        self.byHand = byHand
        lacksIssue = decision.lacksIssue
        approvals = decision.approvals.map(\.login)
        suggestion = Array(decision.suggestion.people.prefix(50))
        let ordered = decision.parts.filter { !$0.isApproved } + decision.parts.filter(\.isApproved)
        partCount = ordered.count
        parts = ordered.prefix(200).map { part in
            Part(
                folder: part.need.folder, file: part.need.file, files: part.need.fileCount, minimum: part.need.minimum,
                missing: part.missing, approvedBy: part.approvedBy,
                approvers: part.need.approvers.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.prefix(50).map(\.key))
        }
        self.problem = problem
    }
}
