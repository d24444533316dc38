import Forge
import Hummingbird
import SlipwayModel

/// Merging, the protection of branches, the methods a repository allows, and issues.
struct MergeRoutes {
    let directory: RepositoryDirectory
    let site: ForgeSite

    func add(to repository: RouterGroup<LocalForgeContext>) {
        repository.put("pulls/:number/merge") { request, context in
            let login = try context.requireLogin()
            let merge = try await request.body(RepositoryHost.MergeRequest.self, context)
            return Response.json(try await host(context).merge(try context.number(), merge, by: login))
        }
        repository.patch { request, context in
            _ = try context.requireLogin()
            let methods = try await request.body(Methods.self, context)
            return Response.json(try await host(context).allow(methods.byName))
        }
        // A branch's name may hold slashes.
        repository.get("branches/**") { _, context in
            let (state, name) = (try await host(context).state, context.rest)
            guard state.branch(name) != nil else { throw ForgeRefusal.notFound }
            let contexts = state.protection?[name]?.contexts
            return Response.json(
                ProtectedBranch(
                    name: name,
                    protection: contexts.map { .init(requiredStatusChecks: .init(contexts: $0)) }))
        }
        repository.put("branches/**") { request, context in
            _ = try context.requireLogin()
            let body = try await request.body(Protection.self, context)
            try await host(context).protect(try branch(context), body.protection)
            return Response.json(["url": request.uri.path])
        }
        repository.delete("branches/**") { _, context in
            _ = try context.requireLogin()
            try await host(context).protect(try branch(context), nil)
            return Response.noContent
        }
        addIssues(to: repository)
    }

    private func host(_ context: LocalForgeContext) async throws -> RepositoryHost {
        try await directory.host(try context.repository())
    }

    private func branch(_ context: LocalForgeContext) throws -> String {
        guard context.rest.hasSuffix("/protection") else { throw ForgeRefusal.notFound }
        return String(context.rest.dropLast("/protection".count))
    }

    private struct Methods: Decodable {
        var merge: Bool?
        var squash: Bool?
        var rebase: Bool?

        enum CodingKeys: String, CodingKey {
            case merge = "allow_merge_commit"
            case squash = "allow_squash_merge"
            case rebase = "allow_rebase_merge"
        }

        var byName: [String: Bool] {
            [("merge", merge), ("squash", squash), ("rebase", rebase)].reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private struct Protection: Decodable {
        struct Checks: Decodable {
            var contexts: [String]?
        }

        struct Reviews: Decodable {
            var count: Int?

            enum CodingKeys: String, CodingKey { case count = "required_approving_review_count" }
        }

        var checks: Checks?
        var reviews: Reviews?

        enum CodingKeys: String, CodingKey {
            case checks = "required_status_checks"
            case reviews = "required_pull_request_reviews"
        }

        var protection: RepositoryState.BranchProtection {
            RepositoryState.BranchProtection(
                contexts: checks?.contexts ?? [], requiresPull: reviews != nil, approvals: reviews?.count)
        }
    }

    // MARK: Issues

    private struct Opening: Decodable {
        var title: String
        var body: String?
        var labels: [String]?
    }

    private func addIssues(to repository: RouterGroup<LocalForgeContext>) {
        repository.get("issues") { request, context in
            let presenter = await (try await host(context)).presenter
            let query = request.uri.queryParameters
            let wanted = query.get("state") ?? "open"
            let labels = (query.get("labels") ?? "").split(separator: ",").map(String.init)
            // Pull requests are issues too, as at GitHub.
            let issues =
                (presenter.state.issues ?? [:]).values.map(presenter.issue)
                + presenter.state.pulls.values.map(presenter.issue)
            let found = issues.filter { issue in
                (wanted == "all" || issue.state == wanted)
                    && labels.allSatisfy { label in issue.labels?.contains { $0.name == label } == true }
            }.sorted { $0.number > $1.number }
            return Response.page(found, of: request, webURL: site.webURL())
        }
        repository.post("issues") { request, context in
            let login = try context.requireLogin()
            let opening = try await request.body(Opening.self, context)
            let issue = try await host(context).openIssue(
                title: opening.title, body: opening.body, labels: opening.labels ?? [], by: login)
            return Response.json(issue, status: .created)
        }
    }
}
