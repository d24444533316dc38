import Forge
import Hummingbird
import SlipwayModel

/// Assignees, reviewers, milestones, reviews, and what GitHub changes of a pull request as an issue.
struct PeopleRoutes {
    let directory: RepositoryDirectory
    let site: ForgeSite

    private struct Assignees: Decodable {
        var assignees: [String]
    }

    private struct Reviewers: Decodable {
        var reviewers: [String]?
    }

    func add(to api: RouterGroup<LocalForgeContext>) {
        let repository = api.group("repos/:org/:repo")
        repository.get("issues/:number/assignees/:user") { _, context in
            let host = try await host(context)
            guard await host.canAssign(try context.name("user"), to: try context.number()) else {
                throw ForgeRefusal.notFound
            }
            return Response.noContent
        }
        repository.post("issues/:number/assignees") { request, context in
            let login = try context.requireLogin()
            let names = try await request.body(Assignees.self, context).assignees
            let issue = try await host(context).assign(try context.number(), add: names, remove: [], by: login)
            return Response.json(issue, status: .created)
        }
        repository.delete("issues/:number/assignees") { request, context in
            let login = try context.requireLogin()
            let names = try await request.body(Assignees.self, context).assignees
            return Response.json(
                try await host(context).assign(try context.number(), add: [], remove: names, by: login))
        }
        repository.post("pulls/:number/requested_reviewers") { request, context in
            let login = try context.requireLogin()
            let names = try await request.body(Reviewers.self, context).reviewers ?? []
            let issue = try await host(context).requestReviews(try context.number(), add: names, remove: [], by: login)
            return Response.json(issue, status: .created)
        }
        repository.delete("pulls/:number/requested_reviewers") { request, context in
            let login = try context.requireLogin()
            let names = try await request.body(Reviewers.self, context).reviewers ?? []
            return Response.json(
                try await host(context).requestReviews(try context.number(), add: [], remove: names, by: login))
        }
        addMilestones(to: repository)
        addReviews(to: repository)
        repository.patch("issues/:number", use: editIssue)
        repository.patch("labels/:label") { request, context in
            _ = try context.requireLogin()
            struct Body: Decodable {
                var color: String?
                var description: String?
            }
            let body = try await request.body(Body.self, context)
            let name = percentDecoded(context.parameters.get("label") ?? "")
            return Response.json(
                try await host(context).updateLabel(name, color: body.color, description: body.description))
        }
    }

    private func addMilestones(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("milestones") { request, context in
            let milestones = await (try await host(context)).state.milestones ?? [:]
            let shown = milestones.sorted { $0.key < $1.key }.map { Milestone(number: $0.key, title: $0.value) }
            return Response.page(shown, of: request, webURL: site.webURL())
        }
        repository.post("milestones") { request, context in
            _ = try context.requireLogin()
            struct Body: Decodable {
                var title: String
            }
            let title = try await request.body(Body.self, context).title
            return Response.json(try await host(context).createMilestone(title), status: .created)
        }
    }

    private func addReviews(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("pulls/:number/reviews") { request, context in
            let presenter = await (try await host(context)).presenter
            guard let pull = presenter.state.pulls[try context.number()] else { throw ForgeRefusal.notFound }
            let reviews = (pull.reviews ?? []).map { presenter.review($0, on: pull) }
            return Response.page(reviews, of: request, webURL: site.webURL())
        }
        repository.post("pulls/:number/reviews") { request, context in
            let login = try context.requireLogin()
            struct Body: Decodable {
                var event: String
                var body: String?
            }
            let body = try await request.body(Body.self, context)
            let review = try await host(context).addReview(
                try context.number(), event: body.event, body: body.body ?? "", by: login)
            return Response.json(review)
        }
    }

    /// State and milestone. A milestone of null takes it away.
    @Sendable private func editIssue(_ request: Request, _ context: LocalForgeContext) async throws -> Response {
        struct Body: Decodable {
            var state: String?
            var milestone: Int??

            enum Keys: String, CodingKey { case state, milestone }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                state = try container.decodeIfPresent(String.self, forKey: .state)
                guard container.contains(.milestone) else { return }
                milestone = .some(try container.decode(Int?.self, forKey: .milestone))
            }
        }
        let login = try context.requireLogin()
        let number = try context.number()
        let host = try await host(context)
        let body = try await request.body(Body.self, context)
        guard await host.state.pulls[number] != nil else {
            guard body.state == "closed" else {
                throw ForgeRefusal.invalid(
                    "Issue", "state", "this forge closes issues and changes nothing else of them")
            }
            return Response.json(try await host.closeIssue(number))
        }
        if let milestone = body.milestone { _ = try await host.setMilestone(number, to: milestone, by: login) }
        if let state = body.state {
            _ = try await host.edit(number, RepositoryHost.Edit(state: state), by: login)
        }
        let presenter = await host.presenter
        guard let pull = presenter.state.pulls[number] else { throw ForgeRefusal.notFound }
        return Response.json(presenter.issue(pull))
    }

    private func host(_ context: LocalForgeContext) async throws -> RepositoryHost {
        try await directory.host(try context.repository())
    }
}
