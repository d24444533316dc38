package import Fleet
import FoundationEssentials
import HTTPTypes
package import Hummingbird
import JobConfig
import Logging
import NIOCore
import Postgres
package import Web

/// Boskos's HTTP API at the root of a listener of its own, since its Go client discards the path of the address it is
/// given. Paths, parameters, codes and texts are those of kubernetes-sigs/boskos, `handlers/handlers.go`.
///
/// Where Boskos is at fault it is mended: places in line are kept in the database, `/acquirebystate` takes all or
/// nothing, and a resource of a known type that has none yet is "not available" and not "not existing". A client that
/// shows a token (HTTP Basic with the token as password, or a bearer token) holds its resources by its account as well
/// as by the owner's name, so that nobody gives back what another has taken.
package struct BoskosFace: HTTPResponder {
    package typealias Context = BasicRequestContext

    private let desk: LeaseDesk
    private let database: PostgresPool
    private let door: BoskosDoor
    private let instruments: Instruments?

    /// Bytes of a body; a map of notes with more is refused.
    private static let maximumBody = 1 << 20

    package init(desk: LeaseDesk, tokens: TokenStore, allowsAnybody: Bool, instruments: Instruments?) {
        self.desk = desk
        database = desk.bus.database
        door = BoskosDoor(tokens: tokens, allowsAnybody: allowsAnybody)
        self.instruments = instruments
    }

    package func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        do throws(BoskosRefusal) {
            return try await answer(request)
        } catch {
            return error.response
        }
    }

    private func answer(_ request: Request) async throws(BoskosRefusal) -> Response {
        let path = request.uri.path
        switch path {
        case "/acquire", "/acquirebystate", "/release", "/update", "/reset":
            guard request.method == .post else {
                let named = path == "/acquirebystate" ? "/acquire" : path
                throw BoskosRefusal(.methodNotAllowed, "Method \(request.method.rawValue), \(named) only accepts POST.")
            }
        case "/metric":
            guard request.method == .get else {
                throw BoskosRefusal(.methodNotAllowed, "/metric only accepts GET")
            }
        default: return Response(status: .ok)
        }
        let account = try await door.account(of: request)
        let query = BoskosQuery(request.uri.query ?? "")
        do {
            switch path {
            case "/acquire": return try await acquire(query, account)
            case "/acquirebystate": return try await acquireByState(query, account)
            case "/release": return try await release(query, account)
            case "/update": return try await update(query, request, account)
            case "/reset": return try await reset(query)
            default: return try await metric(query)
            }
        } catch let error as BoskosRefusal {
            throw error
        } catch let error as PostgresError where error.isOutage {
            throw BoskosRefusal(.serviceUnavailable, "The database does not answer right now, try again later.")
        } catch is CancellationError {
            throw BoskosRefusal(.serviceUnavailable, "The server is shutting down, try again later.")
        } catch {
            desk.bus.logger.error("a call of \(path) failed: \(error)")
            throw BoskosRefusal(.internalServerError, "The call failed, the server's log says why.")
        }
    }

    // MARK: The calls

    private func acquire(_ query: BoskosQuery, _ account: String?) async throws -> Response {
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
        switch try await desk.claim(claim) {
        case .granted(let resources, let at, let waited):
            instruments?.observe(
                "boskos_acquire_duration_seconds",
                ["type": type, "state": state, "dest": dest, "has_request_id": id.isEmpty ? "false" : "true"],
                .seconds(waited) + (.now - began))
            guard let resource = resources.first else {
                throw BoskosRefusal(.notFound, "Acquire failed: \(Self.noneFree(type))")
            }
            return .plain(BoskosResource(resource, owner: owner, at: at).json)
        case .waiting, .done, .notHeld, .unknownResource:
            throw BoskosRefusal(.notFound, "Acquire failed: \(Self.noneFree(type))")
        case .unknownType(let type):
            throw BoskosRefusal(.notFound, "Acquire failed: resource type \(goQuoted(type)) does not exist")
        }
    }

    private func acquireByState(_ query: BoskosQuery, _ account: String?) async throws -> Response {
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
        return .plain("[" + resources.sorted { $0.name < $1.name }.map(\.json).joined(separator: ",") + "]\n")
    }

    private func release(_ query: BoskosQuery, _ account: String?) async throws -> Response {
        let (name, dest, owner) = (query["name"], query["dest"], query["owner"])
        guard !name.isEmpty, !dest.isEmpty, !owner.isEmpty else {
            throw BoskosRefusal(
                .badRequest,
                "Name: \(name), dest: \(dest), owner: \(owner), all of them must be set in the request.")
        }
        try query.checkBounds("")
        let back = LeaseReturn(name: name, owner: owner, account: account, dest: dest)
        let prefix = "Done failed: \(name) - \(dest) (from \(owner)): "
        switch try await desk.giveBack(back) {
        case .done: return .plain("")
        case .notHeld(let holder): throw BoskosRefusal(.unauthorized, prefix + Self.mismatch(owner, holder))
        default: throw BoskosRefusal(.notFound, prefix + Self.noneFree(name))
        }
    }

    private func update(_ query: BoskosQuery, _ request: Request, _ account: String?) async throws -> Response {
        let (name, owner, state) = (query["name"], query["owner"], query["state"])
        guard !name.isEmpty, !owner.isEmpty, !state.isEmpty else {
            throw BoskosRefusal(
                .badRequest,
                "Name: \(name), owner: \(owner), state : \(state), all of them must be set in the request.")
        }
        try query.checkBounds("")
        var renewal = LeaseRenewal(name: name, owner: owner, account: account)
        renewal.state = state
        renewal.notes = try await notes(request)
        let prefix = "Update failed: \(name) - \(state) (\(owner)): "
        for _ in 0..<100 {
            switch try await desk.renew(renewal) {
            case .kept: return .plain("")
            case .notHeld(let holder): throw BoskosRefusal(.unauthorized, prefix + Self.mismatch(owner, holder))
            case .otherState(let current):
                throw BoskosRefusal(.conflict, prefix + "state mismatch - expected \(current), current \(state)")
            case .unknownResource: throw BoskosRefusal(.notFound, prefix + Self.noneFree(name))
            case .again: continue
            }
        }
        throw BoskosRefusal(.serviceUnavailable, "\(name) is being updated by too many at once, try again later.")
    }

    private func notes(_ request: Request) async throws -> [String: String]? {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.maximumBody)
        } catch is NIOTooManyBytesError {
            throw BoskosRefusal(.contentTooLarge, "The user data has more than \(Self.maximumBody) bytes.")
        }
        guard body.readableBytesView.contains(where: { $0 > 0x20 }) else { return nil }
        let data = Data(body.readableBytesView)
        do {
            // Go reads `null` as nothing at all.
            return try JSONDecoder().decode([String: String]?.self, from: data)
        } catch {
            throw BoskosRefusal(.badRequest, "The user data is no JSON object of texts.")
        }
    }

    private func reset(_ query: BoskosQuery) async throws -> Response {
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
        return .plain(JSONWriter.object(moved.map { ($0.0, JSONWriter.quoted($0.1)) }))
    }

    private func metric(_ query: BoskosQuery) async throws -> Response {
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
        let json = JSONWriter.object([
            ("type", JSONWriter.quoted(type)), ("current", JSONWriter.object(states)),
            ("owner", JSONWriter.object(owners)),
        ])
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: json)))
    }

    // MARK: Boskos's words

    private static func noneFree(_ name: String) -> String { "no available resource \(name), try again later." }

    private static func mismatch(_ owner: String, _ holder: String) -> String {
        "owner mismatch request by \(owner), currently owned by \(holder)"
    }
}

/// An answer other than the one asked for: plain text with a line's end, as Go's `http.Error` writes it.
struct BoskosRefusal: Error {
    let status: HTTPResponse.Status
    let text: String
    let headers: HTTPFields

    init(_ status: HTTPResponse.Status, _ text: String, headers: HTTPFields = [:]) {
        self.status = status
        self.text = text
        self.headers = headers
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = "text/plain; charset=utf-8"
        headers[.xContentTypeOptions] = "nosniff"
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }
}

extension Response {
    /// What a Go handler answers that prints a text and names no type.
    fileprivate static func plain(_ text: String) -> Response {
        guard !text.isEmpty else { return Response(status: .ok) }
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
