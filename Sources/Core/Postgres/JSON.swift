import JSONCoding

/// A `json` or `jsonb` column or parameter, coded with `Codable`. Cast the parameter where the server cannot infer the
/// type (`$1::jsonb`). Dates are ISO 8601 strings.
package struct JSON<Value: Codable & Sendable>: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable,
    PostgresArrayDecodable
{
    package var value: Value

    package init(_ value: Value) { self.value = value }

    package func encode(into text: inout ParameterText) {
        do {
            let json = try Coders.writer.write(value)
            json.withUnsafeBufferPointer { text.write($0) }
        } catch {
            text.fail("\(Value.self) cannot be written as JSON: \(error)")
        }
    }

    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> JSON<Value> {
        do {
            return JSON(try Coders.reader.read(Value.self, from: Array(cell.bytes)))
        } catch let error as DecodingError {
            throw .malformed("JSON that is no \(Value.self): \(Self.place(of: error))")
        } catch {
            throw .malformed("JSON that is no \(Value.self)")
        }
    }

    /// Where in the document it failed, without the value.
    private static func place(of error: DecodingError) -> String {
        let (what, context) =
            switch error {
            case .keyNotFound(let key, let context): ("missing '\(key.stringValue)'", context)
            case .typeMismatch(_, let context): ("wrong type", context)
            case .valueNotFound(_, let context): ("null", context)
            case .dataCorrupted(let context): ("malformed", context)
            @unknown default: ("malformed", DecodingError.Context(codingPath: [], debugDescription: ""))
            }
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        return path.isEmpty ? what : "\(what) at \(path)"
    }
}

private enum Coders {
    static let writer = JSONWriter(dates: .iso8601)
    static let reader = JSONReader(dates: .iso8601)
}

/// JSON text as it stands in the database, neither parsed nor checked here.
package struct JSONText: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    package var text: String

    package init(_ text: String) { self.text = text }

    package func encode(into text: inout ParameterText) { text.write(self.text) }

    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> JSONText { JSONText(cell.text) }
}
