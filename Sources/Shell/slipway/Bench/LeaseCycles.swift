import FoundationEssentials
import Synchronization

/// Clients of Boskos's API that acquire and release, and the books on who holds what meanwhile.
final class LeaseCycles: Sendable {
    private struct Books {
        /// Calls not begun yet.
        var left: Int
        var operations = 0
        /// Names that somebody was given and has not begun to give back.
        var held: Set<String> = []
        var holds: [Int: String] = [:]
        var doubleGrants = 0
        var refusals = 0
    }

    private let books: Mutex<Books>
    private let type: String

    init(type: String, cycles: Int) {
        self.type = type
        books = Mutex(Books(left: cycles))
    }

    var operations: Int { books.withLock { $0.operations } }
    var doubleGrants: Int { books.withLock { $0.doubleGrants } }
    var refusals: Int { books.withLock { $0.refusals } }

    /// What a client says next.
    func next(_ client: Int, _ answer: HTTPStream.Message?) throws(MeasuredFleetError) -> [UInt8]? {
        try books.withLock { books throws(MeasuredFleetError) in
            if let answer {
                books.operations += 1
                if let name = books.holds.removeValue(forKey: client) {
                    guard answer.status == 200 else { throw Self.unexpected(answer, "the release of \(name)") }
                } else if answer.status == 200, let name = Self.name(answer.body) {
                    if !books.held.insert(name).inserted { books.doubleGrants += 1 }
                    books.holds[client] = name
                    books.held.remove(name)
                    return Self.post("/release?name=\(name)&owner=client-\(client)&dest=free")
                } else if answer.status == 404 {
                    books.refusals += 1
                } else {
                    throw Self.unexpected(answer, "an acquire")
                }
            }
            guard books.left > 0 else { return nil }
            books.left -= 1
            return Self.post("/acquire?type=\(type)&state=free&dest=leased&owner=client-\(client)")
        }
    }

    private static func unexpected(_ answer: HTTPStream.Message, _ what: String) -> MeasuredFleetError {
        MeasuredFleetError(
            "\(what) was answered \(answer.firstLine): \(String(decoding: answer.body.prefix(200), as: UTF8.self))")
    }

    static func post(_ path: String, token: String? = nil, body: String = "") -> [UInt8] {
        var head = "POST \(path) HTTP/1.1\r\nhost: localhost\r\ncontent-length: \(body.utf8.count)\r\n"
        if let token { head += "authorization: Bearer \(token)\r\n" }
        return Array((head + "\r\n" + body).utf8)
    }

    /// The value of `name` in a resource's JSON.
    static func name(_ body: ArraySlice<UInt8>) -> String? {
        guard let start = HTTPStream.find("\"name\":\"", in: body) else { return nil }
        return String(decoding: body[(start + 8)...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
}
