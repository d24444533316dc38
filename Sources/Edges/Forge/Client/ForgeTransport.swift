import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// One call of the REST API as it goes out.
struct ForgeCall: Sendable {
    var method: HTTPMethod
    /// Below the API's address, percent-encoded, with its query.
    var path: String
    var body: [UInt8]?
    /// Whether doing it twice is doing it once.
    var idempotent: Bool
}

/// An answer of the REST API within 2xx.
struct ForgeAnswer: Sendable {
    var status: Int
    var body: [UInt8]
    /// The `rel="next"` of the Link header.
    var next: String?
}

/// Sends calls: headers, time-outs, bounds, retries, errors. Knows nothing of what is called.
struct ForgeTransport: Sendable {
    let address: ForgeAddress
    let token: String?
    /// The account to act as; only a LocalForge's admin token may.
    let actingAs: String?
    let retry: ForgeClient.RetryPolicy
    let timeout: Duration

    /// Largest body read, in bytes: a page of 100 pull requests of GitHub is about 2 MB.
    static let bodyLimit = 16 << 20

    func send(_ call: ForgeCall) async throws(ForgeError) -> ForgeAnswer {
        var attempt = 1
        while true {
            do throws(Refusal) {
                return try await sendOnce(call)
            } catch {
                guard error.mayRetry(call), let delay = retry.delay(after: attempt, asked: error.asked) else {
                    throw error.error
                }
                do {
                    try await retry.sleep(delay)
                } catch {
                    throw ForgeError(
                        kind: .cancelled, method: call.method.rawValue, path: call.path, message: "cancelled")
                }
                attempt += 1
            }
        }
    }

    /// A failure and what it means for another attempt.
    private struct Refusal: Error {
        var error: ForgeError
        /// The wait the forge asked for.
        var asked: Duration?

        func mayRetry(_ call: ForgeCall) -> Bool {
            switch error.kind {
            case .unreachable, .unreadable: call.idempotent
            case .status(let code): code >= 500 && call.idempotent
            // Refused before anything was done, so also safe for calls that are not idempotent.
            case .rateLimited: true
            case .tooLarge, .cancelled: false
            }
        }
    }

    private func sendOnce(_ call: ForgeCall) async throws(Refusal) -> ForgeAnswer {
        func failure(_ kind: ForgeError.Kind, _ message: String, asked: Duration? = nil) -> Refusal {
            var message = message
            if let token, !token.isEmpty { message = message.replacing(token, with: "[redacted]") }
            return Refusal(
                error: ForgeError(kind: kind, method: call.method.rawValue, path: call.path, message: message),
                asked: asked)
        }

        var request = HTTPClientRequest(url: address.api + call.path)
        request.method = call.method
        request.headers.add(name: "Accept", value: "application/vnd.github+json")
        request.headers.add(name: "User-Agent", value: "slipway")
        request.headers.add(name: "X-GitHub-Api-Version", value: "2022-11-28")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let actingAs { request.headers.add(name: "Sudo", value: actingAs) }
        if let body = call.body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }

        let response: HTTPClientResponse
        let body: [UInt8]
        do {
            response = try await ForgeHTTP.client.execute(request, timeout: TimeAmount(timeout))
            body = Array((try await response.body.collect(upTo: Self.bodyLimit)).readableBytesView)
        } catch is CancellationError {
            throw failure(.cancelled, "cancelled")
        } catch is NIOTooManyBytesError {
            throw failure(.tooLarge, "more than \(Self.bodyLimit) bytes")
        } catch let error as HTTPClientError where error == .cancelled && Task.isCancelled {
            throw failure(.cancelled, "cancelled")
        } catch {
            throw failure(.unreachable, "\(error)")
        }

        let status = Int(response.status.code)
        if (200..<300).contains(status) {
            return ForgeAnswer(status: status, body: body, next: nextPage(response.headers))
        }
        let message = Self.message(of: body) ?? response.status.reasonPhrase
        if let wait = RateLimit(status: status, headers: response.headers, message: message) {
            throw failure(.rateLimited(until: wait.until), message, asked: wait.duration)
        }
        throw failure(.status(status), message)
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

/// Whether an answer is GitHub's rate limit (429, or 403 with its headers or words), and how long to wait.
/// Source: GitHub's "Best practices for using the REST API".
private struct RateLimit {
    var until: Date?
    var duration: Duration?

    init?(status: Int, headers: HTTPHeaders, message: String) {
        guard status == 429 || status == 403 else { return nil }
        if let seconds = headers.first(name: "Retry-After").flatMap(Int64.init), seconds >= 0 {
            duration = .seconds(min(seconds, 86_400))
            until = Date().addingTimeInterval(Double(min(seconds, 86_400)))
        } else if headers.first(name: "X-RateLimit-Remaining") == "0",
            let reset = headers.first(name: "X-RateLimit-Reset").flatMap(Double.init)
        {
            let instant = Date(timeIntervalSince1970: reset)
            until = instant
            duration = .seconds(max(1, instant.timeIntervalSinceNow.rounded(.up)))
        } else if status == 403, !message.lowercased().contains("rate limit") {
            return nil
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
