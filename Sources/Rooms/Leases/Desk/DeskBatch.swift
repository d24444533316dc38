import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// The calls of one transaction, from what they ask to what became of them.
struct DeskBatch: Sendable {
    let calls: [DeskCall]
    let pools: PoolCache
    let waiting: LeaseWaiters
    /// Types to hold beside those that the calls name, since somebody first in line wants them too.
    var further: Set<String> = []
    /// How many of those in line are looked at, at least.
    var depth = 0

    /// - Returns: an answer per call, in order.
    static func perform(
        _ calls: [DeskCall], bus: FleetBus, pools: PoolCache, waiting: LeaseWaiters
    ) async throws -> [DeskAnswer] {
        var batch = DeskBatch(calls: calls, pools: pools, waiting: waiting)
        var answers: [DeskAnswer]?
        while true {
            let types = try await batch.typesOfNames(bus.database)
            do {
                let done = try await bus.commit { [batch] effects in try await batch.commit(types, effects) }
                waiting.wake(done.woken)
                answers = answers ?? done.answers
                // Somebody further back in line may have what those in front did not take.
                guard !done.unfinished.isEmpty, batch.depth < 100_000 else { break }
                batch = DeskBatch(
                    calls: [.serve(done.unfinished)], pools: pools, waiting: waiting,
                    depth: max(100, batch.depth * 10))
            } catch let error as PoolsMissing {
                batch.further.formUnion(error.types)
            }
        }
        return answers ?? []
    }

    /// The transaction does not hold every pool that somebody first in line wants something of.
    struct PoolsMissing: Error {
        let types: Set<String>
    }

    struct Done: Sendable {
        var answers: [DeskAnswer]
        /// Leases of others that were granted.
        var woken: [UUID]
        /// Lines in which something is left, and which have more people than were looked at.
        var unfinished: [LeaseLine]
    }

    /// The types of the resources that are given back. A name has one type for as long as it exists.
    private func typesOfNames(_ database: PostgresPool) async throws -> [String: String] {
        var names: [String] = []
        for case .giveBack(let back) in calls { names.append(back.name) }
        guard !names.isEmpty else { return [:] }
        var types = pools.types(of: names)
        let missing = names.filter { types[$0] == nil }
        if !missing.isEmpty {
            for row in try await database.execute(LeasesStore.typesOfNames, missing) {
                let (name, type) = try row.decode((String, String).self)
                types[name] = type
            }
            pools.remember(types: types)
        }
        return types
    }

    private func commit(_ types: [String: String], _ effects: Effects) async throws -> Done {
        var desk = DeskRound(batch: self, typesOfNames: types)
        try await desk.look(effects.database)
        desk.decide()
        return try await desk.write(effects)
    }
}

/// One pass of a batch through the database: look, decide, write.
struct DeskRound {
    let batch: DeskBatch
    let typesOfNames: [String: String]
    private var answers: [DeskAnswer?]
    private var claims: [(position: Int, claim: LeaseClaim)] = []
    private var lines: [LeaseLine] = []
    private var pools: [String: LeasePool] = [:]
    private var now = Date.distantPast
    private var free: [LeaseLine: [Free]] = [:]
    private var heads: [Head] = []
    /// The places of those who ask again, by their key.
    private var places: [String: (request: Int64, rank: Date, since: Date)] = [:]
    private var held: [String: [String: Int]] = [:]
    private var plan: GrantPlan?
    /// Runs whose leases were ended by others than themselves.
    private var lost: [LeaseLost] = []
    /// Claimants by their number: calls first, then those in line who did not call.
    private var standing: [Standing] = []

    private struct Free {
        var resource: GrantedResource
    }

    private struct Head {
        var id: Int64
        var key: String
        var claim: LeaseClaim
        var rank: Date
        var enqueuedAt: Date
        var isPushed: Bool
    }

    private struct Standing {
        var claim: LeaseClaim
        /// The call, where he asks just now.
        var position: Int?
        /// The request, where he stands in line.
        var request: Int64?
        var since: Date?
    }

    init(batch: DeskBatch, typesOfNames: [String: String]) {
        self.batch = batch
        self.typesOfNames = typesOfNames
        answers = Array(repeating: nil, count: batch.calls.count)
    }

    // MARK: Look

    /// Holds the pools, gives back, and reads who is first and what is free.
    mutating func look(_ database: Transaction) async throws {
        var returns: [(position: Int, back: LeaseReturn)] = []
        var wanted: [LeaseLine: Int] = [:]
        for (position, call) in batch.calls.enumerated() {
            switch call {
            case .claim(let claim):
                claims.append((position, claim))
                for item in claim.wish.items {
                    for type in item.types {
                        wanted[LeaseLine(type: type, state: item.state), default: 0] += item.count
                    }
                }
            case .giveBack(let back):
                returns.append((position, back))
                if let type = typesOfNames[back.name] {
                    wanted[LeaseLine(type: type, state: back.dest), default: 0] += 0
                }
            case .serve(let lines):
                for line in lines { wanted[line, default: 0] += 0 }
            }
        }
        lines = wanted.keys.sorted()
        let types = Array(Set(lines.map(\.type)).union(batch.further)).sorted()
        // Lines of types that somebody in front wants besides.
        let most = lines.map { line in
            (wanted[line] ?? 0) + (batch.pools.pool(line.type).map(Self.spare) ?? 0)
        }
        var items: [(Statement, [any PostgresEncodable])] = [
            (LeasesStore.lockPools, [types]), (LeasesStore.clock, []),
        ]
        if !returns.isEmpty { items.append((LeasesStore.giveBack, Self.parameters(returns.map(\.back), types))) }
        let keys = claims.compactMap(\.claim.key)
        if !keys.isEmpty { items.append((LeasesStore.comeBack, [keys])) }
        let leases = claims.compactMap(\.claim.leaseID)
        if !leases.isEmpty { items.append((LeasesStore.findLeases, [leases])) }
        items.append((LeasesStore.heads, [lines.map(\.type), lines.map(\.state), batch.depth]))
        items.append((LeasesStore.counted, [types]))
        items.append((LeasesStore.freeResources, [lines.map(\.type), lines.map(\.state), most]))
        var rows = try await database.pipeline(items)[...]
        try await readPools(rows.removeFirst(), database)
        now = try rows.removeFirst().one().decode(Date.self)
        if !returns.isEmpty { try readReturns(returns, rows.removeFirst()) }
        if !keys.isEmpty {
            for row in rows.removeFirst() {
                let (key, id, rank, since) = try row.decode((String, Int64, Date, Date).self)
                places[key] = (id, rank, since)
            }
        }
        if !leases.isEmpty { try readLeases(rows.removeFirst()) }
        for row in rows.removeFirst() { heads.append(try Self.head(row)) }
        for row in rows.removeFirst() {
            let (type, owner, count) = try row.decode((String, String, Int).self)
            held[type, default: [:]][owner] = count
        }
        for row in rows.removeFirst() {
            let (name, type, state, token, data, diesAt) = try row.decode(
                (String, String, String, Int64, String, Date?).self)
            free[LeaseLine(type: type, state: state), default: []].append(
                Free(
                    resource: GrantedResource(
                        name: name, type: type, state: state, token: token, userData: data, diesAt: diesAt)))
        }
        let missing = Set(heads.flatMap { $0.claim.wish.lines }).subtracting(lines)
        if !missing.isEmpty { try await lookFurther(missing, types, database) }
    }

    /// What those in front want beyond the lines of the calls: their pools have to be held as well.
    private mutating func lookFurther(
        _ missing: Set<LeaseLine>, _ types: [String], _ database: Transaction
    ) async throws {
        let unheld = Set(missing.map(\.type)).subtracting(types)
        guard unheld.isEmpty else { throw DeskBatch.PoolsMissing(types: unheld) }
        let others = missing.sorted()
        let rows = try await database.execute(
            LeasesStore.freeResources, others.map(\.type), others.map(\.state),
            others.map { batch.pools.pool($0.type).map(Self.spare) ?? 0 })
        for row in rows {
            let (name, type, state, token, data, diesAt) = try row.decode(
                (String, String, String, Int64, String, Date?).self)
            free[LeaseLine(type: type, state: state), default: []].append(
                Free(
                    resource: GrantedResource(
                        name: name, type: type, state: state, token: token, userData: data, diesAt: diesAt)))
        }
    }

    /// Resources to see beyond those wanted, so that reservations and headroom can be told.
    private static func spare(_ pool: LeasePool) -> Int {
        64 + pool.reservations.values.reduce(0, +)
    }

    private static func parameters(_ returns: [LeaseReturn], _ types: [String]) -> [any PostgresEncodable] {
        [
            returns.map(\.name), returns.map(\.owner), returns.map(\.token), returns.map(\.account),
            returns.map(\.isOperator), returns.map(\.dest), returns.map(\.endedBy), types,
        ]
    }

    private mutating func readPools(_ rows: Rows, _ database: Transaction) async throws {
        var versions: [String: Int64] = [:]
        for row in rows {
            let (type, version, isRetired) = try row.decode((String, Int64, Bool).self)
            if !isRetired { versions[type] = version }
        }
        let (known, missing) = batch.pools.pools(versions)
        pools = known
        guard !missing.isEmpty else { return }
        for row in try await database.execute(LeasesStore.poolSettings, missing) {
            let (type, version, settings) = try row.decode((String, Int64, JSON<LeasePool>).self)
            pools[type] = settings.value
            batch.pools.remember(settings.value, version: version)
        }
    }

    private mutating func readReturns(_ returns: [(position: Int, back: LeaseReturn)], _ rows: Rows) throws {
        var ended: Set<String> = []
        var vanished: [String] = []
        for (call, row) in zip(returns, rows) {
            let (exists, owner, isDone, run) = try row.decode((Bool, String, Bool, UUID?).self)
            if isDone {
                if let run, call.back.endedBy != "run" {
                    let reason =
                        call.back.endedBy == "expiry"
                        ? LeasesText.notRenewed(call.back.name)
                        : LeasesText.takenAway(call.back.name, by: call.back.endedBy)
                    lost.append(LeaseLost(runID: RunID(run), reason: reason))
                }
                ended.insert(call.back.name)
                answers[call.position] = .done
            } else if exists {
                answers[call.position] = .notHeld(by: ended.contains(call.back.name) ? "" : owner)
            } else {
                vanished.append(call.back.name)
                answers[call.position] = .unknownResource
            }
        }
        if !vanished.isEmpty { batch.pools.forget(vanished) }
    }

    /// A lease that is asked for again is answered again.
    private mutating func readLeases(_ rows: Rows) throws {
        var granted: [UUID: (resources: [GrantedResource], at: Date, owner: String)] = [:]
        for row in rows {
            let (lease, name, type, state, token, data, at, diesAt, owner) = try row.decode(
                (UUID, String, String, String, Int64, String, Date, Date?, String).self)
            granted[lease, default: ([], at, owner)].resources.append(
                GrantedResource(name: name, type: type, state: state, token: token, userData: data, diesAt: diesAt))
        }
        guard !granted.isEmpty else { return }
        claims.removeAll { position, claim in
            guard let lease = claim.leaseID.flatMap({ granted[$0] }) else { return false }
            answers[position] =
                lease.owner == claim.owner
                ? .granted(lease.resources, at: lease.at, waited: 0) : .notHeld(by: lease.owner)
            return true
        }
    }

    private static func head(_ row: Row) throws -> Head {
        let (
            id, key, leaseID, owner, account, wish, rank, enqueuedAt, isPushed, lasts, runID, job, reason
        ) = try row.decode(
            (
                Int64, String, UUID?, String, String?, JSON<LeaseWish>, Date, Date, Bool, Double?, UUID?, String?,
                String?
            ).self)
        var claim = LeaseClaim(owner: owner, wish: wish.value, key: key)
        claim.leaseID = leaseID
        claim.account = account
        claim.lasts = lasts
        claim.runID = runID
        claim.job = job
        claim.reason = reason
        return Head(id: id, key: key, claim: claim, rank: rank, enqueuedAt: enqueuedAt, isPushed: isPushed)
    }

    // MARK: Decide

    mutating func decide() {
        var claimants: [GrantPlan.Claimant] = []
        var calling: Set<String> = []
        for (position, claim) in claims {
            guard claim.wish.lines.allSatisfy({ pools[$0.type] != nil }) else {
                let unknown = claim.wish.lines.first { pools[$0.type] == nil }
                answers[position] = .unknownType(unknown?.type ?? "")
                continue
            }
            let place = claim.key.flatMap { places[$0] }
            // Two calls under one key are one claimant; the second is answered that it waits.
            if let key = claim.key, !calling.insert(key).inserted { continue }
            let number = standing.count
            standing.append(
                Standing(claim: claim, position: position, request: place?.request, since: place?.since))
            claimants.append(
                GrantPlan.Claimant(
                    id: number, owner: claim.owner, wish: claim.wish, rank: place?.rank ?? rank(claim),
                    sequence: place?.request ?? Int64.max / 2 + Int64(position)))
        }
        for head in heads where !calling.contains(head.key) {
            let number = standing.count
            standing.append(
                Standing(claim: head.claim, position: nil, request: head.id, since: head.enqueuedAt))
            claimants.append(
                GrantPlan.Claimant(
                    id: number, owner: head.claim.owner, wish: head.claim.wish, rank: head.rank, sequence: head.id,
                    isReachable: head.isPushed))
        }
        plan = GrantPlan(claimants, free: free.mapValues(\.count), pools: pools, held: held)
    }

    /// Somebody without a place stands behind everybody who has one.
    private func rank(_ claim: LeaseClaim) -> Date {
        claim.key == nil
            ? .distantFuture : now.addingTimeInterval(-Double(claim.priority) * LeaseRules.ageing)
    }

    // MARK: Write

    mutating func write(_ effects: Effects) async throws -> DeskBatch.Done {
        guard let plan else { return DeskBatch.Done(answers: [], woken: [], unfinished: []) }
        for event in lost { try effects.emit(event) }
        var granted = GrantedRows()
        var left: [Int64] = []
        var woken: [UUID] = []
        var used: [LeaseLine: Int] = [:]
        for grant in plan.grants {
            let standing = standing[grant.claimant]
            var resources: [GrantedResource] = []
            for pick in grant.resources {
                guard var resource = free[pick.line]?[pick.position].resource else { continue }
                used[pick.line, default: 0] += 1
                let pool = pools[resource.type]
                granted.append(resource, standing.claim, pick.dest, pool)
                resource.token += 1
                resource.state = pick.dest
                resource.diesAt = nil
                resources.append(resource)
            }
            if let request = standing.request { left.append(request) }
            if let position = standing.position {
                answers[position] = .granted(
                    resources, at: now, waited: max(0, standing.since.map { now.timeIntervalSince($0) } ?? 0))
            } else if let lease = standing.claim.leaseID {
                woken.append(lease)
            }
            if let run = standing.claim.runID, let lease = standing.claim.leaseID {
                try effects.emit(
                    LeaseGranted(runID: RunID(run), leaseID: lease, resources: resources.map(\.model)))
            }
        }
        var items: [(Statement, [any PostgresEncodable])] = []
        if !granted.names.isEmpty { items.append((LeasesStore.grant, granted.parameters(now))) }
        let queued = queue(plan)
        if !left.isEmpty || !queued.isEmpty {
            items.append((LeasesStore.leaveLine, [left, queued.compactMap(\.key)]))
        }
        if !queued.isEmpty { items.append((LeasesStore.standInLine, parameters(queued))) }
        let away = woken.filter { !batch.waiting.isHere($0) }
        if !away.isEmpty {
            // NOTIFY carries 8,000 bytes; an empty text says that everybody has to look.
            let text = away.count <= 200 ? away.map(\.lowercased).joined(separator: ",") : ""
            items.append((LeasesStore.notifyGranted, [text]))
        }
        if !items.isEmpty {
            let rows = try await effects.database.pipeline(items)
            if !granted.names.isEmpty, rows[0].affected != granted.names.count { throw ResourceMoved() }
        }
        var unfinished = try await create(for: queued, effects.database)
        for line in lines where heads.contains(where: { $0.claim.wish.lines.contains(line) }) {
            // As many as were looked at had to wait or took less: others may stand behind them.
            let left = (free[line]?.count ?? 0) - used[line, default: 0]
            let looked = heads.count { $0.claim.wish.lines.contains(line) }
            if left > 0, looked >= max(free[line]?.count ?? 0, batch.depth), mayBePassed(line) {
                unfinished.append(line)
            }
        }
        return DeskBatch.Done(
            answers: answers.map { $0 ?? .waiting(isNew: false, overQuotaOf: nil) }, woken: woken,
            unfinished: unfinished)
    }

    /// Whether somebody first in this line can be passed by those behind: by his quota, or since he may take elsewhere.
    private func mayBePassed(_ line: LeaseLine) -> Bool {
        heads.contains { head in
            head.claim.wish.lines.contains(line)
                && (head.claim.wish.lines.count > 1 || pools[line.type]?.isCounted == true)
        }
    }

    /// The claims that wait from now on; says so to all that have no answer.
    private mutating func queue(_ plan: GrantPlan) -> [LeaseClaim] {
        var queued: [LeaseClaim] = []
        let granted = Set(plan.grants.map(\.claimant))
        for (number, standing) in standing.enumerated() {
            guard let position = standing.position, !granted.contains(number) else { continue }
            let claim = standing.claim
            let stands = standing.request != nil
            answers[position] = .waiting(isNew: !stands, overQuotaOf: plan.stopped[number])
            if !stands, claim.key != nil, claim.patience != .none { queued.append(claim) }
        }
        return queued
    }

    private func parameters(_ claims: [LeaseClaim]) -> [any PostgresEncodable] {
        [
            claims.map(\.key), claims.map(\.leaseID), claims.map(\.owner), claims.map(\.account),
            claims.map { JSON($0.wish) }, claims.map(\.priority), claims.map(\.isPushed), claims.map(\.keptFor),
            claims.map(\.lasts), claims.map(\.runID), claims.map(\.job), claims.map(\.reason), now, LeaseRules.ageing,
        ]
    }

    /// Somebody new who waits for a dynamic type brings one more resource of it into being, up to its greatest number.
    private func create(for queued: [LeaseClaim], _ database: Transaction) async throws -> [LeaseLine] {
        var wanted: [String: Int] = [:]
        for claim in queued {
            for item in claim.wish.items {
                for type in item.types where pools[type]?.isDynamic == true { wanted[type, default: 0] += item.count }
            }
        }
        var lines: [LeaseLine] = []
        for (type, count) in wanted.sorted(by: { $0.key < $1.key }) {
            let made = try await database.execute(LeasesStore.createDynamic, type, count)
            if !made.isEmpty, let state = pools[type]?.state { lines.append(LeaseLine(type: type, state: state)) }
        }
        return lines
    }
}

/// A resource that was free changed under the transaction's hands; the whole is done again.
struct ResourceMoved: Error, CustomStringConvertible {
    let description = "a resource that was free has been taken by a change made past the desk; try again"
}

/// The columns of a grant.
private struct GrantedRows {
    var names: [String] = []
    private var tokens: [Int64] = []
    private var owners: [String] = []
    private var accounts: [String?] = []
    private var dests: [String] = []
    private var leases: [UUID?] = []
    private var lasts: [Double] = []
    private var runs: [UUID?] = []
    private var jobs: [String?] = []
    private var reasons: [String?] = []
    private var counted: [Bool] = []

    mutating func append(_ resource: GrantedResource, _ claim: LeaseClaim, _ dest: String, _ pool: LeasePool?) {
        names.append(resource.name)
        tokens.append(resource.token)
        owners.append(claim.owner)
        accounts.append(claim.account)
        dests.append(dest)
        leases.append(claim.leaseID)
        lasts.append(claim.lasts ?? pool?.patience ?? 1800)
        runs.append(claim.runID)
        jobs.append(claim.job)
        reasons.append(claim.reason)
        counted.append(pool?.isCounted ?? false)
    }

    func parameters(_ now: Date) -> [any PostgresEncodable] {
        [names, tokens, owners, accounts, dests, leases, lasts, runs, jobs, reasons, counted, now]
    }
}

extension LeaseClaim {
    fileprivate var isPushed: Bool {
        if case .isTold = patience { true } else { false }
    }

    fileprivate var keptFor: Double {
        switch patience {
        case .none: 1
        case .asksAgain(let seconds), .isTold(let seconds): seconds
        }
    }
}

extension GrantedResource {
    var model: LeasedResource { LeasedResource(name: name, type: type, token: token, data: userData) }
}
