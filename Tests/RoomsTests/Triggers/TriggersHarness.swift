import Fleet
import Forge
import Foundation
import Hummingbird
import HummingbirdTesting
import Merging
import Postgres
import PullRequests
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Testing
import Triggers
import Web

/// The triggers room on a database of its own, behind the gateway's router.
struct TriggersHarness: Sendable {
    let bus: FleetBus
    let room: TriggersService
    let client: any TestClientProtocol

    static let secrets = ["the-old-secret", "the-new-secret"]

    static func run(
        secrets: [String] = secrets, _ body: @Sendable @escaping (TriggersHarness) async throws -> Void
    ) async throws {
        var settings = Settings()
        settings.webhookSecrets = secrets.map { Secret($0) }
        settings.forgeBot = "slipway-bot"
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
        let nobody = FleetBus(database: pool, publisher: nil, logger: quietLogger)
        let migrations =
            FleetSchema.migrations + SchedulingService.migrations + PullRequestsService.migrations
            + MergingService.migrations + TriggersService(bus: nobody, settings: settings).migrations
        await pool.close()
        try await withDatabase(migrations: migrations) { [settings] pool in
            let (bus, _) = try await MessageRecorder.bus(over: pool)
            let room = TriggersService(bus: bus, settings: settings)
            let router = WebServer.router(tokens: nil)
            room.addRoutes(to: router)
            let application = Application(router: router)
            try await application.test(.router) { client in
                try await body(TriggersHarness(bus: bus, room: room, client: client))
            }
        }
    }

    /// Another gateway over the same database.
    func anotherGateway() -> TriggersService { TriggersService(bus: bus, settings: Settings()) }

    struct Answer: Sendable {
        var status: Int
        var text: String
        var headers: HTTPFields
    }

    /// A delivery as GitHub sends it, signed with the newest secret unless told otherwise.
    func send(
        _ event: String?, _ body: String, id: String? = UUID().uuidString, secret: String = "the-new-secret",
        signature: String?? = .none, type: String? = "application/json", method: HTTPRequest.Method = .post
    ) async throws -> Answer {
        var headers: HTTPFields = [:]
        let bytes = Array(body.utf8)
        set(&headers, "Content-Type", type)
        set(&headers, "X-GitHub-Event", event)
        set(&headers, "X-GitHub-Delivery", id)
        set(&headers, "X-Hub-Signature-256", signature ?? WebhookSignature.header(for: bytes, secret: secret))
        return try await client.execute(
            uri: "/hook", method: method, headers: headers, body: ByteBuffer(bytes: bytes)
        ) { response in
            Answer(
                status: Int(response.status.code), text: String(buffer: response.body), headers: response.headers)
        }
    }

    private func set(_ headers: inout HTTPFields, _ name: String, _ value: String?) {
        guard let name = HTTPFields.Element.Name(name), let value else { return }
        headers[name] = value
    }

    func deliveries() async throws -> Int {
        try await bus.database.query("select count(*) from triggers.deliveries_v1").one().decode(Int.self)
    }

    /// The events of a type that were emitted.
    func emitted<E: Event>(_ type: E.Type) async throws -> [E] {
        let bodies = try await bus.database.query(
            "select body from fleet.outbox where type = \(E.type) order by message_id")
        return try bodies.flatMap { try Message.all(in: $0.decode([UInt8].self)) }.map { try $0.decode(E.self) }
    }
}
