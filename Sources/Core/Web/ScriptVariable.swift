import FoundationEssentials
package import HTTPTypes
package import Hummingbird
import NIOCore

/// The `?var=NAME` of Prow's deck: the JSON of an answer as a script that sets a variable.
package struct ScriptVariable: Sendable {
    private let name: String?

    /// - Throws: 400 for what is no name of a variable, which would be somebody else's script.
    package init(_ query: QueryParameters) throws(WebError) {
        name = try query.text("var", maximum: 100)
        if let name, !Self.isIdentifier(name) {
            throw .badRequest("The parameter 'var' must be the name of a JavaScript variable, not '\(name)'.")
        }
    }

    package var opening: String { name.map { "var \($0) = " } ?? "" }
    package var closing: String { name == nil ? "" : ";" }

    package var headers: HTTPFields {
        [
            .contentType: name == nil ? "application/json" : "application/javascript",
            .cacheControl: "no-store, must-revalidate",
        ]
    }

    /// The answer as a whole, for one that is not streamed.
    package func response(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var buffer = ByteBuffer(string: opening)
        buffer.writeBytes(try encoder.encode(value))
        buffer.writeString(closing)
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }

    /// Letters, digits, `_`, `$` and dots between names.
    private static func isIdentifier(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
            return part.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
                    true
                default: false
                }
            }
        }
    }
}
