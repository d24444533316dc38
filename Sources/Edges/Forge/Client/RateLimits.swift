package import FoundationEssentials
import NIOHTTP1
import Synchronization

/// What is left of a token's hourly calls, as the forge told it last.
package struct ForgeRate: Hashable, Sendable {
    package var limit: Int
    package var remaining: Int
    /// When `remaining` is `limit` again.
    package var reset: Date
}

/// The rate of each token, shared by everybody who uses it: once the forge says "no more", nobody asks until the time
/// it named. Source: GitHub's "Rate limits for the REST API".
final class RateLimits: Sendable {
    private struct State {
        var rate: ForgeRate?
        var blockedUntil: Date?
        /// Secondary limits met one after the other.
        var strikes = 0
    }

    private let states = Mutex<[String: State]>([:])

    /// By name of the token (`Authorization.scope`).
    var current: [String: ForgeRate] { states.withLock { $0.compactMapValues(\.rate) } }

    /// Until when a token must not be used; nil where it may be.
    func blocked(_ scope: String, now: Date = Date()) -> Date? {
        states.withLock { states in
            guard let state = states[scope] else { return nil }
            if let until = state.blockedUntil, until > now { return until }
            if let rate = state.rate, rate.remaining <= 0, rate.reset > now { return rate.reset }
            return nil
        }
    }

    /// Takes note of an answer's headers.
    func note(_ headers: HTTPHeaders, of scope: String) {
        guard let limit = headers.first(name: "X-RateLimit-Limit").flatMap({ Int($0) }),
            let remaining = headers.first(name: "X-RateLimit-Remaining").flatMap({ Int($0) }),
            let reset = headers.first(name: "X-RateLimit-Reset").flatMap({ Double($0) }),
            // Searches and GraphQL have budgets of their own.
            headers.first(name: "X-RateLimit-Resource") ?? "core" == "core"
        else { return }
        states.withLock {
            $0[scope, default: State()].rate = ForgeRate(
                limit: limit, remaining: remaining, reset: Date(timeIntervalSince1970: reset))
        }
    }

    /// Nobody uses the token before the wait is over. A secondary limit that names no wait means a minute, and twice as
    /// long each time it is met again.
    ///
    /// - Returns: the wait, at most a day.
    func block(_ scope: String, asked: Duration?, now: Date = Date()) -> Duration {
        states.withLock { states in
            var state = states[scope] ?? State()
            defer { states[scope] = state }
            let wait: Duration
            if let asked {
                wait = asked
            } else {
                wait = .seconds(60 * (1 << min(state.strikes, 4)))
                state.strikes += 1
            }
            let until = now.addingTimeInterval(Double(wait.components.seconds))
            state.blockedUntil = max(state.blockedUntil ?? until, until)
            return wait
        }
    }

    /// The forge took a call: limits that were met before are over.
    func succeeded(_ scope: String) {
        states.withLock { states in
            guard states[scope]?.strikes ?? 0 > 0 else { return }
            states[scope]?.strikes = 0
        }
    }
}

/// Whether an answer is GitHub's rate limit (429, or 403 with its headers or words), and how long to wait.
struct RateLimitAnswer {
    var until: Date?
    /// Nil where the answer names no wait.
    var duration: Duration?

    init?(status: Int, headers: HTTPHeaders, message: String) {
        guard status == 429 || status == 403 else { return nil }
        if let seconds = headers.first(name: "Retry-After").flatMap(Int64.init), seconds >= 0 {
            duration = .seconds(min(seconds, 86_400))
            until = Date().addingTimeInterval(Double(min(seconds, 86_400)))
        } else if headers.first(name: "X-RateLimit-Remaining") == "0",
            let reset = headers.first(name: "X-RateLimit-Reset").flatMap(Double.init)
        {
            let instant = min(Date(timeIntervalSince1970: reset), Date().addingTimeInterval(86_400))
            until = instant
            duration = .seconds(max(1, instant.timeIntervalSinceNow.rounded(.up)))
        } else if status == 403, !message.lowercased().contains("rate limit") {
            return nil
        }
    }
}
