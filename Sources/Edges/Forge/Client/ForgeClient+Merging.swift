package import SlipwayModel

/// Merging pull requests, and the issues that stop it.
extension ForgeClient {
    /// What the forge answered to a merge.
    package struct Merged: Sendable, Decodable {
        /// The commit that the base stands at now.
        package var sha: String
        package var merged: Bool
    }

    /// Merges a pull request. 405 where the forge does not let it in, 409 where its head or its base moved.
    ///
    /// - Parameters:
    ///   - sha: The head that is meant; another one is refused.
    ///   - method: `merge`, `squash` or `rebase`.
    package func mergePull(
        _ repository: RepositoryName, _ number: Int, sha: String, method: String, title: String?, message: String?
    ) async throws(ForgeError) -> Merged {
        struct Body: Encodable, Sendable {
            var sha: String
            var method: String
            var title: String?
            var message: String?

            enum CodingKeys: String, CodingKey {
                case sha
                case method = "merge_method"
                case title = "commit_title"
                case message = "commit_message"
            }
        }
        return try await send(
            "PUT", "\(repository.path)/pulls/\(number)/merge",
            Body(sha: sha, method: method, title: title, message: message), idempotent: false)
    }

    /// Open issues with a label; pull requests, which the forge counts among them, are left out.
    package func openIssues(_ repository: RepositoryName, label: String) async throws(ForgeError) -> [Issue] {
        let issues: [Issue] = try await list("\(repository.path)/issues?state=open&labels=\(segment(label))")
        return issues.filter { !$0.isPullRequest }
    }

    package func createIssue(
        _ repository: RepositoryName, title: String, labels: [String]
    ) async throws(ForgeError) -> Issue {
        struct Body: Encodable, Sendable {
            var title: String
            var labels: [String]
        }
        return try await send(
            "POST", "\(repository.path)/issues", Body(title: title, labels: labels), idempotent: false)
    }
}
