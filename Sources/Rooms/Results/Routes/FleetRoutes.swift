import Fleet
import FoundationEssentials
import Hummingbird
import SlipwayModel
import Web

/// Pages on the machinery itself, and what operators do with its dead letters.
struct FleetRoutes: Sendable {
    let store: ResultsStore
    let letters: DeadLetters

    func add(to router: Router<SlipwayContext>) {
        router.get("fleet", use: fleet)
        router.get("dead-letters", use: list)
        router.get("dead-letters/:id", use: show)
        router.post("dead-letters/:id/replay", use: replay)
        router.post("dead-letters/:id/discard", use: discard)
    }

    @Sendable private func fleet(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let values = try await FleetPage(store: store, deadLetters: try await store.deadLetterCount()).values(
            now: Date())
        return ResultsTemplates.set.page(
            "fleet", values, head: PageHead(title: "Fleet", section: "/fleet"), context: context)
    }

    @Sendable private func list(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let values = try await DeadLetterPages(letters: letters).list(now: Date())
        return ResultsTemplates.set.page(
            "dead_letters", values,
            head: PageHead(
                title: "Dead letters", section: "/fleet", crumbs: [.init("Fleet", "/fleet"), .init("Dead letters")]),
            context: context)
    }

    @Sendable private func show(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let id = try Self.id(context)
        let values = try await DeadLetterPages(letters: letters).letter(id, context: context, now: Date())
        return ResultsTemplates.set.page(
            "dead_letter", values,
            head: PageHead(
                title: "Dead letter \(id)", section: "/fleet",
                crumbs: [.init("Fleet", "/fleet"), .init("Dead letters", "/dead-letters"), .init("\(id)")]),
            context: context)
    }

    @Sendable private func replay(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        try await change(context) { try await letters.replay($0) }
    }

    @Sendable private func discard(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        try await change(context) { try await letters.discard($0) }
    }

    private func change(
        _ context: SlipwayContext, _ change: (Int64) async throws -> Bool
    ) async throws -> Response {
        try context.require(.fleetWrite)
        let id = try Self.id(context)
        guard try await change(id) else { throw WebError.notFound(ResultsText.noSuchDeadLetter(id)) }
        return context.prefersHTML ? .redirect(to: "/dead-letters") : .json(["id": id])
    }

    private static func id(_ context: SlipwayContext) throws(WebError) -> Int64 {
        let text = try context.pathText("id", maximum: 20)
        guard let id = Int64(text), id > 0 else {
            throw .notFound("'\(text)' is no dead letter's number; /dead-letters lists them.")
        }
        return id
    }
}
