import HTTPTypes
import Hummingbird
import Web

/// Deck's `?var=NAME`: the JSON of an answer as a script that sets a variable.
struct ScriptVariable: Sendable {
    private let name: String?

    /// - Throws: 400 for what is no name of a variable, which would be somebody else's script.
    init(_ query: QueryParameters) throws(WebError) {
        name = try query.text("var", maximum: 100)
        if let name, !Self.isIdentifier(name) {
            throw .badRequest("The parameter 'var' must be the name of a JavaScript variable, not '\(name)'.")
        }
    }

    var opening: String { name.map { "var \($0) = " } ?? "" }
    var closing: String { name == nil ? "" : ";" }

    var headers: HTTPFields {
        [
            .contentType: name == nil ? "application/json" : "application/javascript",
            .cacheControl: "no-store, must-revalidate",
        ]
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
