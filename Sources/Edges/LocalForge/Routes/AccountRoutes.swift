import Forge
import Hummingbird
import SlipwayModel

/// Users, organisations and their members.
struct AccountRoutes {
    let directory: RepositoryDirectory
    let site: ForgeSite

    func add(to api: RouterGroup<LocalForgeContext>) {
        api.get("user") { _, context in
            Response.json(site.accounts.snapshot.account(try context.requireLogin()))
        }
        api.get("users/:user") { _, context in
            let login = try context.name("user")
            let accounts = site.accounts.snapshot
            guard accounts.users[login] != nil || accounts.organizations[login] != nil else {
                throw ForgeRefusal.notFound
            }
            return Response.json(accounts.account(login))
        }
        // GitHub Enterprise Server's way to make a user.
        api.post("admin/users") { request, context in
            struct Body: Decodable {
                var login: String
            }
            try context.requireSiteAdmin()
            let login = try await request.body(Body.self, context).login
            try Self.check(login)
            try site.accounts.ensureUser(login)
            return Response.json(site.accounts.snapshot.account(login), status: .created)
        }
        api.get("orgs/:org/members") { request, context in
            let org = try organization(context)
            let accounts = site.accounts.snapshot
            let members = (accounts.organizations[org]?.members ?? [:]).keys.sorted().map(accounts.account)
            return Response.page(members, of: request, webURL: site.webURL())
        }
        api.get("orgs/:org/members/:user") { _, context in
            let org = try organization(context)
            guard site.accounts.snapshot.role(org, try context.name("user")) != nil else {
                throw ForgeRefusal.notFound
            }
            return Response.noContent
        }
        api.get("orgs/:org") { _, context in
            Response.json(site.accounts.snapshot.account(try organization(context)))
        }
        addMemberships(to: api)
        addTeams(to: api)
    }

    private struct Membership: Encodable {
        var role: String
        var state = "active"
        var user: Account
    }

    private func addMemberships(to api: RouterGroup<LocalForgeContext>) {
        api.get("orgs/:org/memberships/:user") { _, context in
            let org = try organization(context)
            let login = try context.name("user")
            let accounts = site.accounts.snapshot
            guard let role = accounts.role(org, login) else { throw ForgeRefusal.notFound }
            return Response.json(Membership(role: role, user: accounts.account(login)))
        }
        // At GitHub this invites; here whoever is named belongs at once, and comes to be where there was nobody.
        api.put("orgs/:org/memberships/:user") { request, context in
            struct Body: Decodable {
                var role: String?
            }
            try context.requireSiteAdmin()
            let org = try context.name("org")
            let login = try context.name("user")
            let role = try await request.body(Body.self, context).role ?? "member"
            guard role == "member" || role == "admin" else {
                throw ForgeRefusal.invalid("Membership", "role", "role is member or admin, not '\(role)'")
            }
            try Self.check(login)
            try site.accounts.ensureOrganization(org)
            try site.accounts.ensureUser(login)
            try site.accounts.change { $0.organizations[org]?.members[login] = role }
            return Response.json(Membership(role: role, user: site.accounts.snapshot.account(login)))
        }
        api.delete("orgs/:org/memberships/:user") { _, context in
            try context.requireSiteAdmin()
            let org = try organization(context)
            let login = try context.name("user")
            try site.accounts.change { content in
                guard content.organizations[org]?.members.removeValue(forKey: login) != nil else {
                    throw ForgeRefusal.notFound
                }
            }
            return Response.noContent
        }
    }

    private func addTeams(to api: RouterGroup<LocalForgeContext>) {
        api.post("orgs/:org/teams") { request, context in
            struct Body: Decodable {
                var name: String
            }
            try context.requireSiteAdmin()
            let org = try organization(context)
            let name = try await request.body(Body.self, context).name
            let slug = name.lowercased().replacing(" ", with: "-")
            guard RepositoryName.isValid(slug) else {
                throw ForgeRefusal.invalid("Team", "name", "a team's name has letters, digits, dashes and spaces")
            }
            let team = try site.accounts.change { content in
                guard content.organizations[org]?.teams?[slug] == nil else {
                    throw ForgeRefusal.invalid("Team", "name", "there is a team \(slug) already")
                }
                let team = Accounts.Content.OrganizationTeam(id: content.takeID(), name: name)
                var teams = content.organizations[org]?.teams ?? [:]
                teams[slug] = team
                content.organizations[org]?.teams = teams
                return team
            }
            return Response.json(Team(id: team.id, name: team.name, slug: slug), status: .created)
        }
        api.put("orgs/:org/teams/:team/memberships/:user") { request, context in
            try context.requireSiteAdmin()
            let org = try organization(context)
            let (slug, login) = (try context.name("team"), try context.name("user"))
            try Self.check(login)
            try site.accounts.ensureUser(login)
            try site.accounts.change { content in
                guard content.organizations[org]?.teams?[slug]?.members.insert(login) != nil else {
                    throw ForgeRefusal.notFound
                }
            }
            return Response.json(Membership(role: "member", user: site.accounts.snapshot.account(login)))
        }
        api.get("orgs/:org/teams/:team/memberships/:user") { _, context in
            let org = try organization(context)
            let slug = try context.name("team")
            return try member(of: site.accounts.snapshot.organizations[org]?.teams?[slug], context)
        }
        api.get("organizations/:org/team/:team/memberships/:user") { _, context in
            let (org, team) = (Int64(try context.name("org")), Int64(try context.name("team")))
            let organization = site.accounts.snapshot.organizations.values.first { $0.id == org }
            return try member(of: organization?.teams?.values.first { $0.id == team }, context)
        }
    }

    private func member(
        of team: Accounts.Content.OrganizationTeam?, _ context: LocalForgeContext
    ) throws -> Response {
        let login = try context.name("user")
        guard let team, team.members.contains(login) else { throw ForgeRefusal.notFound }
        return Response.json(Membership(role: "member", user: site.accounts.snapshot.account(login)))
    }

    private func organization(_ context: LocalForgeContext) throws -> String {
        let org = try context.name("org")
        guard site.accounts.snapshot.organizations[org] != nil else { throw ForgeRefusal.notFound }
        return org
    }

    /// GitHub's rule for logins: 1 to 39 letters, digits and inner dashes.
    private static func check(_ login: String) throws {
        guard RepositoryName.isValid(login), login.count <= 39, !login.contains(where: { $0 == "." || $0 == "_" })
        else {
            throw ForgeRefusal.invalid("User", "login", "a login has 1 to 39 letters, digits and inner dashes")
        }
    }
}
