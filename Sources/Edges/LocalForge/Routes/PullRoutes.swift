import Forge
import Git
import Hummingbird
import SlipwayModel

/// Pull requests, their comments and labels.
struct PullRoutes {
    let directory: RepositoryDirectory
    let site: ForgeSite

    func add(to api: RouterGroup<LocalForgeContext>) {
        let repository = api.group("repos/:org/:repo")
        repository.get("pulls") { request, context in try await list(request, context) }
        repository.post("pulls") { request, context in
            let login = try context.requireLogin()
            let opening = try await request.body(RepositoryHost.Opening.self, context)
            return Response.json(try await host(context).open(opening, by: login), status: .created)
        }
        repository.get("pulls/:number") { _, context in
            Response.json(try await host(context).detail(try context.number()))
        }
        repository.patch("pulls/:number") { request, context in
            let login = try context.requireLogin()
            let edit = try await request.body(RepositoryHost.Edit.self, context)
            return Response.json(try await host(context).edit(try context.number(), edit, by: login))
        }
        repository.get("pulls/:number/files") { request, context in
            let files = try await host(context).files(try context.number())
            return Response.page(files, of: request, webURL: site.webURL())
        }
        repository.get("pulls/:number/commits") { request, context in
            let host = try await host(context)
            let presenter = await host.presenter
            let commits = try await host.commits(try context.number()).map(presenter.commit)
            return Response.page(commits, of: request, webURL: site.webURL())
        }
        MergeRoutes(directory: directory, site: site).add(to: repository)
        addComments(to: repository)
        addLabels(to: repository)
    }

    private func host(_ context: LocalForgeContext) async throws -> RepositoryHost {
        try await directory.host(try context.repository())
    }

    private func list(_ request: Request, _ context: LocalForgeContext) async throws -> Response {
        let host = try await host(context)
        let presenter = await host.presenter
        let query = request.uri.queryParameters
        let wanted = query.get("state") ?? "open"
        let base = query.get("base")
        let head = query.get("head")
        let pulls = presenter.state.pulls.values.filter { pull in
            (wanted == "all" || (wanted == "open") == pull.isOpen) && (base == nil || base == pull.baseRef)
                && (head == nil || head == "\(host.name.org):\(pull.headRef)")
        }
        let byUpdate = query.get("sort") == "updated"
        let ordered = pulls.sorted {
            byUpdate ? ($0.updatedAt, $0.number) < ($1.updatedAt, $1.number) : $0.number < $1.number
        }
        let sorted = query.get("direction") == "asc" ? ordered : ordered.reversed()
        let shown = sorted.map { record in
            // Lists leave out what only the single pull request says.
            var pull = presenter.pull(record)
            pull.mergeable = nil
            pull.isMerged = nil
            return pull
        }
        return Response.page(shown, of: request, webURL: site.webURL())
    }

    // MARK: Comments

    private struct CommentBody: Decodable {
        var body: String
    }

    private func addComments(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("issues/:number") { _, context in
            let presenter = await (try await host(context)).presenter
            guard let pull = presenter.state.pulls[try context.number()] else { throw ForgeRefusal.notFound }
            return Response.json(presenter.issue(pull))
        }
        repository.get("issues/:number/comments") { request, context in
            let presenter = await (try await host(context)).presenter
            let number = try context.number()
            guard presenter.state.pulls[number] != nil else { throw ForgeRefusal.notFound }
            let comments = presenter.state.comments.filter { $0.number == number }.map(presenter.comment)
            return Response.page(comments, of: request, webURL: site.webURL())
        }
        repository.post("issues/:number/comments") { request, context in
            let login = try context.requireLogin()
            let body = try await request.body(CommentBody.self, context).body
            let comment = try await host(context).addComment(try context.number(), body: body, by: login)
            return Response.json(comment, status: .created)
        }
        repository.get("issues/comments/:number") { _, context in
            let presenter = await (try await host(context)).presenter
            let id = Int64(try context.number())
            guard let comment = presenter.state.comments.first(where: { $0.id == id }) else {
                throw ForgeRefusal.notFound
            }
            return Response.json(presenter.comment(comment))
        }
        repository.patch("issues/comments/:number") { request, context in
            let login = try context.requireLogin()
            let body = try await request.body(CommentBody.self, context).body
            let comment = try await host(context).editComment(
                Int64(try context.number()), body: body, by: login, mayAll: try mayAll(context, login))
            return Response.json(comment)
        }
        repository.delete("issues/comments/:number") { _, context in
            let login = try context.requireLogin()
            try await host(context).deleteComment(
                Int64(try context.number()), by: login, mayAll: try mayAll(context, login))
            return Response.noContent
        }
    }

    private func mayAll(_ context: LocalForgeContext, _ login: String) throws -> Bool {
        site.accounts.snapshot.role(try context.repository().org, login) == "admin"
    }

    // MARK: Labels

    /// `{"labels": […]}` or the list alone.
    private struct LabelNames: Decodable {
        var names: [String]

        init(from decoder: any Decoder) throws {
            if let list = try? decoder.singleValueContainer().decode([String].self) {
                names = list
                return
            }
            names = try decoder.container(keyedBy: Keys.self).decode([String].self, forKey: .labels)
        }

        enum Keys: String, CodingKey { case labels }
    }

    private func addLabels(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("issues/:number/labels") { request, context in
            let presenter = await (try await host(context)).presenter
            guard let pull = presenter.state.pulls[try context.number()] else { throw ForgeRefusal.notFound }
            return Response.page(presenter.labels(pull.labels), of: request, webURL: site.webURL())
        }
        repository.post("issues/:number/labels") { request, context in
            let login = try context.requireLogin()
            let names = try await request.body(LabelNames.self, context).names
            return Response.json(try await host(context).label(try context.number(), add: names, by: login))
        }
        repository.put("issues/:number/labels") { request, context in
            let login = try context.requireLogin()
            let names = try await request.body(LabelNames.self, context).names
            let host = try await host(context)
            return Response.json(
                try await host.label(try context.number(), add: names, replacing: true, by: login))
        }
        repository.delete("issues/:number/labels/:label") { _, context in
            let login = try context.requireLogin()
            let name = percentDecoded(context.parameters.get("label") ?? "")
            return Response.json(
                try await host(context).label(try context.number(), add: [], remove: [name], by: login))
        }
    }
}
