/// What went wrong between Slipway and PostgreSQL. It names the statement and shows its text, never a parameter's
/// value and never a password; `detail` may quote values (the server writes them there), so `description` omits it.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// The server refused a statement; `code` says why.
        case server
        /// No connection could be made.
        case connectionFailed
        /// The connection ended while a statement was under way. Whether it took effect is unknown.
        case connectionLost
        /// The connection ended during COMMIT: the transaction may or may not have taken effect.
        case commitUnknown
        /// A statement ran longer than `statementTimeout`.
        case timedOut
        /// The pool had no connection to give within `acquireTimeout`.
        case acquireTimedOut
        /// The task was cancelled; the statement was cancelled on the server too.
        case cancelled
        /// The connection or pool was closed by its owner.
        case closed
        /// A column does not hold what was asked for.
        case decoding
        /// A parameter cannot be sent.
        case encoding
        /// The settings, or a use of this library, make no sense; the message says what to do instead.
        case misuse
        /// A migration cannot be applied.
        case migration
    }

    package var kind: Kind
    /// The SQLSTATE, five characters, where the server answered. See PostgreSQL's appendix A.
    package var code: String?
    /// One sentence; values that the server quotes in data exceptions (class 22) are cut off.
    package var message: String
    /// May quote column values: for a person who may see the data, not for logs.
    package var detail: String?
    package var hint: String?
    package var schema: String?
    package var table: String?
    package var column: String?
    /// The violated constraint's name (class 23).
    package var constraint: String?
    /// The line of a COPY or of a PL/pgSQL function where it happened, without values.
    package var context: String?
    /// The name of the `Statement`, nil for a query without one.
    package var statement: String?
    /// The statement's text with white space folded, at most 300 characters.
    package var sql: String?
    /// Where the operation was called, as far as known: `Module/File.swift:line`.
    package var source: String?

    package init(_ kind: Kind, _ message: String, code: String? = nil, statement: String? = nil, sql: String? = nil) {
        self.kind = kind
        self.message = message
        self.code = code
        self.statement = statement
        self.sql = sql.map(Self.folded)
    }

    /// 40001 or 40P01: the transaction was rolled back through no fault of its own and may succeed when repeated.
    package var isSerializationFailureOrDeadlock: Bool { code == "40001" || code == "40P01" }
    package var isUniqueViolation: Bool { code == "23505" }
    package var isForeignKeyViolation: Bool { code == "23503" }

    /// The link or the server went away (also 57P01…57P05, 08xxx), or takes nothing for want of disk, memory or
    /// connections (53xxx): nothing says that the statement itself is wrong.
    package var isOutage: Bool {
        switch kind {
        case .connectionFailed, .connectionLost, .commitUnknown, .acquireTimedOut: true
        default: code.map { code in ["08", "53", "57P"].contains { code.hasPrefix($0) } } ?? false
        }
    }

    package var description: String {
        var text = "PostgreSQL: "
        switch kind {
        case .server: break
        case .connectionFailed: text += "cannot connect: "
        case .connectionLost: text += "connection lost: "
        case .commitUnknown: text += "connection lost during COMMIT, the transaction may or may not have happened: "
        case .timedOut: text += "timed out: "
        case .acquireTimedOut: text += "no connection became free: "
        case .cancelled: text += "cancelled: "
        case .closed: text += "closed: "
        case .decoding: text += "cannot decode: "
        case .encoding: text += "cannot encode: "
        case .misuse: text += "wrong use: "
        case .migration: text += "migration: "
        }
        text += message
        if let code { text += " (SQLSTATE \(code)" + (constraint.map { ", constraint \($0)" } ?? "") + ")" }
        if let hint { text += "; hint: \(hint)" }
        if let context { text += "; at \(context)" }
        if let statement { text += "; statement \(statement)" }
        if let sql { text += (statement == nil ? "; in: " : ": ") + sql }
        if let source { text += "; from \(source)" }
        return text
    }

    /// White space and line breaks folded to one space, cut at 300 characters; SQL comments stay.
    static func folded(_ sql: String) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(304)
        var isSpace = true
        for byte in sql.utf8 {
            if byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) {
                isSpace = true
                continue
            }
            if text.count >= 299 { return String(decoding: text, as: UTF8.self) + "…" }
            if isSpace, !text.isEmpty { text.append(0x20) }
            isSpace = false
            text.append(byte)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
