package import SlipwayModel

/// What a repository knows labels and milestones as, and who may be assigned.
extension ForgeClient {
    package func labels(of repository: RepositoryName) async throws(ForgeError) -> [Label] {
        try await list("\(repository.path)/labels")
    }

    private struct LabelBody: Encodable, Sendable {
        var name: String?
        var color: String
        var description: String
    }

    /// Makes the label, or has it look so. Colors are six hexadecimal digits.
    package func defineLabel(
        _ repository: RepositoryName, _ name: String, color: String, description: String
    ) async throws(ForgeError) {
        do {
            try await perform(
                "PATCH", "\(repository.path)/labels/\(segment(name))",
                LabelBody(name: nil, color: color, description: description), idempotent: true)
        } catch {
            guard error.isNotFound else { throw error }
            try await perform(
                "POST", "\(repository.path)/labels",
                LabelBody(name: name, color: color, description: description), idempotent: true)
        }
    }

    /// The open milestones of a repository.
    package func milestones(of repository: RepositoryName) async throws(ForgeError) -> [Milestone] {
        try await list("\(repository.path)/milestones?state=open")
    }

    /// - Parameter milestone: its number; nil takes it away.
    package func setMilestone(
        _ repository: RepositoryName, _ number: Int, to milestone: Int?
    ) async throws(ForgeError) {
        struct Body: Encodable, Sendable {
            var milestone: Int?

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Keys.self)
                // Null is what takes it away.
                try container.encode(milestone, forKey: .milestone)
            }

            enum Keys: String, CodingKey { case milestone }
        }
        try await perform(
            "PATCH", "\(repository.path)/issues/\(number)", Body(milestone: milestone), idempotent: true)
    }

    /// Whether the issue or pull request can be assigned to the user: members and collaborators, and who took part in it.
    package func isAssignable(
        _ repository: RepositoryName, _ number: Int, _ user: String
    ) async throws(ForgeError) -> Bool {
        try await exists("\(repository.path)/issues/\(number)/assignees/\(segment(user))")
    }

    private struct AssigneesBody: Encodable, Sendable {
        var assignees: [String]
    }

    package func assign(
        _ repository: RepositoryName, _ number: Int, _ logins: [String]
    ) async throws(ForgeError) {
        try await perform(
            "POST", "\(repository.path)/issues/\(number)/assignees", AssigneesBody(assignees: logins),
            idempotent: true)
    }

    package func unassign(
        _ repository: RepositoryName, _ number: Int, _ logins: [String]
    ) async throws(ForgeError) {
        try await perform(
            "DELETE", "\(repository.path)/issues/\(number)/assignees", AssigneesBody(assignees: logins),
            idempotent: true)
    }

    private struct ReviewersBody: Encodable, Sendable {
        var reviewers: [String]
        var teams: [String]

        enum CodingKeys: String, CodingKey {
            case reviewers
            case teams = "team_reviewers"
        }

        /// - Parameter names: logins, and teams as `org/slug`.
        init(_ names: [String]) {
            reviewers = names.filter { !$0.contains("/") }
            teams = names.filter { $0.contains("/") }.map { String($0.split(separator: "/").last ?? "") }
        }
    }

    /// - Parameter names: logins, and teams as `org/slug`.
    package func requestReviews(
        _ repository: RepositoryName, _ number: Int, of names: [String]
    ) async throws(ForgeError) {
        try await perform(
            "POST", "\(repository.path)/pulls/\(number)/requested_reviewers", ReviewersBody(names), idempotent: true)
    }

    /// - Parameter names: logins, and teams as `org/slug`.
    package func withdrawReviewRequests(
        _ repository: RepositoryName, _ number: Int, of names: [String]
    ) async throws(ForgeError) {
        try await perform(
            "DELETE", "\(repository.path)/pulls/\(number)/requested_reviewers", ReviewersBody(names),
            idempotent: true)
    }

    package func setOpenness(
        _ repository: RepositoryName, _ number: Int, isOpen: Bool
    ) async throws(ForgeError) {
        struct Body: Encodable, Sendable {
            var state: String
        }
        try await perform(
            "PATCH", "\(repository.path)/issues/\(number)", Body(state: isOpen ? "open" : "closed"), idempotent: true)
    }

    package func deleteBranch(_ repository: RepositoryName, _ branch: String) async throws(ForgeError) {
        try await perform("DELETE", "\(repository.path)/git/refs/\(refPath("heads/\(branch)"))", idempotent: true)
    }

    /// - Parameter event: APPROVE, REQUEST_CHANGES or COMMENT.
    package func review(
        _ repository: RepositoryName, _ number: Int, event: String, body: String = ""
    ) async throws(ForgeError) -> Review {
        struct Body: Encodable, Sendable {
            var event: String
            var body: String
        }
        return try await send(
            "POST", "\(repository.path)/pulls/\(number)/reviews", Body(event: event, body: body), idempotent: false)
    }

    /// The reviews of a pull request, oldest first.
    package func reviews(_ repository: RepositoryName, _ number: Int) async throws(ForgeError) -> [Review] {
        try await list("\(repository.path)/pulls/\(number)/reviews")
    }
}
