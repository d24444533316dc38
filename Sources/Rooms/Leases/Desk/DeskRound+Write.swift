import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// What the decision means for the database.
extension DeskRound {
    mutating func write(_ effects: Effects) async throws -> DeskBatch.Done {
        guard let plan else { return DeskBatch.Done(answers: [], woken: [], grown: []) }
        for event in lost { effects.emit(event) }
        var granted = GrantedRows()
        var left: [Int64] = []
        var woken: [UUID] = []
        for grant in plan.grants {
            let standing = standing[grant.claimant]
            var resources: [GrantedResource] = []
            for pick in grant.resources {
                guard var resource = free[pick.line]?[pick.position] else { continue }
                let pool = pools[resource.type]
                granted.append(resource, standing.claim, pick.dest, pool)
                resource.token += 1
                proof = proof ?? Proof(name: resource.name, token: resource.token, at: now)
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
                effects.emit(
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
        return DeskBatch.Done(
            answers: answers.map { $0 ?? .waiting(isNew: false, overQuotaOf: nil) }, woken: woken,
            grown: try await create(for: queued, effects.database))
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
