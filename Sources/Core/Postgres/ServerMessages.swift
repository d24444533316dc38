import CLibpq
import Logging

/// Takes what the server says unasked: notices go to the log, a farewell is kept for the error that follows.
/// Used on its connection's loop only.
final class NoticeSink: @unchecked Sendable {
    private let logger: Logger
    private(set) var lastFatal: PostgresError?

    init(_ logger: Logger) { self.logger = logger }

    static func receive(_ sink: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
        guard let sink, let result else { return }
        Unmanaged<NoticeSink>.fromOpaque(sink).takeUnretainedValue().take(result)
    }

    private func take(_ result: OpaquePointer) {
        let severity = PostgresError.field(result, .severity) ?? "NOTICE"
        let error = PostgresError(result: result, label: nil)
        if severity == "FATAL" || severity == "PANIC" { lastFatal = error }
        logger.debug("PostgreSQL says: \(error.message)", metadata: ["severity": "\(severity)"])
    }
}

extension PostgresError {
    /// Reads an error result.
    init(result: OpaquePointer, label: StatementLabel?) {
        self.init(.server, "", statement: label?.name, sql: label?.sql)
        code = Self.field(result, .sqlState)
        message = Self.field(result, .message) ?? Self.libpqMessage(result)
        // Data exceptions end in the value: `invalid input syntax for type integer: "…"`.
        if code?.hasPrefix("22") == true { message = Self.withoutValue(message) }
        detail = Self.field(result, .detail)
        hint = Self.field(result, .hint)
        schema = Self.field(result, .schema)
        table = Self.field(result, .table)
        column = Self.field(result, .column)
        constraint = Self.field(result, .constraint)
        if let context = Self.field(result, .context), context.hasPrefix("COPY ") {
            self.context = Self.withoutValue(Self.firstLine(context))
        }
        // libpq makes an error of its own, without a code, when the link breaks.
        if code == nil { kind = .connectionLost }
    }

    /// libpq's PG_DIAG_ codes, which are character literals that Swift does not import.
    enum Field: Unicode.Scalar {
        case severity = "V"
        case sqlState = "C"
        case message = "M"
        case detail = "D"
        case hint = "H"
        case schema = "s"
        case table = "t"
        case column = "c"
        case constraint = "n"
        case context = "W"
    }

    static func field(_ result: OpaquePointer, _ field: Field) -> String? {
        PQresultErrorField(result, Int32(field.rawValue.value)).map { String(cString: $0) }
    }

    private static func libpqMessage(_ result: OpaquePointer) -> String {
        firstLine(PQresultErrorMessage(result).map { String(cString: $0) } ?? "")
    }

    static func firstLine(_ text: String) -> String {
        text.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? ""
    }

    /// Cuts what follows the first `: "`.
    private static func withoutValue(_ text: String) -> String {
        var bytes = Substring(text)
        while let colon = bytes.firstIndex(of: ":") {
            if bytes[colon...].hasPrefix(": \"") { return String(text[..<colon]) }
            bytes = bytes[bytes.index(after: colon)...]
        }
        return text
    }

    /// Makes an error of libpq's words about a failed connection, written with PQERRORS_VERBOSE:
    /// `… FATAL:  28P01: password authentication failed for user "x"`, with a LOCATION line after it.
    static func connecting(to address: String, libpqMessage: String) -> PostgresError {
        var code: String?
        var lines: [String] = []
        for line in libpqMessage.split(separator: "\n") where !line.hasPrefix("LOCATION:") {
            var line = String(line).trimmingNewline
            while let first = line.first, first.isWhitespace { line.removeFirst() }
            let words = line.split(separator: " ")
            if let word = words.first(where: { $0.utf8.count == 6 && $0.hasSuffix(":") && isState($0.dropLast()) }) {
                code = String(word.dropLast())
            }
            lines.append(line)
        }
        let message = lines.joined(separator: " ")
        return PostgresError(.connectionFailed, message.isEmpty ? address : message, code: code)
    }

    private static func isState(_ word: Substring) -> Bool {
        word.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) }
            && word.utf8.contains { $0 >= 0x30 && $0 <= 0x39 }
    }

    /// Refused for a reason that waiting does not mend: log-in, rights, an unknown database.
    package var isPermanentRefusal: Bool {
        guard kind == .connectionFailed, let code else { return false }
        return code.hasPrefix("28") || code.hasPrefix("3D") || code.hasPrefix("42") || code.hasPrefix("0A")
    }

    /// The prepared statement no longer fits the tables, or the session forgot it: preparing it anew helps.
    var meansStalePlan: Bool {
        code == "26000" || (code == "0A000" && message.hasPrefix("cached plan must not change"))
    }
}
