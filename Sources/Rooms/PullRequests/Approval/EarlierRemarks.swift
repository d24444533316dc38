import Forge
import FoundationEssentials
import Postgres
import SlipwayModel

/// What was said about approval on a pull request before this room heard of it: a repository that comes over from
/// another installation keeps its approvals. Read from the forge when the first decision is due, then kept.
enum EarlierRemarks {
    /// Remarks that are kept; the latest.
    private static let limit = 500

    /// - Returns: nil where the first decision was taken already.
    static func read(
        _ pull: PullSnapshot, bot: String, _ forge: ForgeClient, _ database: PostgresPool
    ) async throws -> [ApprovalRemark]? {
        let (org, repo, number) = (pull.repository.org, pull.repository.repo, pull.number)
        guard try await database.execute(PullRequestsStore.approval, org, repo, number).isEmpty else { return nil }
        var remarks = try await forge.comments(pull.repository, number).compactMap { comment in
            remark(
                comment.author, comment.body, at: comment.createdAt, id: comment.id, link: comment.htmlURL, review: nil,
                bot: bot)
        }
        for review in try await reviews(of: pull, forge) {
            let remark = remark(
                review.user?.login ?? "ghost", review.body, at: review.submittedAt, id: review.id,
                link: review.htmlURL, review: ApprovalRemark.Review(rawValue: review.state.lowercased()), bot: bot)
            if let remark { remarks.append(remark) }
        }
        return Array(remarks.sorted { ($0.at, $0.id) < ($1.at, $1.id) }.suffix(limit))
    }

    /// None at a forge without reviews.
    private static func reviews(of pull: PullSnapshot, _ forge: ForgeClient) async throws(ForgeError) -> [Review] {
        do {
            return try await forge.reviews(pull.repository, pull.number)
        } catch {
            guard error.isNotFound else { throw error }
            return []
        }
    }

    /// Nil where nothing of it speaks of approval.
    private static func remark(
        _ author: String, _ body: String?, at instant: Timestamp?, id: Int64, link: String?,
        review: ApprovalRemark.Review?, bot: String
    ) -> ApprovalRemark? {
        guard let instant, !Login.same(author, bot) else { return nil }
        let commands = CommandParser.commands(in: CommandParser.visibleText(body ?? "")).map {
            CommandIssued.Command(name: $0.name, arguments: $0.arguments)
        }.filter { ApprovalIntent($0) != nil }
        guard review != nil || !commands.isEmpty else { return nil }
        return ApprovalRemark(
            author: author, at: instant.date, id: id, link: link, commands: commands, review: review)
    }
}
