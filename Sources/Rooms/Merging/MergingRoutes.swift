import FoundationEssentials
import HTTPTypes
import Hummingbird
import SlipwayModel
import Web

/// The pages of the trains, and what Prow's tools read of Tide.
struct MergingRoutes: Sendable {
    let pages: MergingPages
    let prow: TidePools

    func add(to router: Router<SlipwayContext>) {
        MergingAssets.set.addRoutes(to: router)
        router.get("merging", use: list)
        router.get("merging/stream", use: stream)
        router.get("merging/:org/:repo/:number", use: pull)
        for bookmarked in ["tide", "tide-history"] {
            router.get("\(bookmarked)") { request, _ in try Self.redirect(request) }
        }
        router.get("tide.js") { request, _ in try await prow.pools(try ScriptVariable(try request.query())) }
        router.get("tide-history.js") { request, _ in try await prow.history(try ScriptVariable(try request.query())) }
    }

    @Sendable private func list(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let repository = try Self.repository(request)
        let values = try await pages.list(repository, now: Date())
        return MergingTemplates.set.page(
            "merging", values,
            head: PageHead(
                title: repository.map { "Merging in \($0)" } ?? "Merging", section: "/merging",
                crumbs: repository.map { [.init("Merging", "/merging"), .init($0.description)] } ?? [],
                scripts: [MergingAssets.set.path(of: "merging.js")]), context: context)
    }

    /// The same as the page's live part, whenever it changes.
    @Sendable private func stream(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let repository = try Self.repository(request)
        return .events(to: request) { [pages] events in
            var told: String?
            while events.isOpen {
                let pulse = try await pages.reader.pulse()
                if pulse != told {
                    let values = try await pages.list(repository, now: Date())
                    try await events.send(MergingTemplates.set.render("pools", values).html, event: "pools")
                    told = pulse
                }
                try await events.keepAlive()
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    @Sendable private func pull(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let (org, repo) = (try context.pathText("org"), try context.pathText("repo"))
        let text = try context.pathText("number", maximum: 12)
        guard let repository = RepositoryName("\(org)/\(repo)"), let number = Int(text),
            (1...Int(Int32.max)).contains(number)
        else {
            throw WebError.notFound(
                "'\(org)/\(repo)/\(text)' names no pull request; its page is at /merging/ORG/REPO/NUMBER.")
        }
        let (head, values) = try await pages.pull(repository, number, now: Date())
        return MergingTemplates.set.page("pull", values, head: head, context: context)
    }

    /// Prow's pages are one here; the repository that they were filtered by stays, if it is named as a whole.
    private static func redirect(_ request: Request) throws -> Response {
        let repository = try request.query().text("repo").flatMap { RepositoryName($0) }
        return .redirect(to: "/merging" + Link.query([("repo", repository?.description)]), type: .found)
    }

    private static func repository(_ request: Request) throws -> RepositoryName? {
        guard let text = try request.query().text("repo") else { return nil }
        guard let repository = RepositoryName(text) else {
            throw WebError.badRequest("The parameter 'repo' must be ORG/REPO, not '\(text)'.")
        }
        return repository
    }
}

enum MergingAssets {
    static let set = AssetSet(["merging.js": PackageResources.merging_js])
}

enum MergingTemplates {
    static let set = TemplateSet([
        "merging": PackageResources.merging_mustache,
        "pools": PackageResources.pools_mustache,
        "pull": PackageResources.pull_mustache,
    ])
}
