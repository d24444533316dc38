package import SlipwayModel

/// Repositories, refs, commits, and who may do what.
extension ForgeClient {
    package func repository(_ name: RepositoryName) async throws(ForgeError) -> Repository { try await get(name.path) }

    package func repositories(of org: String) async throws(ForgeError) -> [Repository] {
        try await list("/orgs/\(segment(org))/repos")
    }

    /// Makes an empty repository.
    package func createRepository(_ name: RepositoryName) async throws(ForgeError) -> Repository {
        struct Body: Encodable, Sendable {
            var name: String
        }
        return try await send(
            "POST", "/orgs/\(segment(name.org))/repos", Body(name: name.repo), idempotent: false)
    }

    /// - Parameter ref: Without `refs/`, e.g. `heads/main` or `tags/v1`. Not found is a 404.
    package func reference(_ repository: RepositoryName, _ ref: String) async throws(ForgeError) -> GitReference {
        try await get("\(repository.path)/git/ref/\(refPath(ref))")
    }

    /// The commit a branch points to; nil where there is no such branch.
    package func branchHead(_ repository: RepositoryName, _ branch: String) async throws(ForgeError) -> String? {
        do {
            return try await reference(repository, "heads/\(branch)").object.sha
        } catch {
            // 409 is GitHub's answer for a repository without any commit.
            if error.isNotFound || error.status == 409 { return nil }
            throw error
        }
    }

    /// The contexts that the protection of a branch wants, as far as the forge shows it to who may read.
    package func requiredContexts(_ repository: RepositoryName, _ branch: String) async throws(ForgeError) -> [String] {
        do {
            let found: ProtectedBranch = try await get("\(repository.path)/branches/\(refPath(branch))")
            return found.protection?.requiredStatusChecks?.contexts ?? []
        } catch {
            guard error.isNotFound || error.status == 403 else { throw error }
            return []
        }
    }

    /// Every ref that begins with `prefix` (without `refs/`, e.g. `heads/release-`).
    package func references(_ repository: RepositoryName, prefix: String) async throws(ForgeError) -> [GitReference] {
        try await list("\(repository.path)/git/matching-refs/\(refPath(prefix))")
    }

    /// - Parameter ref: A commit, branch or tag.
    package func commit(_ repository: RepositoryName, _ ref: String) async throws(ForgeError) -> RepositoryCommit {
        try await get("\(repository.path)/commits/\(refPath(ref))")
    }

    /// Whether the user is a member of the organisation, as far as the token may see.
    package func isMember(_ org: String, _ user: String) async throws(ForgeError) -> Bool {
        try await exists("/orgs/\(segment(org))/members/\(segment(user))")
    }

    /// Whether the user is an active member of a team, as far as the token may see.
    ///
    /// - Parameter team: its slug.
    package func isTeamMember(_ org: String, team: String, _ user: String) async throws(ForgeError) -> Bool {
        try await isTeamMember("/orgs/\(segment(org))/teams/\(segment(team))", user)
    }

    /// The same by the team's number; GitHub finds it below the number of its organisation.
    package func isTeamMember(_ org: String, teamID: Int64, _ user: String) async throws(ForgeError) -> Bool {
        struct Organization: Decodable, Sendable {
            var id: Int64
        }
        do {
            let organization: Organization = try await get("/orgs/\(segment(org))")
            return try await isTeamMember("/organizations/\(organization.id)/team/\(teamID)", user)
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    private func isTeamMember(_ path: String, _ user: String) async throws(ForgeError) -> Bool {
        struct Membership: Decodable, Sendable {
            var state: String
        }
        do {
            let membership: Membership = try await get("\(path)/memberships/\(segment(user))")
            return membership.state == "active"
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    package func members(of org: String) async throws(ForgeError) -> [Account] {
        try await list("/orgs/\(segment(org))/members")
    }

    package func isCollaborator(_ repository: RepositoryName, _ user: String) async throws(ForgeError) -> Bool {
        try await exists("\(repository.path)/collaborators/\(segment(user))")
    }

    package func collaborators(_ repository: RepositoryName) async throws(ForgeError) -> [Account] {
        try await list("\(repository.path)/collaborators")
    }

    /// admin, maintain, write, triage, read or none.
    package func permission(_ repository: RepositoryName, _ user: String) async throws(ForgeError) -> String {
        struct Answer: Decodable {
            var permission: String
            var roleName: String?

            enum CodingKeys: String, CodingKey {
                case permission
                case roleName = "role_name"
            }
        }
        let answer: Answer = try await get("\(repository.path)/collaborators/\(segment(user))/permission")
        return answer.roleName ?? answer.permission
    }
}
