import Forge
import FoundationEssentials
import Git
import Hummingbird
import JobConfig
import Postgres
import SlipwayModel
import Web

/// The pages on who owns what.
struct OwnersRoutes: Sendable {
    let database: PostgresPool
    let settings: SettingsCache
    let reader: OwnersReader

    func add(to router: Router<SlipwayContext>) {
        router.get("owners", use: repositories)
        router.get("owners/:org/:repo", use: path)
        router.get("owners/:org/:repo/**", use: path)
    }

    @Sendable private func repositories(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        if let wanted = try request.query().text("repo"), let name = RepositoryName(wanted) {
            return .redirect(to: OwnersPage.base(name), type: .normal)
        }
        let found = try await database.execute(PullRequestsStore.knownRepositories).map { row in
            let (org, repo) = try row.decode((String, String).self)
            return RepositoryName(org: org, repo: repo)
        }
        let values: [String: PageValue] = [
            "repositories": .objects(
                found.map { ["name": .text($0.description), "path": .text(OwnersPage.base($0))] }),
            "isEmpty": .flag(found.isEmpty), "emptyText": .text(OwnersText.noRepositories),
        ]
        return PullRequestsTemplates.set.page(
            "owners_index", values, head: PageHead(title: "Owners", section: OwnersPage.section), context: context)
    }

    @Sendable private func path(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let text = "\(try context.pathText("org"))/\(try context.pathText("repo"))"
        guard let name = RepositoryName(text) else { throw WebError.notFound(OwnersText.unknownRepository(text)) }
        let query = try request.query()
        // A form names the path as a parameter; its place is in the address.
        if let wanted = query["path"] {
            let branch = try query.text("branch")
            return .redirect(to: OwnersPage.path(name, branch, Self.clean(wanted)), type: .normal)
        }
        let path = Self.clean(try context.pathRest().joined(separator: "/"))
        guard path.utf8.count <= 1000, !path.utf8.contains(where: { $0 < 0x20 }) else {
            throw WebError.badRequest(OwnersText.noPath)
        }
        // Copies are made only of repositories that Slipway works for.
        guard try await !database.execute(PullRequestsStore.knowsRepository, name.org, name.repo).isEmpty else {
            throw WebError.notFound(OwnersText.unknownRepository(name.description))
        }
        let plugins = try await settings.current(database).plugins(of: name)
        guard let page = try await page(name, try query.text("branch"), path, plugins) else {
            let crumbs: [PageHead.Crumb] = [.init("Owners", "/owners"), .init(name.description, nil)]
            return PullRequestsTemplates.set.page(
                "owners_missing",
                ["name": .text(name.description), "text": .text(OwnersText.notOnForge(name.description))],
                head: PageHead(title: "Owners of \(name)", section: OwnersPage.section, crumbs: crumbs),
                context: context)
        }
        return PullRequestsTemplates.set.page("owners", page.values(), head: page.head, context: context)
    }

    /// Nil where the forge does not show the repository.
    private func page(
        _ name: RepositoryName, _ branch: String?, _ path: String, _ plugins: RepositoryPlugins
    ) async throws -> OwnersPage? {
        do {
            let chosen: String
            if let branch {
                chosen = branch
            } else {
                chosen = try await reader.forge.repository(name).defaultBranch ?? "main"
            }
            guard GitName.isRef(chosen), let tree = try await reader.tree(of: chosen, in: name, plugins) else {
                throw WebError.notFound(OwnersText.noBranch(chosen, name))
            }
            return OwnersPage(
                repository: name, branch: chosen, path: path, tree: tree, forge: reader.forge.address.web,
                needsCollaborators: !plugins.skipsCollaborators)
        } catch let error as ForgeError {
            if error.isNotFound { return nil }
            throw WebError(.badGateway, OwnersText.forgeAway)
        } catch is GitMirrorError {
            throw WebError(.badGateway, OwnersText.forgeAway)
        } catch is GitError {
            throw WebError(.badGateway, OwnersText.forgeAway)
        }
    }

    /// Without empty parts and parts that lead upwards.
    private static func clean(_ path: String) -> String {
        path.split(separator: "/").filter { $0 != "." && $0 != ".." }.joined(separator: "/")
    }
}
