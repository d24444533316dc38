/// What runs statements: a pool (each on any connection), a connection, or a transaction. Stores take
/// `some PostgresClient` where they do not care which.
package protocol PostgresClient: Sendable {
    /// Sends all statements in one round trip. Outside an explicit transaction they are one transaction of their own:
    /// all take effect or none.
    func run(_ batch: Batch) async throws(PostgresError) -> [Rows]
    /// Sends SQL of several statements without parameters (the simple protocol).
    @discardableResult
    func script(_ sql: String) async throws(PostgresError) -> [Rows]
    /// Runs a `COPY … FROM STDIN` and returns how many rows it took.
    func copyIn(_ data: CopyData) async throws(PostgresError) -> Int
}

/// Statements with their parameters, encoded and ready to be sent together.
package struct Batch: Sendable {
    struct Call: Sendable {
        /// The statement's name; nil when it is parsed anew each time.
        let name: String?
        let sql: String
        let parameters: ParameterBuffer

        var label: StatementLabel { StatementLabel(name: name, sql: sql) }
    }

    var calls: [Call]
    let file: StaticString
    let line: UInt

    /// The first parameter that cannot be sent.
    var failure: PostgresError? {
        for call in calls {
            if let failure = call.parameters.failure {
                return PostgresError(.encoding, failure, statement: call.name, sql: call.sql)
            }
            if call.parameters.count > 65_535 {
                return PostgresError(
                    .encoding, "\(call.parameters.count) parameters; PostgreSQL takes 65535, so send arrays and unnest",
                    statement: call.name, sql: call.sql)
            }
        }
        return nil
    }
}

extension PostgresClient {
    @discardableResult
    package func execute(
        _ statement: Statement, _ parameters: any PostgresEncodable..., file: StaticString = #fileID, line: UInt = #line
    ) async throws(PostgresError) -> Rows {
        try await execute(statement, parameters: parameters, file: file, line: line)
    }

    @discardableResult
    package func execute(
        _ statement: Statement, parameters: [any PostgresEncodable], file: StaticString = #fileID, line: UInt = #line
    ) async throws(PostgresError) -> Rows {
        let call = Batch.Call(name: statement.name, sql: statement.sql, parameters: ParameterBuffer(parameters))
        return try await run(Batch(calls: [call], file: file, line: line))[0]
    }

    @discardableResult
    package func query(
        _ query: Query, file: StaticString = #fileID, line: UInt = #line
    ) async throws(PostgresError) -> Rows {
        let call = Batch.Call(name: nil, sql: query.sql, parameters: query.parameters)
        return try await run(Batch(calls: [call], file: file, line: line))[0]
    }

    /// Many statements in one round trip, in order; the answer has one `Rows` per statement. The first error fails the
    /// whole, and nothing of it takes effect (inside a transaction: the transaction is failed).
    @discardableResult
    package func pipeline(
        _ items: [(Statement, [any PostgresEncodable])], file: StaticString = #fileID, line: UInt = #line
    ) async throws(PostgresError) -> [Rows] {
        guard !items.isEmpty else { return [] }
        let calls = items.map { Batch.Call(name: $0.name, sql: $0.sql, parameters: ParameterBuffer($1)) }
        return try await run(Batch(calls: calls, file: file, line: line))
    }

    /// - Parameters:
    ///   - sql: `copy table (columns) from stdin`, in the default text format.
    ///   - rows: each with a value per column.
    @discardableResult
    package nonisolated(nonsending) func copyIn(
        _ sql: String, rows: some Sequence<[any PostgresEncodable]>
    ) async throws(PostgresError) -> Int {
        try await copyIn(try CopyData(sql, rows: rows))
    }
}

/// Rows in COPY's text format.
package struct CopyData: Sendable {
    let sql: String
    private(set) var chunks: [[UInt8]] = []

    private static let chunkSize = 64 * 1024

    package init(_ sql: String, rows: some Sequence<[any PostgresEncodable]>) throws(PostgresError) {
        self.sql = sql
        var chunk: [UInt8] = []
        var text = ParameterText()
        for (number, row) in rows.enumerated() {
            for (column, value) in row.enumerated() {
                if column > 0 { chunk.append(0x09) }
                text.bytes.removeAll(keepingCapacity: true)
                value.encode(into: &text)
                if let failure = text.failure {
                    throw PostgresError(.encoding, "row \(number + 1), value \(column + 1): \(failure)", sql: sql)
                }
                if text.isNull {
                    text.isNull = false
                    chunk.append(contentsOf: "\\N".utf8)
                } else {
                    Self.escape(text.bytes, into: &chunk)
                }
            }
            chunk.append(0x0A)
            if chunk.count >= Self.chunkSize {
                chunks.append(chunk)
                chunk.removeAll()
            }
        }
        if !chunk.isEmpty { chunks.append(chunk) }
    }

    private static func escape(_ text: [UInt8], into chunk: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\\"): chunk.append(contentsOf: "\\\\".utf8)
            case 0x09: chunk.append(contentsOf: "\\t".utf8)
            case 0x0A: chunk.append(contentsOf: "\\n".utf8)
            case 0x0D: chunk.append(contentsOf: "\\r".utf8)
            default: chunk.append(byte)
            }
        }
    }
}
