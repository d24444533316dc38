package import FoundationEssentials
import HTTPTypes
import Hummingbird
package import SlipwayModel
import Synchronization

/// Makes the forge misbehave on purpose, for tests of those who talk to it: a list of rules, each good for so many
/// requests. The first rule that fits a request is used.
package final class FaultInjector: Sendable {
    package enum Effect: Sendable {
        /// Answers with a status, without doing what was asked.
        case answer(Int, message: String = "injected fault", headers: [String: String] = [:])
        /// Waits, then does what was asked.
        case delay(Duration)
        /// Cuts the connection without doing what was asked.
        case dropRequest
        /// Does what was asked, then cuts the connection instead of answering.
        case dropAnswer
        /// Tells somebody that it came, then does what was asked.
        case announce(@Sendable () -> Void)
        /// Has something else happen first, then does what was asked.
        case after(@Sendable () async throws -> Void)
        /// Revokes the token that comes with the request, then treats the request as it deserves.
        case revokeToken
        /// Leads to the repository's new name, as GitHub does after a renaming: 301, and 307 for what changes something.
        case renamed(from: RepositoryName, to: RepositoryName)

        /// The hourly limit is used up.
        package static func primaryLimit(until reset: Date) -> Effect {
            .answer(
                403, message: "API rate limit exceeded for installation ID 1.",
                headers: [
                    "X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "5000",
                    "X-RateLimit-Reset": "\(Int64(reset.timeIntervalSince1970.rounded(.up)))",
                ])
        }

        /// Too many calls at once, or too many writes a minute.
        ///
        /// - Parameter retryAfter: Seconds; GitHub does not always name them.
        package static func secondaryLimit(retryAfter: Int? = nil) -> Effect {
            .answer(
                403,
                message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                headers: retryAfter.map { ["Retry-After": "\($0)"] } ?? [:])
        }
    }

    private struct Rule {
        var effect: Effect
        var method: String?
        var path: String
        var remaining: Int
    }

    private struct Content {
        var rules: [Rule] = []
        var hits = 0
    }

    private let content = Mutex(Content())

    package init() {}

    /// - Parameters:
    ///   - method: Only requests of this method; nil takes any.
    ///   - path: Only requests whose path contains this.
    ///   - times: How many requests.
    package func inject(_ effect: Effect, method: String? = nil, path: String = "", times: Int = 1) {
        content.withLock { $0.rules.append(Rule(effect: effect, method: method, path: path, remaining: times)) }
    }

    /// Back to good behaviour.
    package func clear() { content.withLock { $0.rules = [] } }

    /// Requests that met a fault.
    package var hits: Int { content.withLock { $0.hits } }

    func effect(on request: Request) -> Effect? {
        content.withLock { content in
            let index = content.rules.firstIndex {
                ($0.method == nil || $0.method == request.method.rawValue)
                    && ($0.path.isEmpty || request.uri.path.contains($0.path))
            }
            guard let index else { return nil }
            content.hits += 1
            let effect = content.rules[index].effect
            content.rules[index].remaining -= 1
            if content.rules[index].remaining <= 0 { content.rules.remove(at: index) }
            return effect
        }
    }
}

/// Applies the injector's rules to requests.
struct FaultMiddleware: RouterMiddleware {
    let faults: FaultInjector
    let apps: AppRegistry
    let webURL: @Sendable () -> String

    private struct Dropped: Error {}

    func handle(
        _ request: Request, context: LocalForgeContext,
        next: (Request, LocalForgeContext) async throws -> Response
    ) async throws -> Response {
        switch faults.effect(on: request) {
        case nil: return try await next(request, context)
        case .answer(let status, let message, let headers):
            return ForgeRefusal(status: status, message: message, headers: headers).asResponse
        case .delay(let duration):
            try await Task.sleep(for: duration)
            return try await next(request, context)
        case .dropRequest: return Self.cut
        case .dropAnswer:
            _ = try? await next(request, context)
            return Self.cut
        case .announce(let tell):
            tell()
            return try await next(request, context)
        case .after(let happen):
            try await happen()
            return try await next(request, context)
        case .revokeToken:
            if let header = request.headers[.authorization], let token = header.split(separator: " ").last {
                apps.revoke(String(token))
            }
            return try await next(request, context)
        case .renamed(let old, let new):
            guard let name = request.uri.string.firstRange(of: "/repos/\(old)") else {
                return try await next(request, context)
            }
            let location =
                webURL() + String(request.uri.string[..<name.lowerBound]) + "/repos/\(new)"
                + request.uri.string[name.upperBound...]
            let isRead = request.method == .get || request.method == .head
            return ForgeRefusal(
                status: isRead ? 301 : 307, message: "Moved Permanently", headers: ["Location": location]
            ).asResponse
        }
    }

    /// A head that promises a body which never comes: the server closes the connection.
    private static var cut: Response {
        Response(
            status: .ok, headers: [.contentLength: "1000"],
            body: ResponseBody(contentLength: 1000) { _ in throw Dropped() })
    }
}
