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

    /// - Parameter role: `member` or `admin`. GitHub invites; a LocalForge takes the user in at once.
    package func setMembership(org: String, user: String, role: String) async throws(ForgeError) {
        struct Body: Encodable, Sendable {
            var role: String
        }
        try await perform(
            "PUT", "/orgs/\(segment(org))/memberships/\(segment(user))", Body(role: role), idempotent: true)
    }
}
