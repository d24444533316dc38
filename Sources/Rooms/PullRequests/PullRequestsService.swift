package import Fleet
package import Forge
package import Git
package import Postgres
package import RoomKit

/// Steers CI from the pull request: reads what people write there, keeps its labels, reviews and approvals, and tells the
/// rest of the house what was asked for.
package struct PullRequestsService: Room {
    package let name = "pull-requests"
    /// Who may do what, as the forge says.
    package let people: People
    private let worker: PullRequestsWorker
    private let bus: FleetBus

    package init(bus: FleetBus, forge: ForgeClient, mirrors: GitMirrors, settings: Settings) {
        self.bus = bus
        people = People(
            database: bus.database, forge: forge, users: settings.trustedUsers, bot: settings.forgeBot)
        let configuration = SettingsCache()
        worker = PullRequestsWorker(
            database: bus.database, forge: forge, settings: configuration,
            gatherer: FactGatherer(forge: forge, people: people, owners: OwnersReader(forge: forge, mirrors: mirrors)),
            keeper: TurnKeeper(settings: configuration, bot: settings.forgeBot), bot: settings.forgeBot)
    }

    package static let migrations = [
        Migration(
            name: "m202611250210_pull_requests_foundation",
            bytes: PackageResources.m202611250210_pull_requests_foundation_sql)
    ]

    package var migrations: [Migration] { Self.migrations }

    package var statements: [Statement] { PullRequestsStore.all }

    package var workers: [any Worker] { [worker] }

    package var chores: [Chore] {
        [
            Chore(name: "people-trimming", every: .seconds(600), owner: .single) { [bus] in
                try await bus.database.execute(PullRequestsStore.trimPeople)
            }
        ]
    }
}
