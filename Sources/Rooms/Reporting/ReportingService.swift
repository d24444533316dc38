package import Fleet
package import Forge
package import Postgres
package import RoomKit

/// Tells the forge what became of runs, and writes what other rooms wish: nobody else writes statuses, labels or
/// comments.
package struct ReportingService: Room {
    package let name = "reporting"
    private let worker: ReportingWorker
    private let reporter: ForgeReporter
    private let bus: FleetBus

    package init(bus: FleetBus, forge: ForgeClient, settings: Settings) {
        self.bus = bus
        worker = ReportingWorker(database: bus.database, pageURL: settings.pageURL, wake: WakeUp())
        reporter = ForgeReporter(
            // The database keeps the schedule of what failed, and a claim must not run out during a call.
            database: bus.database, forge: forge.retrying(.never, timeout: .seconds(10)), bot: settings.forgeBot,
            logger: bus.logger)
    }

    package var migrations: [Migration] {
        [
            Migration(
                name: "m202611240140_reporting_foundation",
                bytes: PackageResources.m202611240140_reporting_foundation_sql)
        ]
    }

    package var statements: [Statement] { ReportingStore.all }

    package var workers: [any Worker] { [worker] }

    package var chores: [Chore] {
        [
            Chore(name: "forge-reports", every: .seconds(5), wake: worker.wake) { [reporter] in
                try await reporter.round()
            },
            Chore(name: "reports-trimming", every: .seconds(600), owner: .single) { [bus] in
                try await bus.database.execute(ReportingStore.trim)
            },
        ]
    }
}
