/// A request that is refused, in the shape of GitHub's refusals.
struct ForgeRefusal: Error, CustomStringConvertible {
    struct Reason: Encodable, Sendable {
        var resource: String
        var field: String
        var code: String
        var message: String?
    }

    var status: Int
    var message: String
    var errors: [Reason] = []
    var headers: [String: String] = [:]

    static let notFound = ForgeRefusal(status: 404, message: "Not Found")
    static let unauthenticated = ForgeRefusal(status: 401, message: "Requires authentication")
    static let badCredentials = ForgeRefusal(status: 401, message: "Bad credentials")

    static func forbidden(_ message: String) -> ForgeRefusal { ForgeRefusal(status: 403, message: message) }

    static func badRequest(_ message: String) -> ForgeRefusal { ForgeRefusal(status: 400, message: message) }

    static func failed(_ message: String) -> ForgeRefusal { ForgeRefusal(status: 500, message: message) }

    /// 422 with a reason.
    static func invalid(_ resource: String, _ field: String, _ message: String) -> ForgeRefusal {
        ForgeRefusal(
            status: 422, message: "Validation Failed",
            errors: [Reason(resource: resource, field: field, code: "custom", message: message)])
    }

    var description: String { ([message] + errors.compactMap(\.message)).joined(separator: "; ") }
}
