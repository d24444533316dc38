import Forge
import FoundationEssentials
import SlipwayModel
import Synchronization

/// Who may start runs: the configured users, and the members of the organisation at the forge. Whatever is in doubt is
/// not trusted.
struct Trust: Sendable {
    private let users: Set<String>
    private let forge: ForgeClient
    private let members = MembershipCache()

    init(users: [String], forge: ForgeClient) {
        self.users = Set(users.map { $0.lowercased() })
        self.forge = forge
    }

    /// - Throws: `ForgeError` where the forge could not be asked.
    func isTrusted(_ user: String, in org: String) async throws(ForgeError) -> Bool {
        if users.contains(user.lowercased()) { return true }
        let key = "\(org.lowercased())/\(user.lowercased())"
        if let known = members.value(of: key) { return known }
        let isMember: Bool
        do {
            isMember = try await forge.isMember(org, user)
        } catch  where error.isPermanent || error.status == 403 {
            isMember = false
        }
        members.set(key, isMember)
        return isMember
    }
}

/// Answers of the forge, kept for a minute: a burst of events of one author asks once.
private final class MembershipCache: Sendable {
    private struct Entry {
        var isMember: Bool
        var until: ContinuousClock.Instant
    }

    private static let limit = 10_000
    private let entries = Mutex<[String: Entry]>([:])

    func value(of key: String) -> Bool? {
        entries.withLock { entries in
            guard let entry = entries[key], entry.until > .now else { return nil }
            return entry.isMember
        }
    }

    func set(_ key: String, _ isMember: Bool) {
        entries.withLock { entries in
            if entries.count >= Self.limit { entries.removeAll() }
            // Somebody who just became a member tries again soon; nobody minds a minute the other way.
            let lifetime: Duration = isMember ? .seconds(60) : .seconds(5)
            entries[key] = Entry(isMember: isMember, until: .now + lifetime)
        }
    }
}
