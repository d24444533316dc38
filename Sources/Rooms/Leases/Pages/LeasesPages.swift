import FoundationEssentials
import Hummingbird
import JobConfig
import Postgres
import SlipwayModel
import Web

/// `/leases` and what lies below it: pools, a pool, a resource, costs.
struct LeasesPages: Sendable {
    let database: PostgresPool
    private let estimates = LineEstimates()

    private static let section = "/leases"
    private static let shown = 300

    private static let templates = TemplateSet([
        "leases": PackageResources.leases_mustache,
        "lease_pool": PackageResources.lease_pool_mustache,
        "lease_resource": PackageResources.lease_resource_mustache,
        "lease_costs": PackageResources.lease_costs_mustache,
    ])

    init(database: PostgresPool) { self.database = database }

    func add(to router: Router<SlipwayContext>) {
        router.get("leases", use: pools)
        router.get("leases/costs", use: costs)
        router.get("leases/pools/:type", use: pool)
        router.get("leases/resources/:name", use: resource)
    }

    private func page(
        _ name: String, _ values: [String: PageValue], _ title: String, _ crumbs: [PageHead.Crumb],
        _ context: SlipwayContext
    ) -> Response {
        Self.templates.page(
            name, values, head: PageHead(title: title, section: Self.section, crumbs: crumbs), context: context)
    }

    // MARK: Pools

    @Sendable private func pools(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let settings = try await self.settings()
        var pools = try await PoolSummary.all(database)
        let known = Set(pools.map(\.type))
        pools += settings.keys.filter { !known.contains($0) }.map { PoolSummary(type: $0) }
        pools.sort { $0.type < $1.type }
        let rows = pools.map { pool -> [String: PageValue] in
            [
                "type": .text(pool.type), "path": .text(Link.path("leases", "pools", pool.type)),
                "note": .optional(LeasesText.note(on: settings[pool.type])), "free": .number(pool.free),
                "leased": .number(pool.leased), "dirty": .number(pool.dirty),
                "other": .number(pool.total - pool.free - pool.leased - pool.dirty), "all": .number(pool.total),
                "waiting": .number(pool.waiting), "hasWaiting": .flag(pool.waiting > 0),
            ]
        }
        return page("leases", ["hasPools": .flag(!rows.isEmpty), "pools": .objects(rows)], "Leases", [], context)
    }

    private func settings() async throws -> [String: (pool: LeasePool, isRetired: Bool)] {
        var result: [String: (pool: LeasePool, isRetired: Bool)] = [:]
        for row in try await database.execute(LeasesStore.poolSettingsAll) {
            let (type, settings, isRetired) = try row.decode((String, JSON<LeasePool>, Bool).self)
            result[type] = (settings.value, isRetired)
        }
        return result
    }

    @Sendable private func pool(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let type = try context.pathText("type")
        guard let settings = try await self.settings()[type] else {
            throw WebError.notFound(LeasesText.unknownType(type))
        }
        let rows = try await database.pipeline([
            (LeasesStore.samplesOfDay, [type]), (LeasesStore.waitingOfType, [type, Self.shown]),
            (LeasesStore.resourcesOfType, [type, Self.shown]),
        ])
        let samples = try rows[0].map { row in
            let (at, free, leased, dirty, other, waiting) = try row.decode(
                (Date, Double, Double, Double, Double, Double).self)
            return PoolChart.Sample(
                at: at, free: free, leased: leased, dirty: dirty, other: other, waiting: waiting)
        }
        let figures = try await estimates.figures(of: type, database)
        let waiting = try rows[1].enumerated().map { try Self.waitingRow($0.offset + 1, $0.element) }
        let resources = try rows[2].map(Self.resourceRow)
        let values: [String: PageValue] = [
            "type": .text(type),
            "sentence": .text(
                LeasesText.pool(settings.pool, isRetired: settings.isRetired, held: figures.held, of: figures.count)),
            "chart": samples.isEmpty ? .nothing : .markup(PoolChart(samples: samples, now: Date()).html),
            "hasWaiting": .flag(!waiting.isEmpty), "waiting": .objects(waiting),
            "estimate": .text(LeasesText.estimate(figures, waiting: waiting.count)),
            "resources": .objects(resources),
            "shown": .text(resources.count < Self.shown ? "" : "the first \(Self.shown)"),
        ]
        return page("lease_pool", values, type, [.init("Leases", Self.section), .init(type)], context)
    }

    private static func waitingRow(_ place: Int, _ row: Row) throws -> [String: PageValue] {
        let (owner, job, reason, run, since, priority) = try row.decode(
            (String, String?, String?, UUID?, Date, Int).self)
        return [
            "place": .number(place), "who": .text(job ?? owner),
            "path": .optional(run.map { Link.path("runs", $0.lowercased) }),
            "reason": .text(
                [reason, priority == 0 ? nil : "priority \(priority)"].compactMap(\.self).joined(separator: "; ")),
            "since": .markup(.age(since)),
        ]
    }

    private static func resourceRow(_ row: Row) throws -> [String: PageValue] {
        let (name, state, owner, job, run, grantedAt, expiresAt, freeSince, isDraining, error) = try row.decode(
            (String, String, String?, String?, UUID?, Date?, Date?, Date, Bool, String?).self)
        let notes = [
            isDraining ? "goes when it is given back" : nil, error.map { "cleaning failed: \($0.prefix(160))" },
        ].compactMap(\.self)
        return [
            "name": .text(name), "path": .text(Link.path("leases", "resources", name)), "state": .text(state),
            "owner": .text(job ?? owner ?? ""), "runPath": .optional(run.map { Link.path("runs", $0.lowercased) }),
            "since": .markup(.age(grantedAt ?? freeSince)),
            "until": expiresAt.map { PageValue.markup(.instant($0)) } ?? .nothing,
            "note": .optional(notes.isEmpty ? nil : notes.joined(separator: "; ")),
        ]
    }

    // MARK: A resource

    @Sendable private func resource(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let name = try context.pathText("name")
        let rows = try await database.pipeline([
            (LeasesStore.resourceRow, [name]), (LeasesStore.historyOfResource, [name, Self.shown]),
        ])
        guard !rows[0].isEmpty || !rows[1].isEmpty else {
            throw WebError.notFound(LeasesText.noSuchResource(name))
        }
        let leases = try rows[1].map { row -> [String: PageValue] in
            let (token, owner, job, reason, run, began, ended, endedBy, cost) = try row.decode(
                (Int64, String, String?, String?, UUID?, Date, Date, String, Double).self)
            return [
                "token": .text(String(token)), "who": .text(job ?? owner), "reason": .optional(reason),
                "path": .optional(run.map { Link.path("runs", $0.lowercased) }), "ended": .text(endedBy),
                "began": .markup(.age(began)), "lasted": .text(HumanTime.duration(ended.timeIntervalSince(began))),
                "cost": .text(LeasesText.amount(cost)),
            ]
        }
        var type: String?
        var sentence = LeasesText.isGone
        if let row = rows[0].first {
            let (_, kind, state, owner, updatedAt, _, _, token) = try row.decode(
                (String, String, String, String, Date, String, Date?, Int64).self)
            type = kind
            sentence = LeasesText.resource(kind, state: state, owner: owner, token: token, updatedAt: updatedAt)
        }
        let crumbs =
            [PageHead.Crumb("Leases", Self.section)]
            + (type.map { [PageHead.Crumb($0, Link.path("leases", "pools", $0))] } ?? []) + [PageHead.Crumb(name)]
        return page(
            "lease_resource",
            [
                "name": .text(name), "sentence": .text(sentence), "hasLeases": .flag(!leases.isEmpty),
                "leases": .objects(leases),
            ], name, crumbs, context)
    }

    // MARK: Costs

    @Sendable private func costs(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let days = Int(try request.query().integer("days", in: 1...90) ?? 7)
        var groups: [String: [[String: PageValue]]] = [:]
        for row in try await database.execute(LeasesStore.costs, days) {
            let (kind, name, count, hours, cost) = try row.decode((String, String, Int, Double, Double).self)
            // Leases that no run holds belong to no job.
            if kind == "job", name.isEmpty { continue }
            guard groups[kind, default: []].count < Self.shown else { continue }
            let path: String? =
                switch kind {
                case "job": Link.path("jobs", name)
                case "type": Link.path("leases", "pools", name)
                default: nil
                }
            groups[kind, default: []].append([
                "name": .text(name), "path": .optional(path), "leases": .number(count),
                "hours": .text(LeasesText.amount(hours)), "cost": .text(LeasesText.amount(cost)),
            ])
        }
        let titles = [
            ("owner", "By owner", "Owner"), ("job", "By job", "Job"), ("type", "By type", "Type"),
            ("day", "By day", "Day"),
        ]
        let values: [String: PageValue] = [
            "span": .text(days == 1 ? "a day" : "\(days) days"),
            "spans": .objects(
                [1, 7, 30, 90].map {
                    [
                        "title": .text($0 == 1 ? "1 day" : "\($0) days"), "path": .text("/leases/costs?days=\($0)"),
                        "isCurrent": .flag($0 == days),
                    ]
                }),
            "groups": .objects(
                titles.map { kind, title, column -> [String: PageValue] in
                    let rows = groups[kind] ?? []
                    return [
                        "title": .text(title), "column": .text(column), "hasRows": .flag(!rows.isEmpty),
                        "rows": .objects(kind == "day" ? rows.reversedByName : rows),
                    ]
                }),
        ]
        return page(
            "lease_costs", values, "What leases cost", [.init("Leases", Self.section), .init("Costs")], context)
    }
}

extension [[String: PageValue]] {
    /// Newest day first.
    fileprivate var reversedByName: Self {
        sorted { left, right in
            guard case .text(let first)? = left["name"], case .text(let second)? = right["name"] else { return false }
            return first > second
        }
    }
}
