import FoundationEssentials
import JSONCoding
import NIOHTTP1
package import SlipwayModel

/// GitHub's REST API, at GitHub or at a LocalForge. A value: make one wherever one is needed, connections are shared.
///
/// Calls that may be repeated are, a few times, with backoff, when the forge fails or cannot be reached. Lists are
/// read to their last page. Answers are kept with their ETags, so that asking again for what has not changed costs no
/// rate; equal questions at one time are asked once, and their answer is as old as the first of them.
package struct ForgeClient: Sendable {
    package let address: ForgeAddress
    let transport: ForgeTransport

    /// - Parameters:
    ///   - credential: Goes to this forge's address only.
    ///   - actingAs: The account to act as; only a LocalForge's admin token may.
    ///   - timeout: Of one attempt.
    package init(
        address: ForgeAddress, credential: ForgeCredential, actingAs: String? = nil,
        retry: RetryPolicy = RetryPolicy(), timeout: Duration = .seconds(20)
    ) {
        self.init(
            session: ForgeSession(address: address, credential: credential), actingAs: actingAs, retry: retry,
            timeout: timeout)
    }

    /// - Parameter token: Sent as a bearer token; nil reads what anybody may.
    package init(
        address: ForgeAddress, token: String?, actingAs: String? = nil, retry: RetryPolicy = RetryPolicy(),
        timeout: Duration = .seconds(20)
    ) {
        self.init(
            address: address, credential: token.map { .token($0) } ?? .anonymous, actingAs: actingAs, retry: retry,
            timeout: timeout)
    }

    private init(session: ForgeSession, actingAs: String?, retry: RetryPolicy, timeout: Duration) {
        address = session.exchange.address
        transport = ForgeTransport(session: session, actingAs: actingAs, retry: retry, timeout: timeout)
    }

    /// The same client under another policy, for callers that keep their own schedule.
    package func retrying(_ policy: RetryPolicy, timeout: Duration) -> ForgeClient {
        ForgeClient(session: transport.session, actingAs: transport.actingAs, retry: policy, timeout: timeout)
    }

    /// Whether it works as a GitHub App, whose hook hears of all its installations.
    package var isApp: Bool { transport.session.isApp }

    /// What is left of each token's calls, as far as the forge has told: by `token`, `app` and `installation/<owner>`.
    package var rates: [String: ForgeRate] { transport.session.rates.current }

    /// What git proves itself with at a repository, as the password of `x-access-token`; nil where anybody may read.
    package func token(for repository: RepositoryName) async throws(ForgeError) -> String? {
        let call = ForgeCall(method: .GET, path: "/repos/\(repository)", idempotent: true)
        do throws(Refusal) {
            return try await transport.session.authorization(for: call).token
        } catch {
            throw error.error
        }
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

    /// Every element of a paginated list, or the pages up to the first of which `isLast` holds.
    package func list<Element: Decodable>(
        _ path: String, of type: Element.Type = Element.self, until isLast: ([Element]) -> Bool = { _ in false }
    ) async throws(ForgeError) -> [Element] {
        let first = ForgeCall(method: .GET, path: Self.paged(path), idempotent: true)
        return try await pages(from: try await transport.send(first), path, in: \[Element].self, until: isLast)
    }

    /// Every element of a paginated list whose pages are documents that hold it.
    func list<Page: Decodable, Element>(_ path: String, in elements: KeyPath<Page, [Element]>)
        async throws(ForgeError) -> [Element]
    {
        let first = ForgeCall(method: .GET, path: Self.paged(path), idempotent: true)
        return try await pages(from: try await transport.send(first), path, in: elements) { _ in false }
    }

    /// A list that was read before, if its first page has another version now.
    ///
    /// - Parameter etag: What the last reading gave; nil reads in any case.
    /// - Returns: nil where the first page is as it was.
    package func listIfChanged<Element: Decodable>(
        _ path: String, since etag: String?, of type: Element.Type = Element.self,
        until isLast: ([Element]) -> Bool = { _ in false }
    ) async throws(ForgeError) -> (elements: [Element], etag: String?)? {
        // An empty version fits no answer; without any the client would keep the answer itself.
        let first = try await transport.send(
            ForgeCall(method: .GET, path: Self.paged(path), idempotent: true, etag: etag ?? "\"\""))
        guard first.status != 304 else { return nil }
        return (try await pages(from: first, path, in: \[Element].self, until: isLast), first.etag)
    }

    private static func paged(_ path: String) -> String {
        path.contains("per_page=") ? path : path + (path.contains("?") ? "&" : "?") + "per_page=100"
    }

    private func pages<Page: Decodable, Element>(
        from first: ForgeAnswer, _ path: String, in content: KeyPath<Page, [Element]>,
        until isLast: ([Element]) -> Bool
    ) async throws(ForgeError) -> [Element] {
        func read(_ page: ForgeAnswer, _ path: String) throws(ForgeError) -> [Element] {
            let document: Page = try decode(page, .GET, path)
            return document[keyPath: content]
        }
        var page = first
        var elements = try read(page, path)
        var isDone = isLast(elements)
        var count = 1
        while let next = page.next, !isDone {
            let call = ForgeCall(method: .GET, path: next, idempotent: true)
            guard count < Self.pageLimit else {
                throw call.failure(.tooLarge, "a list of more than \(Self.pageLimit) pages")
            }
            page = try await transport.send(call)
            let more = try read(page, next)
            elements += more
            isDone = isLast(more)
            count += 1
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
    package struct Empty: Encodable, Sendable {
        package init() {}
    }

    private func encode(_ body: some Encodable, _ method: HTTPMethod, _ path: String) throws(ForgeError) -> [UInt8] {
        do {
            return try JSONWriter(dates: .iso8601).write(body)
        } catch {
            throw ForgeError(
                kind: .unreadable, method: method.rawValue, path: path, message: "the request is not JSON: \(error)")
        }
    }

    private func decode<Answer: Decodable>(_ answer: ForgeAnswer, _ method: HTTPMethod, _ path: String)
        throws(ForgeError) -> Answer
    {
        do {
            return try JSONReader(dates: .iso8601).read(Answer.self, from: answer.body)
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
