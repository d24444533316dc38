import FoundationEssentials
import JobConfig
import Web

/// Every sentence this room says to people.
package enum LeasesText {
    package static func notRenewed(_ name: String) -> String {
        "The lease of \(name) ended, because nothing renewed it in time."
    }

    static func noSuchPool(_ type: String) -> String {
        "It needs a lease of '\(type.prefix(80))', and there is no such type of resources. Correct 'leases' of the job, or "
            + "apply a configuration that has the type."
    }

    static func janitorTooSlow(_ seconds: Double) -> String {
        "it took longer than \(HumanTime.duration(seconds)) and was stopped"
    }

    static let janitorStopped = "it was stopped, since the worker is shutting down"

    static func takenAway(_ name: String, by how: String) -> String {
        "The lease of \(name) was ended by \(how == "reset" ? "a reset" : "somebody else") while the run had it."
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

    static func noSuchResource(_ name: String) -> String {
        "There is no resource '\(name.prefix(80))', and none has been leased within \(LeaseLimits.historyDays) days; "
            + "/leases lists the pools."
    }

    // MARK: Pages

    static let isGone = "It is gone."

    /// Two digits behind the point.
    static func amount(_ value: Double) -> String {
        let cents = Int((value * 100).rounded())
        let digits = String(abs(cents % 100))
        return "\(cents / 100).\(digits.count == 1 ? "0" : "")\(digits)"
    }

    static func note(on pool: (pool: LeasePool, isRetired: Bool)?) -> String? {
        guard let pool else { return nil }
        if pool.isRetired { return "not configured any more; it goes when its last resource is given back" }
        var parts: [String] = []
        if pool.pool.isDynamic { parts.append("dynamic, \(pool.pool.minimum) to \(pool.pool.maximum)") }
        if pool.pool.costPerHour > 0 { parts.append("\(amount(pool.pool.costPerHour)) an hour") }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    static func pool(_ pool: LeasePool, isRetired: Bool, held: Int, of count: Int) -> String {
        var text = "\(held) of \(count) in use"
        if let note = note(on: (pool, isRetired)) { text += "; \(note)" }
        return text + "."
    }

    static func estimate(_ figures: LineEstimates.Figures, waiting: Int) -> String {
        guard waiting > 0, let seconds = figures.estimate(before: waiting - 1) else { return "" }
        return "the last of them in about \(HumanTime.duration(seconds))"
    }

    static func resource(
        _ type: String, state: String, owner: String, token: Int64, updatedAt: Date
    ) -> String {
        let holder = owner.isEmpty ? "nobody holds it" : "held by \(owner)"
        return "\(type); \(state); \(holder); token \(token); last heard of \(HumanTime.age(updatedAt))."
    }

    /// What a run says of itself while it waits.
    static func waiting(_ type: String, before: Int, _ figures: LineEstimates.Figures) -> String {
        var text = "Waits for a lease of \(type): "
        text += before == 0 ? "it is next" : "\(before) before it"
        text += "; \(figures.held) of \(figures.count) in use"
        if let seconds = figures.estimate(before: before) { text += "; about \(roughly(seconds)) to go" }
        return text + "."
    }

    /// A time that does not change with every look.
    private static func roughly(_ seconds: Double) -> String {
        seconds < 60
            ? HumanTime.duration(max(10, (seconds / 10).rounded(.up) * 10))
            : HumanTime.duration((seconds / 60).rounded(.up) * 60)
    }
}
