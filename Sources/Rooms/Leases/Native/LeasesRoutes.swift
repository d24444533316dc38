import Fleet
import FoundationEssentials
import Hummingbird
import Postgres
import SlipwayModel
import Web

/// `/api/v1/leases`: the native interface. Whoever asks shows a token with the scope `leases:write`, and owns what he
/// takes.
struct LeasesRoutes: Sendable {
    private let leases: NativeLeases
    private let desk: LeaseDesk
    private var database: PostgresPool { desk.bus.database }

    /// Seconds that a call waits at most.
    private static let longestWait: Int64 = 60

    init(desk: LeaseDesk) {
        self.desk = desk
        leases = NativeLeases(desk)
    }

    func add(to router: Router<SlipwayContext>) {
        router.post("api/v1/leases", use: acquire)
        router.get("api/v1/leases", use: list)
        router.get("api/v1/leases/pools", use: pools)
        router.get("api/v1/leases/:id", use: follow)
        router.post("api/v1/leases/:id/renew", use: renew)
        router.post("api/v1/leases/:id/release", use: release)
        router.delete("api/v1/leases/:id", use: release)
    }

    @Sendable private func acquire(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let identity = try context.require(.leasesWrite)
        let ask = try await LeaseAsk(request)
        let verdict = try await leases.acquire(
            ask.id ?? .version7(), owner: identity.name, wish: ask.wish, priority: ask.priority, lasts: ask.lasts,
            reason: ask.reason, wait: .seconds(ask.wait))
        return try answer(verdict, ask.id.map(\.lowercased) ?? "")
    }

    @Sendable private func follow(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let identity = try context.require(.leasesWrite)
        let (id, text) = try lease(context)
        let wait = try request.query().integer("wait", in: 0...Self.longestWait) ?? 0
        return try answer(
            try await leases.follow(id, owner: identity.name, wait: .seconds(wait)), text)
    }

    @Sendable private func renew(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let identity = try context.require(.leasesWrite)
        let (id, text) = try lease(context)
        let query = try request.query()
        guard let token = try query.integer("token", in: 1...Int64.max) else {
            throw WebError.badRequest(LeasesText.tokenMissing)
        }
        let lasts = try LeaseAsk.lasts(query.text("lasts"))
        return try answer(
            try await leases.renew(
                id, owner: identity.name, isOperator: identity.allows(.admin), token: token, lasts: lasts), text)
    }

    @Sendable private func release(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let identity = try context.require(.leasesWrite)
        let (id, text) = try lease(context)
        let query = try request.query()
        let verdict = try await leases.release(
            id, owner: identity.name, isOperator: identity.allows(.admin),
            token: try query.integer("token", in: 1...Int64.max), dest: try query.text("dest") ?? "free")
        if case .lease = verdict { return .json(Released(id: id.lowercased, state: "released")) }
        if verdict == .stale, try query.integer("token") == nil { throw WebError.badRequest(LeasesText.tokenMissing) }
        return try answer(verdict, text)
    }

    private struct Released: Encodable {
        var id: String
        var state: String
    }

    @Sendable private func list(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        return .json(
            try await HeldResource.list(
                type: query.text("type"), owner: query.text("owner"),
                limit: Int(query.integer("limit", in: 1...10_000) ?? 1000), database))
    }

    @Sendable private func pools(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        .json(try await PoolSummary.all(database))
    }

    private func lease(_ context: SlipwayContext) throws(WebError) -> (UUID, String) {
        let text = try context.pathText("id", maximum: 80)
        guard let id = UUID(uuidString: text) else { throw WebError.notFound(LeasesText.noSuchLease(text)) }
        return (id, text)
    }

    private func answer(_ verdict: NativeLeases.Verdict, _ text: String) throws(WebError) -> Response {
        switch verdict {
        case .lease(let lease): return .json(lease, status: lease.state == .granted ? .ok : .accepted)
        case .unknownType(let type): throw .notFound(LeasesText.unknownType(type))
        case .unknownLease: throw .notFound(LeasesText.noSuchLease(text))
        case .notYours: throw WebError(.forbidden, LeasesText.notYours(text))
        case .stale: throw WebError(.conflict, LeasesText.lost(text))
        }
    }
}

/// What a call asks for: the JSON of `POST /api/v1/leases`.
struct LeaseAsk: Sendable {
    var id: UUID?
    var wish: LeaseWish
    var priority: Int
    var lasts: Double?
    var wait: Int64
    var reason: String?

    private struct Body: Decodable {
        var id: String?
        var type: String?
        var types: [String]?
        var count: Int?
        var items: [Item]?
        var state: String?
        var dest: String?
        var priority: Int?
        var lasts: Double?
        var wait: Double?
        var reason: String?
    }

    private struct Item: Decodable {
        var type: String?
        var types: [String]?
        var count: Int?
        var state: String?
        var dest: String?
    }

    init(_ request: Request) async throws {
        let buffer = try await request.body.collect(upTo: 64 << 10)
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: Data(buffer.readableBytesView))
        } catch {
            throw WebError.badRequest(
                "The body is not the JSON of a lease: {\"type\": \"…\"}, or \"types\" of which one will do, or \"items\" "
                    + "of which all are needed; besides \"count\", \"priority\", \"lasts\" and \"wait\" in seconds, \"id\", "
                    + "\"reason\".")
        }
        if let text = body.id {
            guard let uuid = UUID(uuidString: text) else {
                throw WebError.badRequest("The id '\(text.prefix(80))' is no UUID; leave it out to be given one.")
            }
            id = uuid
        }
        let items =
            body.items
            ?? [Item(type: body.type, types: body.types, count: body.count, state: body.state, dest: body.dest)]
        wish = LeaseWish(items: try items.map(Self.item))
        try Self.check(wish)
        priority = body.priority ?? 0
        guard LeaseRules.priorities.contains(priority) else {
            throw WebError.badRequest("The priority \(priority) is not from -1000 to 1000.")
        }
        lasts = try body.lasts.map(Self.checkedLasts)
        guard let seconds = Int64(exactly: (body.wait ?? 0).rounded()), (0...60).contains(seconds) else {
            throw WebError.badRequest("wait is not from 0 to 60 seconds; ask again under the same id to wait longer.")
        }
        wait = seconds
        reason = body.reason.map { String($0.prefix(500)) }
        if reason?.utf8.contains(0) == true { throw WebError.badRequest("The reason holds a NUL; leave it out.") }
    }

    private static func item(_ item: Item) throws(WebError) -> LeaseWish.Item {
        let types = item.types ?? item.type.map { [$0] } ?? []
        guard !types.isEmpty else { throw .badRequest("Name what you need: \"type\": \"…\" or \"types\": [\"…\"].") }
        return LeaseWish.Item(
            types: types, count: item.count ?? 1, state: item.state ?? "free", dest: item.dest ?? "leased")
    }

    /// What a wish may be, wherever it comes from.
    static func check(_ wish: LeaseWish) throws(WebError) {
        guard (1...LeaseRules.maximumTypes).contains(wish.items.count) else {
            throw .badRequest("A lease has 1 to \(LeaseRules.maximumTypes) items, not \(wish.items.count).")
        }
        for item in wish.items {
            guard (1...LeaseRules.maximumCount).contains(item.count) else {
                throw .badRequest("count is \(item.count); a lease has 1 to \(LeaseRules.maximumCount) resources.")
            }
            guard item.types.count <= LeaseRules.maximumTypes, Set(item.types).count == item.types.count else {
                throw .badRequest("types names one twice, or more than \(LeaseRules.maximumTypes).")
            }
            for text in item.types + [item.state, item.dest] {
                guard (1...253).contains(text.utf8.count), !text.utf8.contains(0) else {
                    throw .badRequest("A type or state is empty, has more than 253 bytes, or a NUL in it.")
                }
            }
        }
        guard wish.count <= LeaseRules.maximumCount else {
            throw .badRequest("A lease has 1 to \(LeaseRules.maximumCount) resources, not \(wish.count).")
        }
    }

    /// Seconds, from a number.
    static func lasts(_ text: String?) throws(WebError) -> Double? {
        guard let text else { return nil }
        guard let seconds = Double(text) else {
            throw .badRequest("lasts is '\(text.prefix(40))'; write seconds, e.g. 90.")
        }
        return try checkedLasts(seconds)
    }

    private static func checkedLasts(_ seconds: Double) throws(WebError) -> Double {
        guard seconds >= 1, seconds <= 86_400 else {
            throw .badRequest("lasts is not from 1 to 86400 seconds; renew the lease to keep it longer.")
        }
        return seconds
    }
}

/// A resource that somebody holds, as it is listed.
struct HeldResource: Sendable, Codable, Hashable {
    var name: String
    var type: String
    var state: String
    var token: Int64
    var owner: String
    var lease: String?
    var run: String?
    var job: String?
    var reason: String?
    var grantedAt: Date
    var expiresAt: Date

    enum CodingKeys: String, CodingKey {
        case name, type, state, token, owner, lease, run, job, reason
        case grantedAt = "granted_at"
        case expiresAt = "expires_at"
    }

    static func list(
        type: String?, owner: String?, limit: Int, _ database: PostgresPool
    ) async throws -> [HeldResource] {
        try await database.execute(LeasesStore.listLeases, type, owner, limit).map { row in
            let (name, type, state, token, owner, _, lease, run, job, reason, grantedAt, expiresAt) = try row.decode(
                (
                    String, String, String, Int64, String, String, UUID?, UUID?, String?, String?, Date, Date
                ).self)
            return HeldResource(
                name: name, type: type, state: state, token: token, owner: owner, lease: lease?.lowercased,
                run: run?.lowercased, job: job, reason: reason, grantedAt: grantedAt, expiresAt: expiresAt)
        }
    }
}

/// A type of resources: how many there are, and how they stand.
struct PoolSummary: Sendable, Codable, Hashable {
    var type: String
    /// By state: those that nobody holds.
    var unowned: [String: Int] = [:]
    /// By state: those that somebody holds.
    var owned: [String: Int] = [:]
    var waiting = 0

    var free: Int { unowned["free"] ?? 0 }
    var leased: Int { owned.values.reduce(0, +) }
    var dirty: Int { unowned["dirty"] ?? 0 }
    var total: Int { unowned.values.reduce(0, +) + leased }

    static func all(_ database: PostgresPool) async throws -> [PoolSummary] {
        let rows = try await database.pipeline([(LeasesStore.poolFigures, []), (LeasesStore.waitingFigures, [])])
        var pools: [String: PoolSummary] = [:]
        for row in rows[0] {
            let (type, state, isOwned, count) = try row.decode((String, String, Bool, Int).self)
            if isOwned {
                pools[type, default: PoolSummary(type: type)].owned[state] = count
            } else {
                pools[type, default: PoolSummary(type: type)].unowned[state] = count
            }
        }
        for row in rows[1] {
            let (type, waiting) = try row.decode((String, Int).self)
            pools[type, default: PoolSummary(type: type)].waiting = waiting
        }
        return pools.values.sorted { $0.type < $1.type }
    }
}
