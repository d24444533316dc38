/// What only an administrator's token may.
extension ForgeClient {
    /// Makes a user (GitHub Enterprise Server and LocalForge); one that exists is left as it is.
    @discardableResult
    package func createUser(_ login: String) async throws(ForgeError) -> Account {
        struct Body: Encodable, Sendable {
            var login: String
        }
        return try await send("POST", "/admin/users", Body(login: login), idempotent: true)
    }

    /// Makes a team of an organisation.
    package func createTeam(org: String, name: String) async throws(ForgeError) -> Team {
        struct Body: Encodable, Sendable {
            var name: String
        }
        return try await send("POST", "/orgs/\(segment(org))/teams", Body(name: name), idempotent: false)
    }

    /// Takes a user into a team.
    package func addTeamMember(org: String, team: String, user: String) async throws(ForgeError) {
        struct Body: Encodable, Sendable {
            var role = "member"
        }
        try await perform(
            "PUT", "/orgs/\(segment(org))/teams/\(segment(team))/memberships/\(segment(user))", Body(),
            idempotent: true)
    }

    /// - Parameter role: `member` or `admin`. GitHub invites; a LocalForge takes the user in at once.
    package func setMembership(org: String, user: String, role: String) async throws(ForgeError) {
        struct Body: Encodable, Sendable {
            var role: String
        }
        try await perform(
            "PUT", "/orgs/\(segment(org))/memberships/\(segment(user))", Body(role: role), idempotent: true)
    }
}
