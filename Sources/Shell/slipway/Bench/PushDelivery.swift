import Forge

/// A push as GitHub sends it, less what nobody reads. Its delivery id is the commit.
struct PushDelivery: Sendable {
    static let secret = "bench"

    let sha: String
    let body: [UInt8]

    /// - Parameters:
    ///   - repository: its name in the organization `bench`.
    ///   - sha: 40 hexadecimal digits.
    init(of number: Int, to repository: String, sha: String) {
        self.sha = sha
        body = Array(
            """
            {"ref":"refs/heads/main","before":"0123456789012345678901234567890123456789","after":"\(sha)",\
            "created":false,"deleted":false,"forced":false,\
            "compare":"https://forge.example/bench/\(repository)/compare",\
            "commits":[{"id":"\(sha)","message":"Change number \(number)","timestamp":"2026-11-24T10:00:00Z",\
            "url":"https://forge.example/bench/\(repository)/commit/\(sha)","added":["docs/new.md"],"removed":[],\
            "modified":["pkg/main.go","pkg/main_test.go","Makefile"]}],\
            "repository":{"id":1,"name":"\(repository)","full_name":"bench/\(repository)","private":false,\
            "owner":{"login":"bench","id":2,"type":"Organization"},"default_branch":"main",\
            "html_url":"https://forge.example/bench/\(repository)",\
            "clone_url":"https://forge.example/bench/\(repository).git"},\
            "pusher":{"name":"author"},"sender":{"login":"author","id":3,"type":"User"}}
            """.utf8)
    }

    var headers: [(String, String)] {
        [
            ("Content-Type", "application/json"), ("X-GitHub-Event", "push"), ("X-GitHub-Delivery", sha),
            ("X-Hub-Signature-256", WebhookSignature.header(for: body, secret: Self.secret)),
        ]
    }

    /// The whole request, for a connection that stays open.
    var bytes: [UInt8] {
        var head = "POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
    }
}

/// The commits of one load: a prefix that no other load has, and a number.
struct CommitNames: Sendable {
    /// 32 hexadecimal digits.
    let prefix: String

    func sha(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return prefix + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// The number of a commit; nil for one that is another load's.
    func number(_ sha: String) -> Int? { sha.hasPrefix(prefix) ? Int(sha.dropFirst(prefix.count), radix: 16) : nil }
}
