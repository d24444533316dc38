import FoundationEssentials
import HTTPTypes
import Hummingbird
import Synchronization

/// Counts the calls of each token, tells what is left in GitHub's headers, and refuses what is too much. Answers that
/// have not changed since the asker saw them (304) are free.
package final class RateMeter: Sendable {
    private struct Budget {
        var used = 0
        var reset: Date
    }

    private struct Content {
        var limit: Int?
        var budgets: [String: Budget] = [:]
        var calls = 0
        var charged = 0
    }

    private let content: Mutex<Content>
    private let now: @Sendable () -> Date

    /// - Parameter limit: Calls of one token in an hour; nil counts without limiting.
    init(limit: Int?, now: @escaping @Sendable () -> Date) {
        content = Mutex(Content(limit: limit))
        self.now = now
    }

    /// API calls so far, and how many of them were charged to a rate.
    package var counts: (calls: Int, charged: Int) { content.withLock { ($0.calls, $0.charged) } }

    /// From now on each token has this many calls an hour.
    package func setLimit(_ limit: Int?) {
        content.withLock {
            $0.limit = limit
            $0.budgets = [:]
        }
    }

    fileprivate struct Standing {
        var limit: Int
        var used: Int
        var reset: Date

        var headers: [String: String] {
            [
                "X-RateLimit-Limit": "\(limit)", "X-RateLimit-Remaining": "\(max(0, limit - used))",
                "X-RateLimit-Used": "\(used)",
                "X-RateLimit-Reset": "\(Int64(reset.timeIntervalSince1970.rounded(.up)))",
                "X-RateLimit-Resource": "core",
            ]
        }
    }

    /// - Parameter isFree: takes nothing from the budget.
    /// - Returns: the budget after the call; nil where nothing is limited.
    fileprivate func charge(_ token: String, isFree: Bool) -> Standing? {
        content.withLock { content in
            if !isFree { content.charged += 1 }
            return Self.standing(&content, token, cost: isFree ? 0 : 1, now: now())
        }
    }

    /// The budget before a call.
    fileprivate func begin(_ token: String) -> Standing? {
        content.withLock { content in
            content.calls += 1
            return Self.standing(&content, token, cost: 0, now: now())
        }
    }

    private static func standing(_ content: inout Content, _ token: String, cost: Int, now: Date) -> Standing? {
        guard let limit = content.limit else { return nil }
        var budget = content.budgets[token] ?? Budget(reset: now.addingTimeInterval(3600))
        if budget.reset <= now { budget = Budget(reset: now.addingTimeInterval(3600)) }
        budget.used += cost
        content.budgets[token] = budget
        return Standing(limit: limit, used: budget.used, reset: budget.reset)
    }
}

/// ETags and rates of the API's answers.
struct MeterMiddleware: RouterMiddleware {
    let meter: RateMeter

    func handle(
        _ request: Request, context: LocalForgeContext,
        next: (Request, LocalForgeContext) async throws -> Response
    ) async throws -> Response {
        guard request.uri.path.hasPrefix("/api/v3/") else { return try await next(request, context) }
        let token = context.budget
        if let standing = meter.begin(token), standing.used >= standing.limit {
            return ForgeRefusal(
                status: 403, message: "API rate limit exceeded for \(token). (Authenticated requests get more.)",
                headers: standing.headers
            ).asResponse
        }
        var response: Response
        do {
            response = try await next(request, context)
        } catch let refusal as ForgeRefusal {
            response = refusal.asResponse
        }
        let version = response.headers[.eTag]
        let isKnown =
            request.method == .get && response.status == .ok && version != nil
            && request.headers[.ifNoneMatch] == version
        if isKnown {
            var headers = HTTPFields()
            headers[.eTag] = version
            if let link = response.headers[.link] { headers[.link] = link }
            response = Response(status: .notModified, headers: headers)
        }
        for (name, value) in meter.charge(token, isFree: isKnown)?.headers ?? [:] {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
        return response
    }
}
