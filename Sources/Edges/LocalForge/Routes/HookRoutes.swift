import Forge
import FoundationEssentials
import Hummingbird
import SlipwayModel

/// The hook of a repository, its deliveries, and sending one again.
struct HookRoutes {
    let directory: RepositoryDirectory
    let site: ForgeSite

    func add(to api: RouterGroup<LocalForgeContext>) {
        let hooks = api.group("repos/:org/:repo/hooks")
        hooks.get { request, context in
            let host = try await host(context)
            return Response.page(
                site.hook.map { [description(of: $0, host)] } ?? [], of: request, webURL: site.webURL())
        }
        hooks.get(":hook") { _, context in
            let host = try await host(context)
            return Response.json(description(of: try hook(context), host))
        }
        hooks.post(":hook/pings") { _, context in
            let login = try context.requireLogin()
            _ = try hook(context)
            try await host(context).ping(by: login)
            return Response.noContent
        }
        hooks.get(":hook/deliveries") { request, context in
            _ = try context.requireLogin()
            _ = try hook(context)
            let state = await (try await host(context)).state
            let list = state.deliveries.reversed().map { HookDelivery($0, repositoryID: state.id) }
            return Response.page(list, of: request, webURL: site.webURL())
        }
        hooks.get(":hook/deliveries/:delivery") { _, context in
            _ = try context.requireLogin()
            let hook = try hook(context)
            let host = try await host(context)
            let id = Int64(try context.number("delivery"))
            let state = await host.state
            guard let delivery = state.deliveries.first(where: { $0.id == id }) else { throw ForgeRefusal.notFound }
            let payload = try await host.payload(delivery)
            var detail = HookDelivery(delivery, repositoryID: state.id)
            detail.url = hook.url
            detail.request = HookDelivery.Exchange(
                headers: Dictionary(await DeliverySender.headers(delivery, payload, hook, host)) { $1 },
                payload: try JSONDecoder().decode(JSONValue.self, from: Data(payload)))
            detail.response = HookDelivery.Exchange(
                headers: [:], payload: delivery.outcome.map { JSONValue.string($0.body) } ?? .null)
            return Response.json(detail)
        }
        hooks.post(":hook/deliveries/:delivery/attempts") { _, context in
            _ = try context.requireLogin()
            _ = try hook(context)
            try await host(context).redeliver(Int64(try context.number("delivery")))
            return Response.json([String: String](), status: .accepted)
        }
    }

    private func host(_ context: LocalForgeContext) async throws -> RepositoryHost {
        try await directory.host(try context.repository())
    }

    private func hook(_ context: LocalForgeContext) throws -> ForgeSite.Hook {
        guard let hook = site.hook, context.parameters.get("hook", as: Int64.self) == ForgeSite.Hook.id else {
            throw ForgeRefusal.notFound
        }
        return hook
    }

    private func description(of hook: ForgeSite.Hook, _ host: RepositoryHost) -> Hook {
        let url = "\(site.webURL())/api/v3/repos/\(host.name)/hooks/\(ForgeSite.Hook.id)"
        return Hook(
            id: ForgeSite.Hook.id, name: "web", isActive: true, events: ["*"],
            config: Hook.Config(url: hook.url, contentType: "json"), url: url)
    }
}

extension HookDelivery {
    init(_ record: RepositoryState.Delivery, repositoryID: Int64) {
        self.init(
            id: record.id, guid: record.guid, event: record.event, action: record.action,
            isRedelivery: record.isRedelivery, deliveredAt: record.outcome?.deliveredAt,
            duration: record.outcome?.duration ?? 0, status: record.outcome?.status ?? "waiting",
            statusCode: record.outcome?.statusCode ?? 0, repositoryID: repositoryID)
    }
}
