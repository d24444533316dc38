import Forge
import Git
import Hummingbird
import SlipwayModel

/// Repositories, refs, commits, statuses, check runs, labels, collaborators.
struct RepositoryRoutes {
    let directory: RepositoryDirectory
    let site: ForgeSite

    func add(to api: RouterGroup<LocalForgeContext>) {
        api.get("orgs/:org/repos") { request, context in
            let org = try context.name("org")
            var repositories: [Repository] = []
            for host in await directory.all where host.name.org == org {
                repositories.append(await host.presenter.repository())
            }
            return Response.page(repositories, of: request, webURL: site.webURL())
        }
        api.post("orgs/:org/repos") { request, context in
            struct Body: Decodable {
                var name: String
            }
            let org = try context.name("org")
            let login = try context.requireLogin()
            guard context.isSiteAdmin || site.accounts.snapshot.role(org, login) == "admin" else {
                throw ForgeRefusal.forbidden("only admins of \(org) and the forge's admin token may make repositories")
            }
            let name = RepositoryName(org: org, repo: try await request.body(Body.self, context).name)
            let host = try await directory.create(name)
            return Response.json(await host.presenter.repository(), status: .created)
        }
        let repository = api.group("repos/:org/:repo")
        repository.get { _, context in
            Response.json(await (try await host(context)).presenter.repository())
        }
        addRefs(to: repository)
        addStatuses(to: repository)
        addCheckRuns(to: repository)
        addLabels(to: repository)
        addCollaborators(to: repository)
    }

    private func host(_ context: LocalForgeContext) async throws -> RepositoryHost {
        try await directory.host(try context.repository())
    }

    // MARK: Refs and commits

    private func addRefs(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("git/ref/**") { _, context in
            let host = try await host(context)
            let ref = "refs/" + context.rest
            guard let found = await host.state.refs[ref] else { throw ForgeRefusal.notFound }
            return Response.json(try await reference(ref, found, host))
        }
        repository.delete("git/refs/**") { _, context in
            let login = try context.requireLogin()
            let host = try await host(context)
            let ref = "refs/" + context.rest
            guard await host.state.refs[ref] != nil else {
                throw ForgeRefusal(status: 422, message: "Reference does not exist")
            }
            try await host.git.updateRef(ref, to: nil)
            try await host.takePushes(pusher: login)
            return Response.noContent
        }
        repository.get("git/matching-refs/**") { request, context in
            let host = try await host(context)
            let prefix = "refs/" + context.rest
            var references: [GitReference] = []
            for (ref, sha) in await host.state.refs.sorted(by: { $0.key < $1.key }) where ref.hasPrefix(prefix) {
                references.append(try await reference(ref, sha, host))
            }
            return Response.page(references, of: request, webURL: site.webURL())
        }
    }

    private func reference(_ ref: String, _ sha: String, _ host: RepositoryHost) async throws -> GitReference {
        let type = ref.hasPrefix("refs/tags/") ? try await host.git.objectType(sha) ?? "commit" : "commit"
        return GitReference(ref: ref, object: GitReference.Object(sha: sha, type: type))
    }

    // MARK: Commits and statuses

    private func addStatuses(to repository: RouterGroup<LocalForgeContext>) {
        repository.post("statuses/:sha") { request, context in
            struct Body: Decodable {
                var state: String
                var context: String?
                var description: String?
                var targetURL: String?

                enum CodingKeys: String, CodingKey {
                    case state, context, description
                    case targetURL = "target_url"
                }
            }
            let login = try context.requireLogin()
            let host = try await host(context)
            let body = try await request.body(Body.self, context)
            let status = CommitStatus(
                state: body.state, context: body.context ?? "default", description: body.description,
                targetURL: body.targetURL)
            let made = try await host.addStatus(status, to: context.parameters.get("sha") ?? "", by: login)
            return Response.json(made, status: .created)
        }
        // A branch's name may hold slashes, so the last part tells what is asked for.
        repository.get("commits/**") { request, context in
            let host = try await host(context)
            let rest = context.rest
            if rest.hasSuffix("/statuses") {
                let sha = try await resolve(rest.dropLast("/statuses".count), host)
                let presenter = await host.presenter
                let statuses = (presenter.state.statuses[sha] ?? []).reversed().map(presenter.status)
                return Response.page(statuses, of: request, webURL: site.webURL())
            }
            if rest.hasSuffix("/status") {
                return Response.json(
                    await host.presenter.combined(try await resolve(rest.dropLast("/status".count), host)))
            }
            if rest.hasSuffix("/check-runs") {
                let sha = try await resolve(rest.dropLast("/check-runs".count), host)
                let all = await host.state.checkRuns?[sha] ?? []
                let shown = request.uri.queryParameters["filter"] == "all" ? all : all.latest
                return Response.page(shown.reversed(), of: request, webURL: site.webURL()) {
                    CheckRunPage(totalCount: shown.count, checkRuns: $0)
                }
            }
            guard let commit = try await host.git.commits([try await resolve(rest[...], host)], limit: 1).first else {
                throw ForgeRefusal.notFound
            }
            return Response.json(await host.presenter.commit(commit))
        }
    }

    // At GitHub only Apps write them; here anybody who has signed in does.
    private func addCheckRuns(to repository: RouterGroup<LocalForgeContext>) {
        repository.post("check-runs") { request, context in
            let login = try context.requireLogin()
            let host = try await host(context)
            let body = try await request.body(RepositoryHost.CheckRunRequest.self, context)
            return Response.json(try await host.addCheckRun(body, by: login), status: .created)
        }
        repository.patch("check-runs/:number") { request, context in
            let login = try context.requireLogin()
            let host = try await host(context)
            let body = try await request.body(RepositoryHost.CheckRunRequest.self, context)
            return Response.json(try await host.updateCheckRun(Int64(try context.number()), body, by: login))
        }
    }

    private func resolve(_ ref: Substring, _ host: RepositoryHost) async throws -> String {
        guard let sha = try await host.git.resolve(String(ref)) else {
            throw ForgeRefusal(status: 422, message: "No commit found for SHA: \(ref.prefix(100))")
        }
        return sha
    }

    // MARK: Labels and collaborators

    private func addLabels(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("labels") { request, context in
            let labels = await (try await host(context)).state.labels.values.sorted { $0.name < $1.name }
            return Response.page(labels, of: request, webURL: site.webURL())
        }
        repository.post("labels") { request, context in
            _ = try context.requireLogin()
            let label = try await request.body(Label.self, context)
            return Response.json(try await host(context).createLabel(label), status: .created)
        }
    }

    private func addCollaborators(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("collaborators") { request, context in
            let presenter = await (try await host(context)).presenter
            let logins = Set(presenter.state.collaborators.keys)
                .union((presenter.accounts.organizations[presenter.state.name.org]?.members ?? [:]).keys)
            return Response.page(logins.sorted().map(presenter.account), of: request, webURL: site.webURL())
        }
        // Members of the organisation are collaborators too, as GitHub counts them.
        repository.get("collaborators/:user") { _, context in
            let host = try await host(context)
            let login = try context.name("user")
            let isMember = site.accounts.snapshot.role(host.name.org, login) != nil
            let isCollaborator = await host.state.collaborators[login] != nil
            guard isMember || isCollaborator else { throw ForgeRefusal.notFound }
            return Response.noContent
        }
        repository.get("collaborators/:user/permission") { _, context in
            struct Answer: Encodable {
                var permission: String
                var user: Account
            }
            let host = try await host(context)
            let login = try context.name("user")
            let accounts = site.accounts.snapshot
            guard accounts.users[login] != nil else { throw ForgeRefusal.notFound }
            let permission: String
            switch accounts.role(host.name.org, login) {
            case "admin": permission = "admin"
            case let role:
                let own = await host.state.collaborators[login]
                permission = own == "admin" ? "admin" : own == "push" || role != nil ? "write" : "read"
            }
            return Response.json(Answer(permission: permission, user: accounts.account(login)))
        }
        repository.put("collaborators/:user") { request, context in
            try context.requireSiteAdmin()
            let login = try context.name("user")
            try site.accounts.ensureUser(login)
            try await host(context).setCollaborator(login, permission: "push")
            return Response.noContent
        }
        repository.delete("collaborators/:user") { _, context in
            try context.requireSiteAdmin()
            try await host(context).setCollaborator(try context.name("user"), permission: nil)
            return Response.noContent
        }
    }
}

extension LocalForgeContext {
    /// What a route's `**` stands for, its percent-encoding undone.
    var rest: String {
        parameters.getCatchAll().map { percentDecoded($0) }.joined(separator: "/")
    }
}
