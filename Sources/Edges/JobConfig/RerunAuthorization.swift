/// Who may run a job again, or abort its runs, beside those whom the installation trusts with every job. Prow's
/// `rerun_auth_config`.
package struct RerunAuthorization: Sendable, Hashable, Codable {
    /// A team of an organisation, by the slug in its address.
    package struct Team: Sendable, Hashable, Codable {
        package var org: String
        package var slug: String

        package init(org: String, slug: String) {
            self.org = org
            self.slug = slug
        }
    }

    /// Whoever is signed in; the others are empty then.
    package var allowsAnyone = false
    /// Logins, in whatever case.
    package var users: [String] = []
    package var orgs: [String] = []
    package var teams: [Team] = []
    /// Teams by the forge's numbers, of the organisation whose repository a run tests.
    package var teamIDs: [Int64] = []

    package init(
        allowsAnyone: Bool = false, users: [String] = [], orgs: [String] = [], teams: [Team] = [],
        teamIDs: [Int64] = []
    ) {
        self.allowsAnyone = allowsAnyone
        self.users = users
        self.orgs = orgs
        self.teams = teams
        self.teamIDs = teamIDs
    }

    package func names(_ user: String) -> Bool { users.contains { $0.lowercased() == user.lowercased() } }

    enum CodingKeys: String, CodingKey {
        case users, orgs, teams
        case allowsAnyone = "allow_anyone"
        case teamIDs = "team_ids"
    }
}

/// Who may run those jobs again that the scope means.
package struct RerunRule: Sendable, Hashable, Codable {
    package var scope: JobScope
    package var authorization: RerunAuthorization
}
