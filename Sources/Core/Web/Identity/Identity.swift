package import FoundationEssentials

/// What a token allows. `admin` allows everything.
package struct Scope: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let runsWrite = Scope(rawValue: "runs:write")
    package static let configWrite = Scope(rawValue: "config:write")
    package static let leasesWrite = Scope(rawValue: "leases:write")
    package static let fleetWrite = Scope(rawValue: "fleet:write")
    package static let admin = Scope(rawValue: "admin")

    /// The scopes that this version knows; a token may carry no others.
    package static let all: [Scope] = [.runsWrite, .configWrite, .leasesWrite, .fleetWrite, .admin]

    /// What it allows, for people.
    package var meaning: String {
        switch self {
        case .runsWrite: "request, rerun and abort runs"
        case .configWrite: "apply configurations"
        case .leasesWrite: "take, renew and release leases"
        case .fleetWrite: "replay and discard dead letters"
        case .admin: "everything, creating tokens included"
        default: "nothing that this version knows"
        }
    }

    package var description: String { rawValue }
}

/// Who a request speaks for.
package struct Identity: Hashable, Sendable {
    /// How the request proved it. A cookie travels by itself, so requests that carry one are checked for their origin.
    package enum Proof: Hashable, Sendable {
        case bearer, cookie
    }

    package let name: String
    package let scopes: Set<Scope>
    package let proof: Proof
    /// The token's public part, as `slipway token list` prints it; empty for a login by the forge.
    package let tokenID: String
    /// The login of somebody who signed in by the forge. It carries no scopes: what it may do is the room's to say.
    package let forgeLogin: String?

    package init(name: String, scopes: Set<Scope>, proof: Proof, tokenID: String) {
        self.name = name
        self.scopes = scopes
        self.proof = proof
        self.tokenID = tokenID
        forgeLogin = nil
    }

    init(forgeLogin login: String) {
        name = login
        scopes = []
        proof = .cookie
        tokenID = ""
        forgeLogin = login
    }

    package func allows(_ scope: Scope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }
}

/// A token as it is listed: everything but its secret.
package struct TokenRecord: Hashable, Sendable, Codable {
    package var id: String
    package var owner: String
    package var scopes: [Scope]
    package var createdAt: Date
    package var expiresAt: Date?
    package var revokedAt: Date?

    package init(
        id: String, owner: String, scopes: [Scope], createdAt: Date, expiresAt: Date?, revokedAt: Date?
    ) {
        self.id = id
        self.owner = owner
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }

    enum CodingKeys: String, CodingKey {
        case id, owner, scopes
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case revokedAt = "revoked_at"
    }
}
