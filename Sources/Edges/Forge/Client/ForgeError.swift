package import FoundationEssentials

/// A call to the forge that did not succeed: which call, what the forge answered, and whether trying again can help.
package struct ForgeError: Error, CustomStringConvertible, Sendable {
    package enum Kind: Hashable, Sendable {
        /// No answer: refused, reset, timed out.
        case unreachable
        /// An answer outside 2xx.
        case status(Int)
        /// The forge asks to wait; the instant where it names one.
        case rateLimited(until: Date?)
        /// A success whose body is not what the API promises.
        case unreadable
        /// A body larger than the client reads, or a list longer.
        case tooLarge
        /// The App that calls is not installed where the call goes.
        case notInstalled
        /// The calling task was cancelled.
        case cancelled
    }

    package let kind: Kind
    package let method: String
    /// Path and query below the API's address.
    package let path: String
    /// The forge's own message, or what went wrong on the way. Never holds the token.
    package let message: String

    package init(kind: Kind, method: String, path: String, message: String) {
        self.kind = kind
        self.method = method
        self.path = path
        self.message = message
    }

    /// The answer's status code, where there was an answer.
    package var status: Int? {
        guard case .status(let code) = kind else { return nil }
        return code
    }

    /// The thing asked for is not there, or not for this token to see (404, 410).
    package var isNotFound: Bool { status == 404 || status == 410 }

    /// The same call can never succeed: the forge understood it and refused it. A bad or weak token (401, 403), or an App
    /// that is not installed, is not permanent: somebody can mend it.
    package var isPermanent: Bool {
        switch kind {
        case .status(let code): [400, 404, 405, 409, 410, 413, 422].contains(code)
        case .tooLarge: true
        case .unreachable, .rateLimited, .unreadable, .notInstalled, .cancelled: false
        }
    }

    package var description: String {
        let call = "\(method) \(path) at the forge"
        switch kind {
        case .unreachable: return "\(call) got no answer: \(message)"
        case .status(let code): return "\(call) was answered \(code): \(message)"
        case .rateLimited(let until):
            let instant = until.map { ", to be tried again at \($0.formatted(Date.ISO8601FormatStyle()))" } ?? ""
            return "\(call) was refused by the rate limit\(instant): \(message)"
        case .unreadable: return "\(call) was answered with something else than the API promises: \(message)"
        case .tooLarge: return "\(call) was answered with more than the client reads: \(message)"
        case .notInstalled: return "\(call) was not made: \(message)"
        case .cancelled: return "\(call) was cancelled"
        }
    }
}
