import CLibpq
import Glibc

/// Where the database is and how a pool behaves. Its description never shows the password.
package struct PostgresConfiguration: Sendable, CustomStringConvertible {
    /// libpq's connection keywords (`host`, `port`, `dbname`, `user`, `password`, `sslmode`, `sslrootcert` …).
    private(set) var keywords: [String: String]

    package var applicationName = "slipway"
    /// Connections that a pool opens at most.
    package var maximumConnections = 8
    /// How long a caller waits for a connection, reconnecting included, before `.acquireTimedOut`.
    package var acquireTimeout: Duration = .seconds(10)
    /// Name resolution, TCP, TLS and log-in together.
    package var connectTimeout: Duration = .seconds(5)
    /// The server cancels a statement after this; nil lets it run.
    package var statementTimeout: Duration? = .seconds(30)
    /// How long a statement is waited for before the server is asked, over another connection, whether it works on it.
    package var patience: Duration = .seconds(5)
    /// The server ends a session that sits this long in a transaction without a statement.
    package var idleInTransactionTimeout: Duration? = .seconds(60)
    /// An unused connection is closed after this.
    package var idleTimeout: Duration = .seconds(60)
    /// A connection is not given out again after this, so that load spreads over replaced servers.
    package var maximumLifetime: Duration = .seconds(30 * 60)
    /// How often `transaction` runs its body at most.
    package var transactionAttempts = 6

    /// - Parameter url: `postgres://user:password@host:port/database?sslmode=verify-full`, or libpq's `key=value` form.
    package init(url: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            // libpq quotes what it could not read, which may be the password.
            let reason = message.map { Self.withoutQuotes(String(cString: $0)) } ?? "out of memory"
            PQfreemem(message)
            throw Self.unreadable(reason)
        }
        keywords = Self.values(options)
        PQconninfoFree(options)
        // The environment (PGHOST …) and the operating system's user fill what the URL leaves out.
        if let defaults = PQconndefaults() {
            for (key, value) in Self.values(defaults)
            where ["host", "port", "user", "dbname", "password"].contains(key) {
                if keywords[key] == nil { keywords[key] = value }
            }
            PQconninfoFree(defaults)
        }
        if keywords["dbname"] == nil { keywords["dbname"] = keywords["user"] }
        guard ports.allSatisfy({ (1...65_535).contains(Int($0) ?? 0) }) else {
            throw Self.unreadable("a port is not a number from 1 to 65535")
        }
    }

    private static func unreadable(_ reason: String) -> PostgresError {
        PostgresError(
            .misuse, "the database URL cannot be read (\(reason)); write postgres://user:password@host:port/database")
    }

    /// One for all hosts, or one for each.
    var ports: [String] {
        (keywords["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "5432" : String($0) }
    }

    package var database: String {
        get { keywords["dbname"] ?? "" }
        set { keywords["dbname"] = newValue }
    }

    package var user: String {
        get { keywords["user"] ?? "" }
        set { keywords["user"] = newValue }
    }

    package var port: Int {
        get { keywords["port"].flatMap { Int($0) } ?? 5432 }
        set { keywords["port"] = String(newValue) }
    }

    /// `host:port`, or the socket's folder with the port.
    package var address: String {
        let host = keywords["host"] ?? keywords["hostaddr"] ?? "local socket"
        return "\(host):\(ports.joined(separator: ","))"
    }

    package var description: String { "postgres://\(user)@\(address)/\(database)" }

    /// The keywords of one connection: what was given, and what this client relies on.
    func connectionKeywords(addresses: [String: String]) -> [String: String] {
        var all = keywords.merging(addresses) { $1 }
        all["fallback_application_name"] = applicationName
        all["client_encoding"] = "UTF8"
        if all["gssencmode"] == nil { all["gssencmode"] = "disable" }
        if all["keepalives_idle"] == nil { all["keepalives_idle"] = "30" }
        if all["keepalives_interval"] == nil { all["keepalives_interval"] = "10" }
        if all["tcp_user_timeout"] == nil { all["tcp_user_timeout"] = "30000" }
        var options = "-c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c extra_float_digits=1"
        options += " -c statement_timeout=\(statementTimeout?.milliseconds ?? 0)"
        options += " -c idle_in_transaction_session_timeout=\(idleInTransactionTimeout?.milliseconds ?? 0)"
        // The user's own come last and so win.
        all["options"] = [options, keywords["options"] ?? ""].joined(separator: " ")
        return all
    }

    private static func values(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val, value.pointee != 0 {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        return values
    }

    private static func withoutQuotes(_ text: String) -> String {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        let kept = parts.enumerated().map { $0.offset % 2 == 0 ? String($0.element) : "…" }
        return kept.joined(separator: "\"").trimmingNewline
    }
}

extension Duration {
    /// Whole milliseconds, at least 1 for anything above zero.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(self > .zero ? 1 : 0, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}

extension String {
    var trimmingNewline: String {
        var text = self
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
