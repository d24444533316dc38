import Postgres
package import SlipwayModel

extension ResultsStore {
    /// How the approval of a pull request stands; nil where nobody looked at its OWNERS files.
    package func approval(_ repository: RepositoryName, number: Int) async throws -> ApprovalState? {
        try await database.execute(Self.selectApproval, repository.org, repository.repo, number).first.map {
            try $0.decode(JSON<ApprovalState>.self).value
        }
    }

    static let approvalStatements = [selectApproval]

    private static let selectApproval = Statement(
        "results.select_approval",
        "select summary from pull_requests.approvals_v1 where org = $1 and repo = $2 and number = $3")
}

/// The column `summary` of `pull_requests.approvals_v1`.
package struct ApprovalState: Sendable, Hashable, Codable {
    package struct Part: Sendable, Hashable, Codable {
        /// Empty for the root.
        package var folder: String
        package var file: String
        package var files: Int
        package var minimum: Int
        package var missing: Int
        package var approvedBy: [String]
        package var approvers: [String]

        enum CodingKeys: String, CodingKey {
            case folder, file, files, minimum, missing, approvers
            case approvedBy = "approved_by"
        }
    }

    package var isApproved: Bool
    package var byHand: String?
    package var lacksIssue: Bool
    package var suggestion: [String]
    package var parts: [Part]
    package var partCount: Int
    package var problem: String?

    enum CodingKeys: String, CodingKey {
        case isApproved = "is_approved"
        case byHand = "by_hand"
        case lacksIssue = "lacks_issue"
        case suggestion, parts, problem
        case partCount = "part_count"
    }
}
