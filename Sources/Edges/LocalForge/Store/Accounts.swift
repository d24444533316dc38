import Forge
import FoundationEssentials
import Synchronization

/// Users, and who belongs to which organisation; one JSON file for the whole forge.
final class Accounts: Sendable {
    /// What the file holds.
    struct Content: Codable, Sendable {
        struct User: Codable, Sendable {
            var id: Int64
            var login: String
            /// `User` or `Bot`.
            var type: String
        }

        struct Organization: Codable, Sendable {
            var id: Int64
            /// `admin` or `member` by login.
            var members: [String: String]
            /// By slug.
            var teams: [String: OrganizationTeam]?
        }

        struct OrganizationTeam: Codable, Sendable {
            var id: Int64
            var name: String
            var members: Set<String> = []
        }

        var nextID: Int64 = 1
        var users: [String: User] = [:]
        var organizations: [String: Organization] = [:]

        /// The account as the API shows it; one that is gone keeps its name.
        func account(_ login: String) -> Account {
            if let user = users[login] { return Account(login: login, id: user.id, type: user.type) }
            if let organization = organizations[login] {
                return Account(login: login, id: organization.id, type: "Organization")
            }
            return Account(login: login)
        }

        func role(_ org: String, _ login: String) -> String? { organizations[org]?.members[login] }

        mutating func takeID() -> Int64 {
            defer { nextID += 1 }
            return nextID
        }
    }

    private let path: String
    private let content: Mutex<Content>

    /// Reads the file, if there is one.
    init(path: String) throws {
        self.path = path
        var content = Content()
        if let bytes = try AtomicFile.read(path) {
            content = try JSONDecoder().decode(Content.self, from: Data(bytes))
        }
        self.content = Mutex(content)
    }

    /// All of it, as it is now.
    var snapshot: Content { content.withLock { $0 } }

    /// Changes it; the file is written before the change shows.
    func change<Result: Sendable>(_ body: @Sendable (inout Content) throws -> Result) throws -> Result {
        try content.withLock { content in
            var changed = content
            let result = try body(&changed)
            try AtomicFile.write(Array(try JSONEncoder.forge.encode(changed)), to: path)
            content = changed
            return result
        }
    }

    /// Makes a user where there is none of that name; the name must be one of a forge.
    func ensureUser(_ login: String, type: String = "User") throws {
        guard snapshot.users[login] == nil else { return }
        try change { content in
            guard content.users[login] == nil else { return }
            guard content.organizations[login] == nil else {
                throw ForgeRefusal.invalid("User", "login", "\(login) is the name of an organization")
            }
            content.users[login] = Content.User(id: content.takeID(), login: login, type: type)
        }
    }

    /// Makes an organisation where there is none of that name.
    func ensureOrganization(_ login: String) throws {
        guard snapshot.organizations[login] == nil else { return }
        try change { content in
            guard content.organizations[login] == nil else { return }
            guard content.users[login] == nil else {
                throw ForgeRefusal.invalid("Organization", "login", "\(login) is the name of a user")
            }
            content.organizations[login] = Content.Organization(id: content.takeID(), members: [:])
        }
    }
}

extension JSONEncoder {
    /// Keys in order, so that files and answers can be compared.
    static var forge: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
