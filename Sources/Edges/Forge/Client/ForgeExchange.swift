import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// A request and its answer: headers, time-out, bounds, redirects, and what a refusal says. Knows no retries.
struct ForgeExchange: Sendable {
    let address: ForgeAddress

    /// Largest body read, in bytes: a page of 100 pull requests of GitHub is about 2 MB.
    static let bodyLimit = 16 << 20
    /// A repository that was renamed and transferred leads there in two steps.
    static let redirectLimit = 3

    struct Response: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    /// Makes the call once, following redirects within the API's own address: a renamed repository is answered 301.
    ///
    /// - Parameters:
    ///   - actingAs: The account to act as; only a LocalForge's admin token may.
    ///   - note: Sees each answer, whatever it is.
    func perform(
        _ call: ForgeCall, _ authorization: Authorization, actingAs: String? = nil, etag: String? = nil,
        timeout: Duration, note: (Response) -> Void = { _ in }
    ) async throws(Refusal) -> ForgeAnswer {
        var url = address.api + call.path
        for _ in 0...Self.redirectLimit {
            let response = try await send(call, to: url, authorization, actingAs, etag, timeout)
            note(response)
            guard [301, 302, 307, 308].contains(response.status) else {
                return try evaluate(response, call, authorization)
            }
            let location = response.headers.first(name: "Location") ?? ""
            // The token goes to no other host.
            guard location.hasPrefix(address.api + "/") else {
                throw Refusal(
                    error: call.failure(
                        .status(response.status),
                        "moved to \(location.isEmpty ? "an address that is not named" : String(location.prefix(300)))"))
            }
            url = location
        }
        throw Refusal(error: call.failure(.status(301), "moved more than \(Self.redirectLimit) times"))
    }

    private func send(
        _ call: ForgeCall, to url: String, _ authorization: Authorization, _ actingAs: String?, _ etag: String?,
        _ timeout: Duration
    ) async throws(Refusal) -> Response {
        func failure(_ kind: ForgeError.Kind, _ message: String) -> Refusal {
            Refusal(error: call.failure(kind, authorization.redact(message)))
        }
        var request = HTTPClientRequest(url: url)
        request.method = call.method
        request.headers.add(name: "Accept", value: "application/vnd.github+json")
        request.headers.add(name: "User-Agent", value: "slipway")
        request.headers.add(name: "X-GitHub-Api-Version", value: "2022-11-28")
        if let token = authorization.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let actingAs { request.headers.add(name: "Sudo", value: actingAs) }
        if let etag { request.headers.add(name: "If-None-Match", value: etag) }
        if let body = call.body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        do {
            let response = try await ForgeHTTP.client.execute(request, timeout: TimeAmount(timeout))
            let body = Array((try await response.body.collect(upTo: Self.bodyLimit)).readableBytesView)
            return Response(status: Int(response.status.code), headers: response.headers, body: body)
        } catch is CancellationError {
            throw failure(.cancelled, "cancelled")
        } catch is NIOTooManyBytesError {
            throw failure(.tooLarge, "more than \(Self.bodyLimit) bytes")
        } catch let error as HTTPClientError where error == .cancelled && Task.isCancelled {
            throw failure(.cancelled, "cancelled")
        } catch {
            throw failure(.unreachable, "\(error)")
        }
    }

    private func evaluate(
        _ response: Response, _ call: ForgeCall, _ authorization: Authorization
    ) throws(Refusal) -> ForgeAnswer {
        let status = response.status
        if (200..<300).contains(status) || status == 304 {
            return ForgeAnswer(
                status: status, body: response.body, next: nextPage(response.headers),
                etag: response.headers.first(name: "ETag"))
        }
        let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
        let message = authorization.redact(Self.message(of: response.body) ?? reason)
        if let limit = RateLimitAnswer(status: status, headers: response.headers, message: message) {
            throw Refusal(
                error: call.failure(.rateLimited(until: limit.until), message), asked: limit.duration,
                authorization: authorization)
        }
        throw Refusal(error: call.failure(.status(status), message), authorization: authorization)
    }

    /// The path below the API's address of the next page; nil where it leads to another host (the token stays home).
    private func nextPage(_ headers: HTTPHeaders) -> String? {
        for header in headers["Link"] {
            for link in header.split(separator: ",") where link.contains("rel=\"next\"") {
                guard let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end else {
                    continue
                }
                let url = link[link.index(after: start)..<end]
                guard url.hasPrefix(address.api + "/") else { return nil }
                return String(url.dropFirst(address.api.count))
            }
        }
        return nil
    }

    /// The forge's message, with the reasons that GitHub lists under `errors`.
    private static func message(of body: [UInt8]) -> String? {
        guard let answer = try? JSONDecoder().decode(ErrorBody.self, from: Data(body)) else { return nil }
        let reasons = (answer.errors ?? []).compactMap(\.text)
        let text = ([answer.message] + reasons).joined(separator: "; ")
        return String(text.prefix(500))
    }
}

/// The body of GitHub's refusals.
private struct ErrorBody: Decodable {
    struct Reason: Decodable {
        var text: String?

        init(from decoder: any Decoder) throws {
            if let plain = try? decoder.singleValueContainer().decode(String.self) {
                text = plain
                return
            }
            let container = try decoder.container(keyedBy: Keys.self)
            if let sentence = try container.decodeIfPresent(String.self, forKey: .message) {
                text = sentence
                return
            }
            let parts = try Keys.allCases.compactMap { try container.decodeIfPresent(String.self, forKey: $0) }
            text = parts.isEmpty ? nil : parts.joined(separator: " ")
        }

        enum Keys: String, CodingKey, CaseIterable { case resource, field, code, message }
    }

    var message: String
    var errors: [Reason]?
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
