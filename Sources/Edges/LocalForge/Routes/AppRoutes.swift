import Forge
import FoundationEssentials
import Hummingbird
import SlipwayModel

/// What a GitHub App asks as itself: its installations, their tokens, the deliveries of its hook.
struct AppRoutes {
    let directory: RepositoryDirectory
    let site: ForgeSite
    let apps: AppRegistry
    let appID: String?

    private struct Shown: Encodable {
        var id: Int64
        var account: Account
        var appID: String
        var targetType = "Organization"

        enum CodingKeys: String, CodingKey {
            case id, account
            case appID = "app_id"
            case targetType = "target_type"
        }
    }

    func add(to api: RouterGroup<LocalForgeContext>) {
        api.get("app") { _, context in
            struct Answer: Encodable {
                var id: String
                var slug: String
                var name: String
            }
            let id = try requireApp(context)
            return Response.json(Answer(id: id, slug: "slipway", name: "Slipway"))
        }
        api.get("app/installations") { request, context in
            _ = try requireApp(context)
            return Response.page(apps.installations.map(shown), of: request, webURL: site.webURL())
        }
        api.get("orgs/:org/installation") { _, context in
            _ = try requireApp(context)
            let org = try context.name("org").lowercased()
            guard let found = apps.installations.first(where: { $0.org.lowercased() == org }) else {
                throw ForgeRefusal.notFound
            }
            return Response.json(shown(found))
        }
        // The forge's own way to install the App again; at GitHub an owner does it on a page.
        api.put("orgs/:org/installation") { _, context -> Response in
            try context.requireSiteAdmin()
            apps.install(in: try context.name("org"))
            return Response.noContent
        }
        api.get("users/:user/installation") { _, context -> Response in
            _ = try requireApp(context)
            throw ForgeRefusal.notFound
        }
        api.post("app/installations/:number/access_tokens") { _, context in
            struct Answer: Encodable {
                var token: String
                var expiresAt: Timestamp
                var permissions = [
                    "contents": "write", "pull_requests": "write", "statuses": "write", "checks": "write",
                ]

                enum CodingKeys: String, CodingKey {
                    case token, permissions
                    case expiresAt = "expires_at"
                }
            }
            _ = try requireApp(context)
            let issued = try apps.issueToken(installation: Int64(try context.number()))
            return Response.json(
                Answer(token: issued.text, expiresAt: Timestamp(issued.expiresAt)), status: .created)
        }
        api.delete("app/installations/:number") { _, context in
            _ = try requireApp(context)
            try apps.remove(installation: Int64(try context.number()))
            return Response.noContent
        }
        addDeliveries(to: api)
    }

    private func addDeliveries(to api: RouterGroup<LocalForgeContext>) {
        api.get("app/hook/deliveries") { request, context in
            _ = try requireApp(context)
            var all: [HookDelivery] = []
            for host in await directory.all {
                let state = await host.state
                all += state.deliveries.map { HookDelivery($0, repositoryID: state.id) }
            }
            let newest = all.sorted {
                ($0.deliveredAt?.date ?? .distantFuture, $0.id) > ($1.deliveredAt?.date ?? .distantFuture, $1.id)
            }
            return Response.page(newest, of: request, webURL: site.webURL())
        }
        api.post("app/hook/deliveries/:delivery/attempts") { _, context in
            _ = try requireApp(context)
            let id = Int64(try context.number("delivery"))
            for host in await directory.all where await host.state.deliveries.contains(where: { $0.id == id }) {
                try await host.redeliver(id)
                return Response.json([String: String](), status: .accepted)
            }
            throw ForgeRefusal.notFound
        }
    }

    private func requireApp(_ context: LocalForgeContext) throws -> String {
        guard context.isApp, let appID else {
            throw ForgeRefusal(status: 401, message: "A JSON web token could not be decoded")
        }
        return appID
    }

    private func shown(_ installation: AppRegistry.Installation) -> Shown {
        Shown(
            id: installation.id, account: site.accounts.snapshot.account(installation.org), appID: appID ?? "")
    }
}
