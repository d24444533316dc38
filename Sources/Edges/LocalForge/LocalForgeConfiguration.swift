package import FoundationEssentials
package import Signatures

/// How a LocalForge is run.
package struct LocalForgeConfiguration: Sendable {
    /// Where its repositories and accounts lie.
    package var root: String
    package var host: String
    /// 0 takes any free port.
    package var port: Int
    /// Where every event of every repository is delivered; nil sends none.
    package var hookURL: String?
    /// Signs the deliveries.
    package var hookSecret: String
    /// Whoever has it acts as any user (header `Sudo`) and makes users and repositories.
    package var adminToken: String
    /// The token of the bot account, which is what a CI system gets.
    package var botToken: String
    package var botLogin: String
    /// The App that is installed in every organisation, until it is removed from one.
    package var app: App?
    /// The application whose users sign in here.
    package var oauth: OAuthClient?
    /// Calls of one token in an hour; nil sets no limit, and sends no headers of one.
    package var rateLimit: Int?
    /// The clock that tokens and rates are judged by.
    package var now: @Sendable () -> Date = { Date() }

    /// A GitHub App, as a forge knows it.
    package struct App: Sendable {
        package var id: String
        package var publicKey: RSAPublicKey

        package init(id: String, publicKey: RSAPublicKey) {
            self.id = id
            self.publicKey = publicKey
        }
    }

    /// An application of the web flow.
    package struct OAuthClient: Sendable {
        package var id: String
        package var secret: String

        package init(id: String, secret: String) {
            self.id = id
            self.secret = secret
        }
    }

    /// The account that owns what nobody else did.
    package static let adminLogin = "forge-admin"

    package init(
        root: String, host: String = "127.0.0.1", port: Int, hookURL: String?, hookSecret: String,
        adminToken: String, botToken: String, botLogin: String = "slipway-bot"
    ) {
        self.root = root
        self.host = host
        self.port = port
        self.hookURL = hookURL
        self.hookSecret = hookSecret
        self.adminToken = adminToken
        self.botToken = botToken
        self.botLogin = botLogin
    }
}

/// The secrets of a forge that is started again and again: made once, kept in its folder, readable by its owner alone.
package struct LocalForgeSecrets: Sendable, Codable, CustomStringConvertible {
    package var hookSecret: String
    package var adminToken: String
    package var botToken: String

    /// The secret of the application that people sign in to.
    package var oauthSecret: String {
        Hexadecimal.encode(HMAC.sha256(key: adminToken, message: Array("oauth".utf8)))
    }

    /// That application's client id.
    package static let oauthID = "slipway"

    /// The file below the forge's folder.
    package static let fileName = "secrets.json"

    /// The secrets below `root`; nil where none were made yet.
    package static func existing(root: String) throws -> LocalForgeSecrets? {
        guard let bytes = try AtomicFile.read("\(root)/\(fileName)") else { return nil }
        return try JSONDecoder().decode(LocalForgeSecrets.self, from: Data(bytes))
    }

    /// Reads the secrets below `root`; makes them where there are none.
    package static func load(root: String) throws -> LocalForgeSecrets {
        if let secrets = try existing(root: root) { return secrets }
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        func secret() -> String { Hexadecimal.encode(secureRandomBytes(24)) }
        let secrets = LocalForgeSecrets(hookSecret: secret(), adminToken: secret(), botToken: secret())
        try AtomicFile.write(Array(try JSONEncoder.forge.encode(secrets)), to: "\(root)/\(fileName)", mode: 0o600)
        return secrets
    }

    package var description: String { "LocalForgeSecrets(redacted)" }
}
