import AMQP
import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel
import SlipwayTesting
import Synchronization

/// A bus on a database of its own and names of its own at the shared broker, with the publisher running.
struct FleetHarness {
    let bus: FleetBus
    let address: BrokerAddress
    let publisher: OutboxPublisher
    private let broker: BrokerPublisher

    static func run(
        workers: [any Worker] = [], publishing: Bool = true, _ body: (FleetHarness) async throws -> Void
    ) async throws {
        try await withDatabase(migrations: FleetSchema.migrations) { pool in
            let address = try await TestServices.shared.brokerAddress()
            let topology = FleetTopology(prefix: uniqueName("fleet"))
            let declarations = topology.declarations(workers: workers)
            let broker = BrokerPublisher(
                address: address, topology: declarations, logger: quietLogger, name: "test publisher")
            try await broker.waitUntilConnected()
            let publisher = OutboxPublisher(
                broker: broker, database: pool, topology: topology, logger: quietLogger)
            let bus = FleetBus(
                database: pool, publisher: publishing ? publisher : nil, topology: topology, logger: quietLogger)
            try await bus.subscribe(workers)
            let harness = FleetHarness(bus: bus, address: address, publisher: publisher, broker: broker)
            let service = Task { try await publisher.run() }
            do {
                try await body(harness)
            } catch {
                await harness.close(declarations, service)
                throw error
            }
            await harness.close(declarations, service)
        }
    }

    /// Runs the worker's consumer while `body` runs.
    func consuming(
        _ worker: any Worker, policy: RetryPolicy = RetryPolicy(), batchSize: Int = 200,
        _ body: () async throws -> Void
    ) async throws {
        let consumer = BrokerConsumer(
            address: address, topology: bus.topology.declarations(workers: [worker]),
            queue: bus.topology.queue(of: worker.name), prefetch: 400, logger: quietLogger, name: "test consumer")
        let service = BatchConsumer(
            worker, bus: bus, consumer: consumer, policy: policy, batchSize: batchSize, instruments: Instruments(),
            logger: quietLogger)
        let task = Task { try await service.run() }
        do {
            try await body()
        } catch {
            await consumer.stopConsuming()
            _ = await task.result
            throw error
        }
        await consumer.stopConsuming()
        _ = await task.result
    }

    private func close(_ declarations: Topology, _ service: Task<Void, any Error>) async {
        service.cancel()
        _ = await service.result
        for queue in declarations.queues { _ = try? await Broker.deleteQueue(address: address, queue: queue.name) }
        await broker.close()
    }

    func count(_ table: String) async throws -> Int {
        try await bus.database.query("select count(*) from \(raw: table)").one().decode(Int.self)
    }
}

/// Records what it handled in a table, and fails as it is told.
struct RecordingWorker: Worker {
    let name: String
    let topics = [ResultsIngested.type]
    /// Called for each message while planning.
    var onPlan: @Sendable (ResultsIngested) throws -> Void = { _ in }
    let handled: Tally

    init(_ name: String = "recorder", onPlan: @escaping @Sendable (ResultsIngested) throws -> Void = { _ in }) {
        self.name = name
        self.onPlan = onPlan
        handled = Tally()
    }

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        let events = try messages.map { try $0.decode(ResultsIngested.self) }
        for event in events { try onPlan(event) }
        return { [handled] effects in
            effects.afterCommit { handled.add(events.map(\.passed)) }
        }
    }
}

/// Numbers that arrived, and a way to await them.
final class Tally: Sendable {
    private struct State {
        var numbers: [Int] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var numbers: [Int] { state.withLock { $0.numbers } }

    func add(_ numbers: [Int]) {
        let reached = state.withLock { state in
            state.numbers += numbers
            let reached = state.waiters.filter { $0.count <= state.numbers.count }
            state.waiters.removeAll { $0.count <= state.numbers.count }
            return reached
        }
        for waiter in reached { waiter.continuation.resume() }
    }

    /// Returns once at least `count` numbers have arrived.
    func wait(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                guard state.numbers.count < count else { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }
}

/// An event that carries one number.
func event(_ number: Int) -> ResultsIngested {
    ResultsIngested(runID: RunID(), buildID: BuildID(1), passed: number, failed: 0, flaky: 0, skipped: 0)
}
