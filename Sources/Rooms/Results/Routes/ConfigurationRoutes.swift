import FoundationEssentials
import Hummingbird
import SlipwayModel
import Web

/// Pages on what is configured.
struct ConfigurationRoutes: Sendable {
    let store: ResultsStore
    let whichJobs: WhichJobsRule

    func add(to router: Router<SlipwayContext>) {
        router.get("configured-jobs", use: repositories)
        router.get("configured-jobs/periodics", use: periodics)
        router.get("configured-jobs/:org", use: organisation)
        router.get("configured-jobs/:org/:repo", use: repository)
        router.get("config", use: history)
        router.get("config/:version", use: version)
        router.get("which-jobs", use: which)
    }

    @Sendable private func repositories(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        page("configured", try await ConfigurationPages(store: store).repositories(), "Configured jobs", [], context)
    }

    @Sendable private func organisation(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let org = try context.pathText("org")
        let values = try await ConfigurationPages(store: store).repositories(of: org)
        return page(
            "configured", values, "Jobs of \(org)", [.init("Configuration", Self.section), .init(org)], context)
    }

    @Sendable private func periodics(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        try await jobs(of: nil, request, context)
    }

    @Sendable private func repository(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let name = "\(try context.pathText("org"))/\(try context.pathText("repo"))"
        guard let repository = RepositoryName(name) else { throw WebError.notFound(ResultsText.noJobsOf(name)) }
        return try await jobs(of: repository, request, context)
    }

    private func jobs(
        of repository: RepositoryName?, _ request: Request, _ context: SlipwayContext
    ) async throws -> Response {
        let after = try request.query().text("after", maximum: 300) ?? ""
        let values = try await ConfigurationPages(store: store).jobs(of: repository, after: after)
        let name = repository?.description ?? "Periodics"
        return page(
            "configured_repository", values, "Jobs of \(name)", [.init("Configuration", Self.section), .init(name)],
            context)
    }

    @Sendable private func history(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let before = try request.query().integer("before", in: 1...Int64.max)
        let values = try await ConfigurationPages(store: store).history(before: before, now: Date())
        return page("config", values, "Configuration versions", [], context)
    }

    @Sendable private func version(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let text = try context.pathText("version", maximum: 20)
        guard let number = Int64(text), number > 0 else {
            throw WebError.notFound("'\(text)' is no version of the configuration; /config lists them.")
        }
        let against = try request.query().integer("against", in: 0...Int64.max)
        let values = try await ConfigurationPages(store: store).version(number, against: against, now: Date())
        return page(
            "config_version", values, "Configuration version \(number)",
            [.init("Configuration", Self.section), .init("Versions", "/config"), .init("Version \(number)")], context)
    }

    @Sendable private func which(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let values = try await WhichJobsPage(store: store, rule: whichJobs).values(try request.query())
        return page("which_jobs", values, "Which jobs would run", [], context)
    }

    private static let section = "/configured-jobs"

    private func page(
        _ template: String, _ values: [String: PageValue], _ title: String, _ crumbs: [PageHead.Crumb],
        _ context: SlipwayContext
    ) -> Response {
        ResultsTemplates.set.page(
            template, values, head: PageHead(title: title, section: Self.section, crumbs: crumbs), context: context)
    }
}
