import Fleet
package import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel
import Synchronization

/// Leases as the native interface shows them, for its routes and for runs.
package struct NativeLeases: Sendable {
    let desk: LeaseDesk
    private let estimates = LineEstimates()
    private var database: PostgresPool { desk.bus.database }

    package init(_ desk: LeaseDesk) { self.desk = desk }

    package struct Resource: Sendable, Codable, Hashable {
        package var name: String
        package var type: String
        package var token: Int64
        /// What is noted about it.
        package var data: [String: String]
    }

    /// A lease, or a place in line for one.
    package struct Lease: Sendable, Codable, Hashable {
        package enum State: String, Sendable, Codable { case granted, waiting }

        package var id: UUID
        package var owner: String
        package var state: State
        package var resources: [Resource] = []
        /// To be shown with every later call: the greatest of its resources' tokens.
        package var token: Int64?
        package var expiresAt: Date?
        /// How many stand before it, in the longest of its lines.
        package var before: Int?
        /// Seconds until its turn, if leases last as long as they did of late.
        package var estimate: Double?
        /// How things stand, in words.
        package var reason: String?

        enum CodingKeys: String, CodingKey {
            case id, owner, state, resources, token, before, reason
            case expiresAt = "expires_at"
            case estimate = "estimate_s"
        }

        package init(id: UUID, owner: String, state: State) {
            self.id = id
            self.owner = owner
            self.state = state
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            // Foundation would write it in upper case.
            try container.encode(id.lowercased, forKey: .id)
            try container.encode(owner, forKey: .owner)
            try container.encode(state, forKey: .state)
            try container.encode(resources, forKey: .resources)
            try container.encodeIfPresent(token, forKey: .token)
            try container.encodeIfPresent(expiresAt, forKey: .expiresAt)
            try container.encodeIfPresent(before, forKey: .before)
            try container.encodeIfPresent(estimate, forKey: .estimate)
            try container.encodeIfPresent(reason, forKey: .reason)
        }
    }

    package enum Verdict: Sendable, Hashable {
        case lease(Lease)
        case unknownType(String)
        case unknownLease
        case notYours
        /// The token is not the last one.
        case stale
    }

    static func key(_ id: UUID, _ owner: String) -> String { "lease/\(id.lowercased)/\(owner)" }

    /// Asks for resources and waits for them, at most so long. Asking again under the same id changes nothing and
    /// answers what has become of it.
    package func acquire(
        _ id: UUID, owner: String, wish: LeaseWish, priority: Int = 0, lasts: Double? = nil, reason: String? = nil,
        wait: Duration = .zero, keep: Double = LeaseRules.pollingPatience
    ) async throws -> Verdict {
        var claim = LeaseClaim(owner: owner, wish: wish, key: Self.key(id, owner))
        claim.leaseID = id
        claim.account = owner
        claim.priority = priority
        claim.lasts = lasts
        claim.reason = reason
        claim.patience = .isTold(wait.inSeconds + keep)
        let (waiter, wake) = desk.waiters.join(id)
        defer { desk.waiters.leave(id, waiter) }
        let end = ContinuousClock.now + wait
        var attempts = 0
        while true {
            var verdict: Verdict
            switch try await desk.claim(claim) {
            case .granted: verdict = try await look(id, owner: owner)
            case .waiting(_, let overQuota):
                verdict = try await sleep(id, owner: owner, wake, end - .now)
                if let overQuota, case .lease(var lease) = verdict, lease.state == .waiting {
                    lease.reason = LeasesText.overQuota(owner, overQuota)
                    verdict = .lease(lease)
                }
            case .unknownType(let type): return .unknownType(type)
            case .notHeld: return .notYours
            case .done, .unknownResource: return .unknownLease
            }
            // Granted, and over before anybody could say so: he has had nothing yet.
            attempts += 1
            guard verdict == .unknownLease, attempts < 3 else { return verdict }
        }
    }

    /// What has become of a lease; waits for its turn, at most so long, and keeps its place.
    package func follow(
        _ id: UUID, owner: String, wait: Duration, keep: Double = LeaseRules.pollingPatience
    ) async throws -> Verdict {
        let (waiter, wake) = desk.waiters.join(id)
        defer { desk.waiters.leave(id, waiter) }
        try await database.execute(LeasesStore.keepPlace, Self.key(id, owner), wait.inSeconds + keep)
        let verdict = try await look(id, owner: owner)
        guard case .lease(let lease) = verdict, lease.state == .waiting, wait > .zero else { return verdict }
        return try await sleep(id, owner: owner, wake, wait)
    }

    private func sleep(_ id: UUID, owner: String, _ wake: WakeUp, _ wait: Duration) async throws -> Verdict {
        if wait > .zero { _ = await wake.wait(atMost: wait) }
        try Task.checkCancellation()
        return try await look(id, owner: owner)
    }

    package func look(_ id: UUID, owner: String?) async throws -> Verdict {
        // The place first: whoever has none any more when it is looked for has his lease by then.
        let found = try await database.pipeline([
            (LeasesStore.placeInLine, [owner.map { Self.key(id, $0) }]), (LeasesStore.resourcesOfLease, [id]),
        ])
        if let first = found[1].first {
            let holder = try first.get("owner", as: String.self)
            guard owner == nil || holder == owner else { return .notYours }
            return .lease(try Self.granted(id, found[1], holder))
        }
        guard let owner, let line = found[0].first else { return .unknownLease }
        let (type, _, _, _, before) = try line.decode((String, String, Date, Date, Int).self)
        let figures = try await estimates.figures(of: type, database)
        var lease = Lease(id: id, owner: owner, state: .waiting)
        lease.before = before
        lease.estimate = figures.estimate(before: before)
        lease.reason = LeasesText.place(
            before: before, inUse: figures.held, of: figures.count, nextExpiry: figures.nextExpiry)
        return .lease(lease)
    }

    private static func granted(_ id: UUID, _ rows: Rows, _ owner: String) throws -> Lease {
        var lease = Lease(id: id, owner: owner, state: .granted)
        for row in rows {
            let (name, type, _, token, _, _, _, expiresAt, data) = try row.decode(
                (String, String, String, Int64, String, String?, Date, Date, JSON<[String: String]>).self)
            lease.resources.append(Resource(name: name, type: type, token: token, data: data.value))
            lease.token = max(lease.token ?? 0, token)
            lease.expiresAt = min(lease.expiresAt ?? .distantFuture, expiresAt)
        }
        return lease
    }

    /// Checks who holds a lease before it is changed.
    private func holding(_ id: UUID, owner: String, isOperator: Bool, token: Int64?) async throws -> Verdict {
        let verdict = try await look(id, owner: isOperator ? nil : owner)
        guard case .lease(let lease) = verdict, lease.state == .granted else { return verdict }
        if let token, token != lease.token { return .stale }
        return verdict
    }

    /// Lets a lease last `lasts` seconds from now on, or as long as before; every resource of it, or it is lost.
    package func renew(
        _ id: UUID, owner: String, isOperator: Bool = false, token: Int64, lasts: Double?
    ) async throws -> Verdict {
        let verdict = try await holding(id, owner: owner, isOperator: isOperator, token: token)
        guard case .lease(var lease) = verdict, lease.state == .granted else { return verdict }
        var ends: [Date] = []
        for resource in lease.resources {
            var renewal = LeaseRenewal(name: resource.name, token: resource.token, account: owner)
            renewal.isOperator = isOperator
            renewal.lasts = lasts
            guard case .kept(let until) = try await desk.renew(renewal) else { return .stale }
            ends.append(until)
        }
        lease.expiresAt = ends.min()
        return .lease(lease)
    }

    /// Gives a lease back, or gives up a place.
    ///
    /// - Parameter token: what the holder was given; not needed to give up a place.
    package func release(
        _ id: UUID, owner: String, isOperator: Bool = false, token: Int64?, dest: String, endedBy: String = "release"
    ) async throws -> Verdict {
        let gone = try await database.execute(
            LeasesStore.withdraw, Self.key(id, owner), owner, owner, isOperator)
        if let row = gone.first {
            let wish = try row.decode(JSON<LeaseWish>.self).value
            // Whoever stood behind may have what was kept.
            try await desk.serve(wish.lines)
        }
        let verdict = try await holding(id, owner: owner, isOperator: isOperator, token: token)
        guard case .lease(let lease) = verdict else {
            return verdict == .unknownLease && !gone.isEmpty
                ? .lease(Lease(id: id, owner: owner, state: .waiting)) : verdict
        }
        if token == nil, !isOperator { return .stale }
        // At once: of a lease that is half given back the token would be another.
        let backs = lease.resources.map { resource in
            var back = LeaseReturn(name: resource.name, token: resource.token, account: owner, dest: dest)
            back.isOperator = isOperator
            back.endedBy = endedBy
            return back
        }
        return try await desk.giveBack(backs) == .done ? verdict : .stale
    }
}

/// What is known of the lines of a type, asked for at most every two seconds however many wait.
final class LineEstimates: Sendable {
    struct Figures: Sendable {
        /// Seconds that a lease lasts usually.
        var lasts: Double
        var count: Int
        var held: Int
        var nextExpiry: Double?

        /// Leases end one after the other, evenly: the first of those before frees its resource after a share of what a
        /// lease lasts.
        func estimate(before: Int) -> Double? {
            guard count > 0, lasts > 0 else { return nil }
            return Double(before + 1) * lasts / Double(count)
        }
    }

    private let known = Mutex<[String: (figures: Figures, until: ContinuousClock.Instant)]>([:])

    func figures(of type: String, _ database: PostgresPool) async throws -> Figures {
        let now = ContinuousClock.now
        if let entry = known.withLock({ $0[type] }), entry.until > now { return entry.figures }
        let rows = try await database.pipeline([(LeasesStore.holdTimes, [type]), (LeasesStore.nextExpiry, [type])])
        let (lasts, count, held) = try rows[0].one().decode((Double, Int, Int).self)
        let figures = Figures(
            lasts: lasts, count: count, held: held, nextExpiry: try rows[1].one().decode(Double?.self))
        known.withLock { $0[type] = (figures, now + .seconds(2)) }
        return figures
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
