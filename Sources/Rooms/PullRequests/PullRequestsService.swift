package import Fleet
package import Forge
package import Git
package import Hummingbird
package import Postgres
package import RoomKit
package import SlipwayModel
package import Web

/// Steers CI from the pull request: reads what people write there, keeps its labels, reviews and approvals, and tells the
/// rest of the house what was asked for.
package struct PullRequestsService: Room {
    package let name = "pull-requests"
    /// Who may do what, as the forge says.
    package let people: People
    package let trust: any TrustJudge
    private let worker: PullRequestsWorker
    private let owners: OwnersRoutes
    private let commands: CommandRoutes
    private let part: PullPart
    private let bus: FleetBus
    private let upkeep: Upkeep

    /// - Parameter mergeObstacles: what Merging says keeps a pull request from being merged.
    package init(
        bus: FleetBus, forge: ForgeClient, mirrors: GitMirrors, settings: Settings,
        mergeObstacles: @escaping @Sendable (RepositoryName, Int) async throws -> [MergeObstacle] = { _, _ in [] }
    ) {
        self.bus = bus
        let people = People(
            database: bus.database, forge: forge, users: settings.trustedUsers, bot: settings.forgeBot)
        self.people = people
        let configuration = SettingsCache()
        trust = TrustBook(database: bus.database, people: people, settings: configuration)
        let ownersReader = OwnersReader(forge: forge, mirrors: mirrors, people: people)
        part = PullPart(
            database: bus.database, settings: configuration, bot: settings.forgeBot, mergeObstacles: mergeObstacles)
        commands = CommandRoutes(database: bus.database, settings: configuration)
        owners = OwnersRoutes(database: bus.database, settings: configuration, reader: ownersReader)
        let reader = PullReader(
            database: bus.database, forge: forge, settings: configuration,
            gatherer: FactGatherer(
                forge: forge, people: people, owners: ownersReader, mirrors: mirrors,
                database: bus.database, mergeObstacles: mergeObstacles), bot: settings.forgeBot)
        let keeper = TurnKeeper(
            settings: configuration, bot: settings.forgeBot, helpURL: settings.pageURL + "/command-help",
            wake: WakeUp())
        worker = PullRequestsWorker(
            database: bus.database, settings: configuration, reader: reader, keeper: keeper, bot: settings.forgeBot)
        upkeep = Upkeep(
            bus: bus, reader: reader, settings: configuration, keeper: keeper,
            picker: CherryPicker(bus: bus, forge: forge, mirrors: mirrors, reader: reader))
    }

    /// What the page of a pull request shows of this room.
    package func pullPart(_ repository: RepositoryName, _ number: Int) async throws -> Markup {
        try await part.render(repository, number)
    }

    package static let migrations = [
        Migration(
            name: "m202611250210_pull_requests_foundation",
            bytes: PackageResources.m202611250210_pull_requests_foundation_sql),
        Migration(
            name: "m202611250211_pull_requests_owners",
            bytes: PackageResources.m202611250211_pull_requests_owners_sql),
    ]

    package var migrations: [Migration] { Self.migrations }

    package var statements: [Statement] { PullRequestsStore.all }

    package var workers: [any Worker] { [worker] }

    package func addRoutes(to router: Router<SlipwayContext>) {
        owners.add(to: router)
        commands.add(to: router)
    }

    package var chores: [Chore] {
        [
            Chore(name: "pull-requests-upkeep", every: .seconds(2), wake: upkeep.keeper.wake) { [upkeep] in
                try await upkeep.round()
            },
            Chore(name: "people-trimming", every: .seconds(600), owner: .single) { [bus] in
                try await bus.database.execute(PullRequestsStore.trimPeople)
            },
        ]
    }
}
