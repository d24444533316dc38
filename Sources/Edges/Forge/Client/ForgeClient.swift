import FoundationEssentials
import NIOHTTP1
import SlipwayModel

/// GitHub's REST API, at GitHub or at a LocalForge. A value: make one wherever one is needed, connections are shared.
///
/// Calls that may be repeated are, a few times, with backoff, when the forge fails or cannot be reached. Lists are
/// read to their last page.
package struct ForgeClient: Sendable {
    package let address: ForgeAddress
    let transport: ForgeTransport

    /// - Parameters:
    ///   - token: Sent as a bearer token, to this forge's address only; nil reads what anybody may.
    ///   - actingAs: The account to act as; only a LocalForge's admin token may.
    ///   - timeout: Of one attempt.
    package init(
        address: ForgeAddress, token: String?, actingAs: String? = nil, retry: RetryPolicy = RetryPolicy(),
        timeout: Duration = .seconds(20)
    ) {
        self.address = address
        transport = ForgeTransport(address: address, token: token, actingAs: actingAs, retry: retry, timeout: timeout)
    }

    /// The same client under another policy, for callers that keep their own schedule.
    package func retrying(_ policy: RetryPolicy, timeout: Duration) -> ForgeClient {
        ForgeClient(
            address: address, token: transport.token, actingAs: transport.actingAs, retry: policy, timeout: timeout)
    }

    /// The account of the token.
    package func currentUser() async throws(ForgeError) -> Account { try await get("/user") }

    // MARK: Calls

    /// Most pages of a list that are read; GitHub itself ends lists of files at 3,000.
    static let pageLimit = 200

    package func get<Answer: Decodable>(_ path: String, as type: Answer.Type = Answer.self) async throws(ForgeError)
        -> Answer
    {
        try decode(try await transport.send(ForgeCall(method: .GET, path: path, idempotent: true)), .GET, path)
    }

    /// Every element of a paginated list.
    package func list<Element: Decodable>(_ path: String, of type: Element.Type = Element.self)
        async throws(ForgeError) -> [Element]
    {
        var elements: [Element] = []
        var next: String? = path + (path.contains("?") ? "&" : "?") + "per_page=100"
        var pages = 0
        while let page = next, pages < Self.pageLimit {
            let answer = try await transport.send(ForgeCall(method: .GET, path: page, idempotent: true))
            elements += try decode(answer, .GET, page) as [Element]
            next = answer.next
            pages += 1
        }
        return elements
    }

    /// A call that changes something and answers with a document.
    package func send<Answer: Decodable>(
        _ method: String, _ path: String, _ body: some Encodable & Sendable, idempotent: Bool,
        as type: Answer.Type = Answer.self
    ) async throws(ForgeError) -> Answer {
        let method = HTTPMethod(rawValue: method)
        let call = ForgeCall(method: method, path: path, body: try encode(body, method, path), idempotent: idempotent)
        return try decode(try await transport.send(call), method, path)
    }

    /// A call whose answer's body says nothing; the status code.
    @discardableResult
    package func perform(
        _ method: String, _ path: String, _ body: (some Encodable & Sendable)? = Empty?.none, idempotent: Bool
    )
        async throws(ForgeError) -> Int
    {
        let method = HTTPMethod(rawValue: method)
        var bytes: [UInt8]?
        if let body { bytes = try encode(body, method, path) }
        return try await transport.send(ForgeCall(method: method, path: path, body: bytes, idempotent: idempotent))
            .status
    }

    /// Whether a question answered with 204 or 404 is answered with 204.
    func exists(_ path: String) async throws(ForgeError) -> Bool {
        do {
            return try await perform("GET", path, idempotent: true) == 204
        } catch {
            if error.status == 404 { return false }
            throw error
        }
    }

    /// A body with nothing in it.
    package struct Empty: Encodable, Sendable {}

    private func encode(_ body: some Encodable, _ method: HTTPMethod, _ path: String) throws(ForgeError) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(body))
        } catch {
            throw ForgeError(
                kind: .unreadable, method: method.rawValue, path: path, message: "the request is not JSON: \(error)")
        }
    }

    private func decode<Answer: Decodable>(_ answer: ForgeAnswer, _ method: HTTPMethod, _ path: String)
        throws(ForgeError) -> Answer
    {
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(answer.body))
        } catch {
            let reason = (error as? DecodingError)?.clause ?? "it is not a JSON document"
            throw ForgeError(kind: .unreadable, method: method.rawValue, path: path, message: reason)
        }
    }
}

extension RepositoryName {
    /// `/repos/org/repo`.
    var path: String { "/repos/\(segment(org))/\(segment(repo))" }
}
