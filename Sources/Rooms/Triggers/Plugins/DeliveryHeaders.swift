import HTTPTypes

/// The headers of a delivery that whoever gets it second-hand should see.
enum DeliveryHeaders {
    /// A forge sends about ten; a longer value than this is none of a forge's.
    private static let valueLimit = 500

    /// By lower-case name: what the forge says of the delivery, its signatures, its type.
    static func kept(_ fields: HTTPFields) -> [String: String] {
        var kept: [String: String] = [:]
        for field in fields where field.value.utf8.count <= valueLimit {
            let name = field.name.canonicalName
            guard name.hasPrefix("x-github-") || name.hasPrefix("x-hub-signature") || plain.contains(name) else {
                continue
            }
            kept[name] = field.value
        }
        return kept
    }

    private static let plain: Set<String> = ["user-agent", "content-type"]
}
