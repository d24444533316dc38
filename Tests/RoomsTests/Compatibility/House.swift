import ArtifactStore
import Fleet
import Forge
import Foundation
import Git
import Leases
import Merging
import Postgres
import PullRequests
import Reporting
import Results
import RoomKit
import Scheduling
import SlipwayTesting
import Triggers
import Web

/// The rooms of the house, on a database that is never asked: for tests of what they declare.
func houseRooms() async throws -> [any Room] {
    let pool = PostgresPool(
        configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
    let bus = FleetBus(database: pool, publisher: nil, logger: quietLogger)
    let forge = ForgeClient(address: try ForgeAddress(url: "http://127.0.0.1:1"), token: nil)
    let folder = FileManager.default.temporaryDirectory.appending(path: "rooms-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let settings = Settings()
    let mirrors = GitMirrors(folder: folder, forge: forge)
    let rooms: [any Room] = [
        TriggersService(bus: bus, settings: settings),
        PullRequestsService(bus: bus, forge: forge, mirrors: mirrors, settings: settings),
        SchedulingService(
            bus: bus, forge: forge, settings: settings,
            trust: TrustBook(database: bus.database, forge: forge, settings: settings)),
        ResultsService(
            bus: bus, artifacts: try LocalArtifactStore(folder: folder), settings: settings,
            whichJobs: { _, _ in WhichJobsAnswer(run: [], skip: []) }),
        ReportingService(bus: bus, forge: forge, settings: settings),
        LeasesService(bus: bus, settings: settings),
        MergingService(bus: bus, forge: forge, mirrors: mirrors, settings: settings),
    ]
    await pool.close()
    return rooms
}

func houseStatements(_ rooms: [any Room]) -> [Statement] {
    rooms.flatMap(\.statements) + FleetSchema.statements + TokenStore.statements
}

func houseMigrations(_ rooms: [any Room]) -> [Migration] {
    FleetSchema.migrations + TokenStore.migrations + rooms.flatMap(\.migrations)
}
