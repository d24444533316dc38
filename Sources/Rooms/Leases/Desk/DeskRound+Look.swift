import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// What the round knows when it decides.
extension DeskRound {
    /// Holds the pools, gives back, and reads who is first and what is free.
    mutating func look(_ database: Transaction) async throws {
        var returns: [Returning] = []
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
            case .giveBack(let backs):
                for back in backs {
                    returns.append(Returning(position: position, back: back))
                    if let type = typesOfNames[back.name] {
                        wanted[LeaseLine(type: type, state: back.dest), default: 0] += 0
                    }
                }
            case .serve(let lines):
                for line in lines { wanted[line, default: 0] += 0 }
            }
        }
        lines = wanted.keys.sorted()
        types = Array(Set(lines.map(\.type)).union(batch.further)).sorted()
        // Lines of types that somebody in front wants besides.
        let most = lines.map { line in
            (wanted[line] ?? 0) + (batch.pools.pool(line.type).map(Self.spare) ?? 0)
        }
        var items: [(Statement, [any PostgresEncodable])] = [(LeasesStore.lockPools, [types])]
        let waves = Self.waves(returns)
        for wave in waves { items.append((LeasesStore.giveBack, Self.parameters(wave.map(\.back), types))) }
        // After what ends, so that what is granted of it begins later.
        items.append((LeasesStore.clock, []))
        let keys = claims.compactMap(\.claim.key)
        if !keys.isEmpty { items.append((LeasesStore.comeBack, [keys])) }
        let leases = claims.compactMap(\.claim.leaseID)
        if !leases.isEmpty { items.append((LeasesStore.findLeases, [leases])) }
        items.append((LeasesStore.heads, [lines.map(\.type), lines.map(\.state), batch.depth]))
        items.append((LeasesStore.counted, [types]))
        items.append((LeasesStore.freeResources, [lines.map(\.type), lines.map(\.state), most]))
        var rows = try await database.pipeline(items)[...]
        try await readPools(rows.removeFirst(), database)
        for wave in waves { try readReturns(wave, rows.removeFirst()) }
        now = try rows.removeFirst().one().decode(Date.self)
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
        try readFree(rows.removeFirst())
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
        try readFree(
            try await database.execute(
                LeasesStore.freeResources, others.map(\.type), others.map(\.state),
                others.map { batch.pools.pool($0.type).map(Self.spare) ?? 0 }))
    }

    private mutating func readFree(_ rows: Rows) throws {
        for row in rows {
            let (name, type, state, token, data, diesAt) = try row.decode(
                (String, String, String, Int64, String, Date?).self)
            free[LeaseLine(type: type, state: state), default: []].append(
                GrantedResource(name: name, type: type, state: state, token: token, userData: data, diesAt: diesAt))
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

    /// A call that gives something back.
    private struct Returning {
        var position: Int
        var back: LeaseReturn
    }

    /// Returns one after the other in which each resource stands once, in the order of calls: of several returns of one
    /// resource the first by its holder counts.
    private static func waves(_ returns: [Returning]) -> [[Returning]] {
        var waves: [[Returning]] = []
        var turns: [String: Int] = [:]
        for returning in returns {
            let turn = turns[returning.back.name, default: 0]
            turns[returning.back.name] = turn + 1
            if turn == waves.count { waves.append([]) }
            waves[turn].append(returning)
        }
        return waves
    }

    private mutating func readReturns(_ returns: [Returning], _ rows: Rows) throws {
        var found: Set<Int> = []
        for row in rows {
            let (place, owner, isDone, run, token, at) = try row.decode((Int, String, Bool, UUID?, Int64, Date).self)
            let call = returns[place - 1]
            found.insert(place - 1)
            guard isDone else {
                answers[call.position] = .notHeld(by: owner)
                continue
            }
            // Of several that one call gives back, what could not be is its answer.
            answers[call.position] = answers[call.position] ?? .done
            proof = proof ?? Proof(name: call.back.name, token: token, at: at)
            if let run, call.back.endedBy != "run" {
                let reason =
                    call.back.endedBy == "expiry"
                    ? LeasesText.notRenewed(call.back.name)
                    : LeasesText.takenAway(call.back.name, by: call.back.endedBy)
                lost.append(LeaseLost(runID: RunID(run), reason: reason))
            }
        }
        guard found.count < returns.count else { return }
        let vanished = returns.indices.filter { !found.contains($0) }
        for place in vanished { answers[returns[place].position] = .unknownResource }
        batch.pools.forget(vanished.map { returns[$0].back.name })
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
}
