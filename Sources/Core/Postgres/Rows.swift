import CLibpq

/// What a statement answered. Indexed from 0; may be empty. Decoding happens where the rows are used, not on the
/// socket loop.
package struct Rows: RandomAccessCollection, Sendable {
    private let result: ResultBox
    package let count: Int

    init(_ result: ResultBox) {
        self.result = result
        count = Int(PQntuples(result.pointer))
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(position: Int) -> Row {
        precondition(position >= 0 && position < count, "row \(position) of \(count)")
        return Row(result: result, index: Int32(position))
    }

    /// The server's word for what it did: `SELECT 3`, `INSERT 0 1`, `BEGIN`.
    package var commandTag: String { PQcmdStatus(result.pointer).map { String(cString: $0) } ?? "" }

    /// Rows that an INSERT, UPDATE, DELETE, MERGE or COPY touched, or a SELECT returned; 0 for other statements.
    package var affected: Int { PQcmdTuples(result.pointer).flatMap { Int(String(cString: $0)) } ?? 0 }

    package var columns: [String] {
        (0..<PQnfields(result.pointer)).map { PQfname(result.pointer, $0).map { String(cString: $0) } ?? "" }
    }

    /// The only row; an error when there are none or several.
    package func one() throws(PostgresError) -> Row {
        guard count == 1 else {
            throw result.error(.decoding, "expected one row and got \(count)")
        }
        return self[0]
    }
}

/// One row of a result.
package struct Row: Sendable {
    fileprivate let result: ResultBox
    fileprivate let index: Int32

    /// All columns in their order: `let (id, name) = try row.decode((Int.self, String?.self))` is written
    /// `row.decode((Int, String?).self)`. An error when the row has more or fewer columns than asked for.
    package func decode<each T: PostgresDecodable>(
        _ types: (repeat each T).Type = (repeat each T).self
    ) throws(PostgresError) -> (repeat each T) {
        var wanted: Int32 = 0
        for _ in repeat (each T).self { wanted += 1 }
        let present = PQnfields(result.pointer)
        guard wanted == present else {
            throw result.error(.decoding, "the row has \(present) columns and \(wanted) were asked for")
        }
        var column: Int32 = -1
        return (repeat try value(nextOf: &column, as: (each T).self))
    }

    /// The only column.
    package func decode<T: PostgresDecodable>(_ type: T.Type = T.self) throws(PostgresError) -> T {
        let present = PQnfields(result.pointer)
        guard present == 1 else {
            throw result.error(.decoding, "the row has \(present) columns and 1 was asked for")
        }
        return try value(at: 0)
    }

    private func value<T: PostgresDecodable>(nextOf column: inout Int32, as: T.Type) throws(PostgresError) -> T {
        column += 1
        return try value(at: column)
    }

    /// The column of that name; an error when there is none.
    package func get<T: PostgresDecodable>(_ column: String, as type: T.Type = T.self) throws(PostgresError) -> T {
        let number = PQfnumber(result.pointer, "\"\(column)\"")
        guard number >= 0 else { throw result.error(.decoding, "there is no column '\(column)'") }
        return try value(at: number)
    }

    /// The column at that position, from 0.
    package func get<T: PostgresDecodable>(_ column: Int, as type: T.Type = T.self) throws(PostgresError) -> T {
        guard column >= 0, column < PQnfields(result.pointer) else {
            throw result.error(.decoding, "there is no column at position \(column)")
        }
        return try value(at: Int32(column))
    }

    private func value<T: PostgresDecodable>(at column: Int32) throws(PostgresError) -> T {
        do throws(PostgresCell.Failure) {
            guard PQgetisnull(result.pointer, index, column) == 0 else { return try T.decodeNull() }
            let length = Int(PQgetlength(result.pointer, index, column))
            guard let start = PQgetvalue(result.pointer, index, column) else { return try T.decodeNull() }
            return try start.withMemoryRebound(to: UInt8.self, capacity: length) {
                bytes throws(PostgresCell.Failure) -> T in
                try T.decode(PostgresCell(UnsafeBufferPointer(start: bytes, count: length)))
            }
        } catch {
            let name = PQfname(result.pointer, column).map { String(cString: $0) } ?? String(column)
            switch error {
            case .null: throw result.error(.decoding, "column '\(name)' is NULL, which \(T.self) cannot hold")
            case .malformed(let reason):
                throw result.error(.decoding, "column '\(name)' is no \(T.self): \(reason)")
            }
        }
    }
}

/// A PGresult, immutable once received, freed with its last row.
final class ResultBox: @unchecked Sendable {
    let pointer: OpaquePointer
    private let label: StatementLabel

    init(_ pointer: OpaquePointer, _ label: StatementLabel) {
        self.pointer = pointer
        self.label = label
    }

    deinit { PQclear(pointer) }

    func error(_ kind: PostgresError.Kind, _ message: String) -> PostgresError {
        PostgresError(kind, message, statement: label.name, sql: label.sql)
    }
}

/// What errors say about where they come from.
struct StatementLabel: Sendable {
    let name: String?
    let sql: String
}
