package import Fleet
package import Forge
import FoundationEssentials
package import Git
package import Hummingbird
import JobConfig
package import Postgres
package import RoomKit
package import SlipwayModel
package import Web

/// Merges pull requests that meet their pool's rules: tests them together on the newest base, and lands what passed.
/// Merging alone lands.
package struct MergingService: Room {
    package let name = "merging"
    private let bus: FleetBus
    private let configuration: MergingConfiguration
    private let driver: PoolDriver
    private let wake = WakeUp()

    /// - Parameters:
    ///   - presubmits: jobs that repositories bring themselves.
    ///   - failureLines: what the log of a failed run says.
    package init(
        bus: FleetBus, forge: ForgeClient, mirrors: GitMirrors, settings: Settings,
        presubmits: @escaping RepositoryPresubmits = { _, _, _, _ in nil },
        failureLines: @escaping FailureLines = { _, _ in [] }
    ) {
        self.bus = bus
        configuration = MergingConfiguration(own: presubmits)
        let observer = PoolObserver(
            database: bus.database, forge: forge, mirrors: mirrors, statusContext: settings.mergeStatusContext,
            maximumTrials: settings.mergeTrials, logger: bus.logger)
        let builder = PrefixBuilder(
            mirrors: mirrors,
            identity: GitIdentity(
                name: settings.forgeBot, email: "\(settings.forgeBot)@users.noreply.\(forge.address.hostName)"))
        driver = PoolDriver(
            bus: bus, configuration: configuration, observer: observer, builder: builder,
            lander: Lander(
                bus: bus, forge: forge, mirrors: mirrors, observer: observer, builder: builder,
                pushes: settings.mergePushes),
            texts: MemberTexts(statusContext: settings.mergeStatusContext, pageURL: settings.pageURL),
            failureLines: failureLines)
    }

    package static let migrations = [
        Migration(
            name: "m202611250220_merging_foundation", bytes: PackageResources.m202611250220_merging_foundation_sql)
    ]

    package var migrations: [Migration] { Self.migrations }

    package var statements: [Statement] { MergingStore.all }

    package var workers: [any Worker] {
        [
            MergingWorker(
                database: bus.database, configuration: configuration, statusContext: driver.texts.statusContext,
                wake: wake)
        ]
    }

    package var chores: [Chore] {
        [
            Chore(name: "merging-pools", every: .seconds(1), wake: wake) { [driver] in try await driver.round() },
            Chore(name: "merging-survey", every: .seconds(30), owner: .single) { try await survey() },
            Chore(name: "merging-trimming", every: .seconds(600), owner: .single) { [bus] in
                try await bus.database.execute(MergingStore.trimHistory)
                try await bus.database.execute(MergingStore.trimRuns)
            },
        ]
    }

    package func addRoutes(to router: Router<SlipwayContext>) {
        MergingRoutes(pages: pages, prow: TidePools(reader: pages.reader, configuration: configuration)).add(to: router)
    }

    /// Why a pull request is not merged yet; empty where it is in the merge pool, and only has to wait.
    package func obstacles(_ repository: RepositoryName, _ number: Int) async throws -> [MergeObstacle] {
        let found = try await pages.reader.member(repository, number)
        return try await pages.obstacles(found, repository, number, now: Date()).obstacles
    }

    private var pages: MergingPages {
        MergingPages(reader: MergingReader(database: bus.database), configuration: configuration)
    }

    /// Makes the pools that open pull requests need, also of those that were there before the configuration was.
    private func survey() async throws {
        guard let tide = try await configuration.current(bus.database).tide else { return }
        let orgs = Set(tide.queries.flatMap(\.orgs))
        let repos = Set(tide.queries.flatMap(\.repos))
        try await bus.database.execute(MergingStore.survey, Array(orgs), Array(repos))
    }
}

extension ForgeAddress {
    /// Its name without a scheme and a port.
    fileprivate var hostName: String {
        let rest = web.firstRange(of: "://").map { web[$0.upperBound...] } ?? web[...]
        return String(rest.prefix { $0 != ":" && $0 != "/" })
    }
}
