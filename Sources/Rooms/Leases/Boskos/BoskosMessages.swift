import FoundationEssentials
import NIOCore
import NIOHTTP1

/// A request, whole.
struct BoskosRequest: Sendable {
    /// Bytes of a body; what is longer is read and not kept.
    static let longestBody = 1 << 20

    var method: HTTPMethod
    var path: String
    var query: BoskosQuery
    var authorization: String?
    /// Nil where it was too long.
    var body: ByteBuffer?

    init(_ head: HTTPRequestHead, body: ByteBuffer?) {
        method = head.method
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = parts.first.map(String.init) ?? "/"
        query = BoskosQuery(parts.count > 1 ? parts[1] : "")
        authorization = head.headers.first(name: "authorization")
        self.body = body
    }
}

/// An answer as a Go handler gives it that prints a text.
struct BoskosAnswer: Sendable {
    var status = HTTPResponseStatus.ok
    var headers = HTTPHeaders()
    var body = ""

    /// Nothing, which is well.
    init() {}

    init(_ body: String, type: String = "text/plain; charset=utf-8", status: HTTPResponseStatus = .ok) {
        self.status = status
        self.body = body
        headers.add(name: "content-type", value: type)
    }
}

/// An answer other than the one asked for: plain text with a line's end, as Go's `http.Error` writes it.
struct BoskosRefusal: Error {
    let status: HTTPResponseStatus
    let text: String
    var challenge: String?

    init(_ status: HTTPResponseStatus, _ text: String, challenge: String? = nil) {
        self.status = status
        self.text = text
        self.challenge = challenge
    }

    var answer: BoskosAnswer {
        var answer = BoskosAnswer(text + "\n", status: status)
        answer.headers.add(name: "x-content-type-options", value: "nosniff")
        if let challenge { answer.headers.add(name: "www-authenticate", value: challenge) }
        return answer
    }
}
