package import ArtifactStore
package import Fleet
package import Hummingbird
import Logging
package import Postgres
package import RoomKit
package import SlipwayModel
package import Web

/// A part of a pull request's page; empty where there is nothing to show.
package typealias PullPart = @Sendable (RepositoryName, Int) async throws -> Markup

/// The door of this room: pages, Prow's read endpoints, and the worker that turns JUnit files into rows.
package struct ResultsService: Room {
    package let name = "results"

    private let store: ResultsStore
    private let bus: FleetBus
    private let artifacts: any ArtifactStorage
    private let pageURL: String
    private let whichJobs: WhichJobsRule
    private let pullPart: PullPart
    private let logger = Logger(label: "slipway.results")

    /// - Parameters:
    ///   - whichJobs: the rules by which presubmits start, for the form that asks them.
    ///   - pullPart: what another room shows on the page of a pull request.
    package init(
        bus: FleetBus, artifacts: any ArtifactStorage, settings: Settings, whichJobs: @escaping WhichJobsRule,
        pullPart: @escaping PullPart = { _, _ in "" }
    ) {
        self.bus = bus
        self.whichJobs = whichJobs
        self.pullPart = pullPart
        store = ResultsStore(bus.database)
        self.artifacts = artifacts
        pageURL = settings.pageURL
    }

    package var migrations: [Migration] {
        [
            Migration(
                name: "m202611240130_results_foundation",
                bytes: PackageResources.m202611240130_results_foundation_sql)
        ]
    }

    package var workers: [any Worker] { [AggregationWorker(artifacts: artifacts, logger: logger)] }

    package var chores: [Chore] {
        [
            Chore(name: "results.partitions", every: .seconds(3600), owner: .single) { [store, logger] in
                let made = try await store.makePartitions()
                if made > 0 { logger.info("made \(made) partitions for the results of the next days") }
            }
        ]
    }

    package var statements: [Statement] { ResultsStore.statements }

    package func addRoutes(to router: Router<SlipwayContext>) {
        ResultsRoutes(store: store, artifacts: artifacts, pullPart: pullPart).add(to: router)
        ProwRoutes(store: store, artifacts: artifacts, pageURL: pageURL).add(to: router)
        ConfigurationRoutes(store: store, whichJobs: whichJobs).add(to: router)
        FleetRoutes(store: store, letters: DeadLetters(bus)).add(to: router)
    }
}

/// The room's style sheet is Web's; its scripts are its own.
enum ResultsAssets {
    static let set = AssetSet(["log.js": PackageResources.log_js])
}
