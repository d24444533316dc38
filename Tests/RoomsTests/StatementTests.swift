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
import Testing
import Triggers
import Web

@Suite("The SQL of the house")
struct StatementTests {
    @Test("every statement is prepared against the migrated schema, under a name of its own")
    func prepare() async throws {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
        let bus = FleetBus(database: pool, publisher: nil, logger: quietLogger)
        let forge = ForgeClient(address: try ForgeAddress(url: "http://127.0.0.1:1"), token: nil)
        let folder = FileManager.default.temporaryDirectory.appending(path: "statements-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let settings = Settings()
        let rooms: [any Room] = [
            TriggersService(bus: bus, settings: settings),
            PullRequestsService(
                bus: bus, forge: forge, mirrors: GitMirrors(folder: folder, forge: forge), settings: settings),
            SchedulingService(
                bus: bus, forge: forge, settings: settings,
                trust: TrustBook(database: bus.database, forge: forge, settings: settings)),
            ResultsService(
                bus: bus, artifacts: try LocalArtifactStore(folder: folder), settings: settings,
                whichJobs: { _, _ in WhichJobsAnswer(run: [], skip: []) }),
            ReportingService(bus: bus, forge: forge, settings: settings),
            LeasesService(bus: bus, settings: settings),
            MergingService(
                bus: bus, forge: forge, mirrors: GitMirrors(folder: folder, forge: forge), settings: settings),
        ]
        await pool.close()
        let statements = rooms.flatMap(\.statements) + FleetSchema.statements + TokenStore.statements
        #expect(rooms.allSatisfy { !$0.statements.isEmpty })
        #expect(Set(statements.map(\.name)).count == statements.count)
        let migrations = FleetSchema.migrations + TokenStore.migrations + rooms.flatMap(\.migrations)
        try await withDatabase(migrations: migrations) { pool in
            for (number, statement) in statements.enumerated() {
                do {
                    try await pool.script("prepare s\(number) as \(statement.sql); deallocate s\(number)")
                } catch {
                    Issue.record("\(statement.name): \(error)")
                }
            }
        }
    }
}
