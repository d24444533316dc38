package import Forge
import JobConfig
package import Postgres
package import RoomKit
package import SlipwayModel

/// The rules on trust that the configuration in force has for a repository, applied to what the forge says of people.
package struct TrustBook: TrustJudge {
    private let database: PostgresPool
    private let people: People
    private let settings: SettingsCache

    package init(database: PostgresPool, forge: ForgeClient, settings: Settings) {
        self.init(
            database: database,
            people: People(database: database, forge: forge, users: settings.trustedUsers, bot: settings.forgeBot),
            settings: SettingsCache())
    }

    init(database: PostgresPool, people: People, settings: SettingsCache) {
        self.database = database
        self.people = people
        self.settings = settings
    }

    package func isTrusted(_ login: String, in repository: RepositoryName) async throws -> Bool {
        let plugins = try await settings.current(database).plugins(of: repository)
        return try await people.isTrusted(login, in: repository, plugins.trigger)
    }
}
