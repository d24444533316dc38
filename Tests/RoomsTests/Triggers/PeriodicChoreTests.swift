import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import Scheduling
import SlipwayModel
import Testing
import Triggers

@Suite("Periodics of several gateways")
struct PeriodicChoreTests {
    private func apply(_ hook: TriggersHarness, _ text: String) async throws {
        _ = try await ConfigurationStore(hook.bus).apply(
            JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))]), by: "maria",
            source: "test")
    }

    @Test("an instant fires once, whoever looks and however often")
    func once() async throws {
        try await TriggersHarness.run { hook in
            try await apply(hook, SchedulingHarness.periodic("sweep") + "# a job that never ran starts now\n")
            let gateways = [hook.room, hook.anotherGateway()]
            for _ in 1...3 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for gateway in gateways {
                        guard let chore = gateway.gatewayChores.first else { continue }
                        group.addTask { try await chore.run() }
                    }
                    try await group.waitForAll()
                }
            }
            let requests = try await hook.emitted(RunRequested.self)
            #expect(requests.map(\.job) == ["sweep"])
            #expect(requests.first?.origin == .periodic && requests.first?.kind == .periodic)
        }
    }

    @Test("a run that failed is tried again as often as configured, one gateway at a time")
    func retry() async throws {
        try await TriggersHarness.run { hook in
            try await apply(hook, SchedulingHarness.periodic("sweep", "interval: 1h, retry: {attempts: 2}"))
            for expected in [1, 2, 3, 3] {
                // Gateways that have just started look at once.
                for gateway in [hook.anotherGateway(), hook.anotherGateway()] {
                    for chore in gateway.gatewayChores.prefix(1) { try await chore.run() }
                }
                #expect(try await hook.emitted(RunRequested.self).count == expected)
                // What scheduling would make of the request, failed at once.
                _ = try await hook.bus.database.query(
                    """
                    insert into scheduling.runs (
                        run_id, request_id, origin, kind, job, job_hash, cluster, state, finished_at, artifact_folder)
                    values (\(RunID().uuid), \(UUID()), 'periodic', 'periodic', 'sweep', 'hash', 'default', 'failure',
                            clock_timestamp(), 'logs/sweep')
                    """)
            }
        }
    }

    @Test("a job that is no longer configured fires no more, a new one does")
    func configuration() async throws {
        try await TriggersHarness.run { hook in
            guard let chore = hook.room.gatewayChores.first else { return }
            try await apply(hook, SchedulingHarness.periodic("sweep"))
            try await chore.run()
            try await apply(hook, SchedulingHarness.periodic("polish"))
            try await chore.run()
            try await chore.run()
            #expect(try await hook.emitted(RunRequested.self).map(\.job) == ["sweep", "polish"])
        }
    }
}
