import Fleet
import FoundationEssentials
import JobConfig
import Logging
import NIOCore
import NIOHTTP1
import Postgres
import Web

/// Boskos's HTTP API. Paths, parameters, codes and texts are those of kubernetes-sigs/boskos, `handlers/handlers.go`.
///
/// Where Boskos is at fault it is mended: places in line are kept in the database, `/acquirebystate` takes all or
/// nothing, and a resource of a known type that has none yet is "not available" and not "not existing". A client that
/// shows a token (HTTP Basic with the token as password, or a bearer token) holds its resources by its account as well
/// as by the owner's name, so that nobody gives back what another has taken.
struct BoskosFace: Sendable {
    let desk: LeaseDesk
    private let database: PostgresPool
    private let door: BoskosDoor
    private let instruments: Instruments?

    init(desk: LeaseDesk, tokens: TokenStore, allowsAnybody: Bool, instruments: Instruments?) {
        self.desk = desk
        database = desk.bus.database
        door = BoskosDoor(tokens: tokens, allowsAnybody: allowsAnybody)
        self.instruments = instruments
    }

    /// What a request comes to.
    enum Step: Sendable {
        case answer(BoskosAnswer)
        /// A place in the desk's next transaction.
        case desk(DeskCall, @Sendable (DeskAnswer) -> BoskosAnswer)
        /// Whatever else takes its time.
        case work(@Sendable () async throws -> BoskosAnswer)
    }

    /// Waits for nothing: most calls are a token known already, and a call of the desk.
    func step(_ request: BoskosRequest) -> Step {
        let needsPost: Bool
        switch request.path {
        case "/acquire", "/acquirebystate", "/release", "/update", "/reset": needsPost = true
        case "/metric": needsPost = false
        default: return .answer(BoskosAnswer())
        }
        do throws(BoskosRefusal) {
            if needsPost, request.method != .POST {
                let named = request.path == "/acquirebystate" ? "/acquire" : request.path
                throw BoskosRefusal(
                    .methodNotAllowed, "Method \(request.method.rawValue), \(named) only accepts POST.")
            }
            if !needsPost, request.method != .GET {
                throw BoskosRefusal(.methodNotAllowed, "/metric only accepts GET")
            }
            if let account = try door.knownAccount(request.authorization) { return try step(request, account.name) }
        } catch {
            return .answer(error.answer)
        }
        return .work {
            let account = try await door.account(request.authorization)
            return try await perform(try step(request, account))
        }
    }

    private func step(_ request: BoskosRequest, _ account: String?) throws(BoskosRefusal) -> Step {
        let query = request.query
        switch request.path {
        case "/acquire": return try acquire(query, account)
        case "/release": return try release(query, account)
        case "/acquirebystate": return .work { try await acquireByState(query, account) }
        case "/update": return .work { try await update(query, request.body, account) }
        case "/reset": return .work { try await reset(query) }
        default: return .work { try await metric(query) }
        }
    }

    private func perform(_ step: Step) async throws -> BoskosAnswer {
        switch step {
        case .answer(let answer): answer
        case .desk(let call, let answer): answer(try await desk.perform([call])[0])
        case .work(let work): try await work()
        }
    }

    /// What a call is answered that failed.
    func answer(to error: any Error) -> BoskosAnswer {
        switch error {
        case let error as BoskosRefusal: return error.answer
        case let error as PostgresError where error.isOutage:
            return BoskosRefusal(
                .serviceUnavailable, "The database does not answer right now, try again later."
            ).answer
        case is CancellationError:
            return BoskosRefusal(.serviceUnavailable, "The server is shutting down, try again later.").answer
        default:
            desk.bus.logger.error("a call of Boskos's interface failed: \(error)")
            return BoskosRefusal(.internalServerError, "The call failed, the server's log says why.").answer
        }
    }

    // MARK: The calls

    private func acquire(_ query: BoskosQuery, _ account: String?) throws(BoskosRefusal) -> Step {
        let (type, state, dest, owner) = (query["type"], query["state"], query["dest"], query["owner"])
        guard !type.isEmpty, !state.isEmpty, !dest.isEmpty, !owner.isEmpty else {
            throw BoskosRefusal(
                .badRequest,
                "Bad request: Type: \(type), state: \(state), dest: \(dest), owner: \(owner), "
                    + "all of them must be set in the request.")
        }
        try query.checkBounds("Bad request: ")
        let began = ContinuousClock.now
        let id = query["request_id"]
        var claim = LeaseClaim(owner: owner, wish: LeaseWish(type: type, state: state, dest: dest))
        claim.account = account
        if !id.isEmpty {
            claim.key = "boskos/\(type)/\(state)/\(id)"
            claim.patience = .asksAgain(LeaseRules.pollingPatience)
        }
        return .desk(.claim(claim)) { [instruments] answer in
            switch answer {
            case .granted(let resources, let at, let waited):
                instruments?.observe(
                    "boskos_acquire_duration_seconds",
                    ["type": type, "state": state, "dest": dest, "has_request_id": id.isEmpty ? "false" : "true"],
                    .seconds(waited) + (.now - began))
                guard let resource = resources.first else { break }
                return BoskosAnswer(BoskosResource(resource, owner: owner, at: at).json)
            case .unknownType(let type):
                return BoskosRefusal(.notFound, "Acquire failed: resource type \(goQuoted(type)) does not exist").answer
            case .waiting, .done, .notHeld, .unknownResource: break
            }
            return BoskosRefusal(.notFound, "Acquire failed: \(Self.noneFree(type))").answer
        }
    }

    private func acquireByState(_ query: BoskosQuery, _ account: String?) async throws -> BoskosAnswer {
        let (state, dest, owner, names) = (query["state"], query["dest"], query["owner"], query["names"])
        guard !state.isEmpty, !dest.isEmpty, !owner.isEmpty, !names.isEmpty else {
            throw BoskosRefusal(
                .badRequest,
                "state: \(state), dest: \(dest), owner: \(owner), names: \(names) - "
                    + "all of them must be set in the request.")
        }
        try query.checkBounds("")
        let wanted = Array(Set(names.split(separator: ",", omittingEmptySubsequences: false).map(String.init)))
        guard wanted.count <= 1000 else {
            throw BoskosRefusal(.badRequest, "\(wanted.count) names; at most 1000 are taken at once.")
        }
        let rows = try await database.execute(LeasesStore.byState, wanted, state, owner, account, dest)
        guard rows.count == wanted.count else {
            throw BoskosRefusal(.notFound, "AcquireByState: \(Self.noneFree(state))")
        }
        let resources = try rows.map { row in
            let (name, type, state, owner, updatedAt, data, diesAt) = try row.decode(
                (String, String, String, String, Date, String, Date?).self)
            return BoskosResource(
                name: name, type: type, state: state, owner: owner, updatedAt: updatedAt, userData: data,
                diesAt: diesAt)
        }
        return BoskosAnswer("[" + resources.sorted { $0.name < $1.name }.map(\.json).joined(separator: ",") + "]\n")
    }

    private func release(_ query: BoskosQuery, _ account: String?) throws(BoskosRefusal) -> Step {
        let (name, dest, owner) = (query["name"], query["dest"], query["owner"])
        guard !name.isEmpty, !dest.isEmpty, !owner.isEmpty else {
            throw BoskosRefusal(
                .badRequest,
                "Name: \(name), dest: \(dest), owner: \(owner), all of them must be set in the request.")
        }
        try query.checkBounds("")
        let back = LeaseReturn(name: name, owner: owner, account: account, dest: dest)
        let prefix = "Done failed: \(name) - \(dest) (from \(owner)): "
        return .desk(.giveBack([back])) { answer in
            switch answer {
            case .done: BoskosAnswer()
            case .notHeld(let holder): BoskosRefusal(.unauthorized, prefix + Self.mismatch(owner, holder)).answer
            default: BoskosRefusal(.notFound, prefix + Self.noneFree(name)).answer
            }
        }
    }

    private func update(_ query: BoskosQuery, _ body: ByteBuffer?, _ account: String?) async throws -> BoskosAnswer {
        let (name, owner, state) = (query["name"], query["owner"], query["state"])
        guard !name.isEmpty, !owner.isEmpty, !state.isEmpty else {
            throw BoskosRefusal(
                .badRequest,
                "Name: \(name), owner: \(owner), state : \(state), all of them must be set in the request.")
        }
        try query.checkBounds("")
        var renewal = LeaseRenewal(name: name, owner: owner, account: account)
        renewal.state = state
        renewal.notes = try Self.notes(body)
        let prefix = "Update failed: \(name) - \(state) (\(owner)): "
        for _ in 0..<100 {
            switch try await desk.renew(renewal) {
            case .kept: return BoskosAnswer()
            case .notHeld(let holder): throw BoskosRefusal(.unauthorized, prefix + Self.mismatch(owner, holder))
            case .otherState(let current):
                throw BoskosRefusal(.conflict, prefix + "state mismatch - expected \(current), current \(state)")
            case .unknownResource: throw BoskosRefusal(.notFound, prefix + Self.noneFree(name))
            case .again: continue
            }
        }
        throw BoskosRefusal(.serviceUnavailable, "\(name) is being updated by too many at once, try again later.")
    }

    /// - Parameter body: nil where it was too long to be kept.
    private static func notes(_ body: ByteBuffer?) throws(BoskosRefusal) -> [String: String]? {
        guard let body else {
            throw BoskosRefusal(.payloadTooLarge, "The user data has more than \(BoskosRequest.longestBody) bytes.")
        }
        guard body.readableBytesView.contains(where: { $0 > 0x20 }) else { return nil }
        do {
            // Go reads `null` as nothing at all.
            return try JSONDecoder().decode([String: String]?.self, from: Data(body.readableBytesView))
        } catch {
            throw BoskosRefusal(.badRequest, "The user data is no JSON object of texts.")
        }
    }

    private func reset(_ query: BoskosQuery) async throws -> BoskosAnswer {
        let (type, state, expire, dest) = (query["type"], query["state"], query["expire"], query["dest"])
        guard !type.isEmpty, !state.isEmpty, !expire.isEmpty, !dest.isEmpty else {
            throw BoskosRefusal(
                .badRequest,
                "Type: \(type), state: \(state), expire: \(expire), dest: \(dest), "
                    + "all of them must be set in the request.")
        }
        try query.checkBounds("")
        guard let seconds = GoDuration.seconds(expire) else {
            throw BoskosRefusal(.badRequest, "time: invalid duration \(goQuoted(expire))")
        }
        let stale = try await database.execute(LeasesStore.resetOwned, type, state, seconds).map { row in
            try row.decode((String, String, Int64).self)
        }
        let moved = try await withThrowingTaskGroup(of: (String, String)?.self) { group in
            for (name, owner, token) in stale {
                group.addTask { [desk] in
                    var back = LeaseReturn(name: name, token: token, dest: dest)
                    back.isOperator = true
                    back.endedBy = "reset"
                    return try await desk.giveBack(back) == .done ? (name, owner) : nil
                }
            }
            var moved: [(String, String)] = []
            for try await entry in group { if let entry { moved.append(entry) } }
            return moved.sorted { $0.0 < $1.0 }
        }
        return BoskosAnswer(BoskosJSON.object(moved.map { ($0.0, BoskosJSON.quoted($0.1)) }))
    }

    private func metric(_ query: BoskosQuery) async throws -> BoskosAnswer {
        let type = query["type"]
        guard !type.isEmpty else { throw BoskosRefusal(.badRequest, "Type must be set in the request.") }
        try query.checkBounds("")
        func counts(_ statement: Statement) async throws -> [(String, String)] {
            try await database.execute(statement, type)
                .map { row in try row.decode((String, Int).self) }
                .sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
                .map { ($0.0, String($0.1)) }
        }
        let states = try await counts(LeasesStore.countStates)
        guard !states.isEmpty else { throw BoskosRefusal(.notFound, Self.noneFree(type)) }
        let owners = try await counts(LeasesStore.countOwners)
        let json = BoskosJSON.object([
            ("type", BoskosJSON.quoted(type)), ("current", BoskosJSON.object(states)),
            ("owner", BoskosJSON.object(owners)),
        ])
        return BoskosAnswer(json, type: "application/json")
    }

    // MARK: Boskos's words

    private static func noneFree(_ name: String) -> String { "no available resource \(name), try again later." }

    private static func mismatch(_ owner: String, _ holder: String) -> String {
        "owner mismatch request by \(owner), currently owned by \(holder)"
    }
}
