import FoundationEssentials
import Web

/// Every sentence this room says to people.
package enum LeasesText {
    package static func notRenewed(_ name: String) -> String {
        "The lease of \(name) ended, because nothing renewed it in time."
    }

    /// `12 before you; 40 of 40 in use; next expiry in 6 min`.
    package static func place(before: Int, inUse: Int, of total: Int, nextExpiry: Double?) -> String {
        var parts = [before == 0 ? "you are next" : "\(before) before you", "\(inUse) of \(total) in use"]
        if let nextExpiry, inUse > 0 {
            parts.append("next expiry in \(HumanTime.duration(max(1, nextExpiry)))")
        }
        return parts.joined(separator: "; ")
    }

    static func overQuota(_ owner: String, _ type: String) -> String {
        "\(owner) holds as many of \(type) as its quota allows; give one back first"
    }

    static func unknownType(_ type: String) -> String {
        "There is no type '\(type.prefix(80))' of resources; /api/v1/leases/pools lists those there are."
    }

    static func noSuchLease(_ id: String) -> String {
        "There is no lease '\(id.prefix(80))': it was given back, has ended, or never was. Acquire another."
    }

    static let tokenMissing =
        "Name the fencing token that came with the lease: token=NUMBER, for a lease of several resources the greatest."

    static func lost(_ id: String) -> String {
        "The lease '\(id.prefix(80))' is not yours any more: the token is not the last one. Stop using its resources."
    }

    static func notYours(_ id: String) -> String {
        "The lease '\(id.prefix(80))' belongs to somebody else; only its holder or a token with the scope 'admin' may "
            + "change it."
    }
}
