package import FoundationEssentials
package import Postgres
import Signatures

/// Bearer tokens in `auth.tokens`. Only a hash of the secret is kept; the text is shown once, when it is made.
package struct TokenStore: Sendable {
    private let database: any PostgresClient

    package init(_ database: any PostgresClient) { self.database = database }

    package static let migrations = [
        Migration(
            name: "m202611240010_web_tokens", bytes: PackageResources.m202611240010_web_tokens_sql)
    ]

    /// Every statement, for the test that prepares them against the migrated schema.
    package static let statements = [insertToken, selectToken, listTokens, revokeToken]

    private static let columns = "id, owner, scopes, created_at, expires_at, revoked_at"

    private static let insertToken = Statement(
        "web.insert_token",
        """
        insert into auth.tokens (id, hash, owner, scopes, expires_at) values ($1, $2, $3, $4, $5)
        returning \(columns)
        """)

    private static let selectToken = Statement(
        "web.select_token",
        """
        select hash, owner, scopes from auth.tokens
         where id = $1 and revoked_at is null and (expires_at is null or expires_at > now())
        """)

    private static let listTokens = Statement(
        "web.list_tokens", "select \(columns) from auth.tokens order by created_at, id")

    private static let revokeToken = Statement(
        "web.revoke_token",
        "update auth.tokens set revoked_at = coalesce(revoked_at, now()) where id = $1 returning \(columns)")

    /// Makes a token and answers its text (`slw_<id>_<secret>`), which cannot be had again.
    /// - Parameter expiresAt: nil for a token that never expires.
    package func create(
        owner: String, scopes: [Scope], expiresAt: Date? = nil
    ) async throws -> (text: String, record: TokenRecord) {
        guard !owner.isEmpty, owner.utf8.count <= 200 else { throw TokenError.badOwner }
        guard !scopes.isEmpty else { throw TokenError.noScopes }
        for scope in scopes where !Scope.all.contains(scope) { throw TokenError.unknownScope(scope.rawValue) }
        let id = Hexadecimal.encode(secureRandomBytes(6))
        let secret = Hexadecimal.encode(secureRandomBytes(32))
        let row = try await database.execute(
            Self.insertToken, id, SHA256.hash(secret), owner, scopes.map(\.rawValue), expiresAt
        ).one()
        return ("slw_\(id)_\(secret)", try Self.record(row))
    }

    /// Who a token's text speaks for; nil for one that is malformed, unknown, expired or revoked.
    package func identity(for text: some StringProtocol, proof: Identity.Proof) async throws -> Identity? {
        guard let (id, secret) = Self.parse(text) else { return nil }
        guard let row = try await database.execute(Self.selectToken, id).first else { return nil }
        let (hash, owner, scopes) = try row.decode(([UInt8], String, [String]).self)
        guard constantTimeEquals(hash, SHA256.hash(secret)) else { return nil }
        return Identity(name: owner, scopes: Set(scopes.map(Scope.init(rawValue:))), proof: proof, tokenID: id)
    }

    package func list() async throws -> [TokenRecord] {
        try await database.execute(Self.listTokens).map(Self.record)
    }

    /// Ends a token at once; nil where there is none of that id. Repeating it changes nothing.
    package func revoke(_ id: String) async throws -> TokenRecord? {
        try await database.execute(Self.revokeToken, id).first.map(Self.record)
    }

    private static func record(_ row: Row) throws(PostgresError) -> TokenRecord {
        let (id, owner, scopes, createdAt, expiresAt, revokedAt) = try row.decode(
            (String, String, [String], Date, Date?, Date?).self)
        return TokenRecord(
            id: id, owner: owner, scopes: scopes.map(Scope.init(rawValue:)), createdAt: createdAt,
            expiresAt: expiresAt, revokedAt: revokedAt)
    }

    /// Splits `slw_<12 hexadecimal digits>_<64 hexadecimal digits>`.
    static func parse(_ text: some StringProtocol) -> (id: String, secret: String)? {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "slw", parts[1].utf8.count == 12, parts[2].utf8.count == 64,
            parts[1...].allSatisfy({ $0.utf8.allSatisfy(isLowerHexadecimal) })
        else { return nil }
        return (String(parts[1]), String(parts[2]))
    }

    private static func isLowerHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
}

/// Why a token could not be made.
package enum TokenError: Error, Hashable, CustomStringConvertible {
    case badOwner
    case noScopes
    case unknownScope(String)

    package var description: String {
        switch self {
        case .badOwner: "A token needs an owner's name of 1 to 200 bytes; give one with --owner."
        case .noScopes:
            "A token needs at least one scope; give it with --scope. There are "
                + Scope.all.map(\.rawValue).joined(separator: ", ") + "."
        case .unknownScope(let name):
            "There is no scope '\(name)'. There are " + Scope.all.map(\.rawValue).joined(separator: ", ") + "."
        }
    }
}
