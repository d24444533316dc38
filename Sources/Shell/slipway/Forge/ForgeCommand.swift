import ArgumentParser
import Forge
import FoundationEssentials
import LocalForge
import RoomKit
import SlipwayModel

struct ForgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forge", abstract: "Run a local forge, and use it as its people would.",
        discussion: """
            A local forge speaks GitHub's API on bare git repositories, for one machine: users have no passwords, and \
            its port belongs on loopback.
            """,
        subcommands: [
            ForgeServeCommand.self, ForgeRepositoryCommand.self, ForgeUserCommand.self, ForgePullCommand.self,
            ForgeCommentCommand.self, ForgeShowCommand.self, ForgeDeliveriesCommand.self, ForgeRedeliverCommand.self,
        ])
}

/// How a command reaches a running local forge, and whom it speaks for.
struct ForgeOptions: ParsableArguments {
    @Option(help: "Address of the forge; forge.url of the settings by default.")
    var forge: String?

    @Option(
        help:
            "The forge's admin token: `file:/path`, or the token. By default SLIPWAY_FORGE_ADMIN_TOKEN, then what 'slipway up' keeps in the data folder."
    )
    var adminToken: String?

    @OptionGroup var options: CommandOptions

    /// A client that acts as `login`, or as the forge's admin where it is nil.
    func client(as login: String? = nil) throws -> ForgeClient {
        let settings = try options.settings()
        let address = try ForgeAddress(url: forge ?? settings.forgeURL)
        return ForgeClient(address: address, token: try token(settings), actingAs: login)
    }

    /// Runs what may ask for something that is not there, and says which.
    ///
    /// - Parameter subject: e.g. `harbor/crane#7`.
    func looking<Result>(
        for subject: String, in repository: RepositoryName, as login: String? = nil,
        _ body: (ForgeClient) async throws -> Result
    ) async throws -> Result {
        let client = try client(as: login)
        do {
            return try await body(client)
        } catch let error as ForgeError where error.isNotFound {
            throw NotAtForge(subject: subject, repository: repository, address: client.address)
        }
    }

    /// What was asked for and is not there.
    struct NotAtForge: Error, CustomStringConvertible {
        let subject: String
        let repository: RepositoryName
        let address: ForgeAddress

        var description: String {
            "there is no \(subject) at \(address); 'slipway forge repo list \(repository.org)' lists the repositories of "
                + "\(repository.org), and \(address)/\(repository) shows the pull requests of \(repository)"
        }
    }

    private func token(_ settings: Settings) throws -> String {
        let environment = ProcessInfo.processInfo.environment["SLIPWAY_FORGE_ADMIN_TOKEN"]
        if let given = adminToken ?? environment, !given.isEmpty { return try Secret(reference: given).reveal }
        let root = ForgeServeCommand.root(settings)
        guard let secrets = try LocalForgeSecrets.existing(root: root) else {
            throw SettingsError(
                "there is no admin token: \(root)/\(LocalForgeSecrets.fileName) is not there; give --admin-token, or set SLIPWAY_FORGE_ADMIN_TOKEN, or set data.folder to where the forge was started"
            )
        }
        return secrets.adminToken
    }
}

/// `ORG/REPO`.
struct RepositoryArgument: ExpressibleByArgument {
    let name: RepositoryName

    init?(argument: String) {
        guard let name = RepositoryName(argument) else { return nil }
        self.name = name
    }
}

/// `ORG/REPO#N`.
struct PullArgument: ExpressibleByArgument, CustomStringConvertible {
    let repository: RepositoryName
    let number: Int

    var description: String { "\(repository)#\(number)" }

    init?(argument: String) {
        let parts = argument.split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 2, let repository = RepositoryName(parts[0]), let number = Int(parts[1]), number > 0 else {
            return nil
        }
        self.repository = repository
        self.number = number
    }
}
