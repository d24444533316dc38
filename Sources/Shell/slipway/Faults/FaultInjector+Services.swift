import AMQP
import Fleet
import FoundationEssentials
import Glibc
import LocalServices
import Postgres

/// What is done to the services that a fleet stands on, and to the forge.
extension FaultInjector {
    // MARK: RabbitMQ

    func service(_ file: String) throws -> ProcessIdentity {
        let path = "\(fleet.folder)/services/\(file)"
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }),
            let identity = ProcessIdentity(pid: pid)
        else { throw MeasuredFleetError("\(path) names no process that runs") }
        return identity
    }

    func deleteWorkerQueue(_ injection: Injection) async throws {
        let workers = ["scheduling", "reporting", "aggregation", "triggers"]
        try await delete(FleetTopology().queue(of: workers[injection.choice % workers.count]))
    }

    func delete(_ queue: String) async throws {
        try await Broker.deleteQueue(address: BrokerAddress(url: fleet.variable("AMQP_URL")), queue: queue)
    }

    func blockBroker() async throws {
        try await PrivateServices.control(
            folder: fleet.folder + "/services", ["set_vm_memory_high_watermark", "0.0001"])
        try await Task.sleep(for: length)
        // A broker that was killed meanwhile comes back without the alarm, and answers later.
        try await waitUntil("the broker's memory alarm is taken back", within: .seconds(90)) {
            try? await PrivateServices.control(
                folder: fleet.folder + "/services", ["set_vm_memory_high_watermark", "absolute", "1GB"])
        }
    }

    /// One of several nodes, for a while; those who were connected to it find another one.
    func killBrokerNode(_ injection: Injection) async throws {
        guard let brokers else { throw MeasuredFleetError("the broker has one node; see --broker-nodes") }
        let ports = await brokers.cluster.ports
        let index = injection.choice % ports.count
        await brokers.proxy.retarget(to: ports[(index + 1) % ports.count])
        await brokers.cluster.kill(index)
        let slept: ()? = try? await Task.sleep(for: length)
        try await brokers.cluster.start(index)
        if slept == nil { throw CancellationError() }
    }

    // MARK: PostgreSQL

    func endSessions() async throws {
        try await database.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
    }

    func holdRows() async throws {
        let end = ContinuousClock.now + length
        try await database.transaction { transaction in
            var held = 0
            while held == 0, ContinuousClock.now < end {
                held = try await transaction.query(
                    """
                    select run_id from scheduling.runs
                     where state in ('waiting', 'dispatched', 'running') for update skip locked
                    """
                ).count
            }
            try await Task.sleep(until: end, clock: .continuous)
        }
    }

    /// Takes every connection that is left, ends all others, and takes theirs.
    func fillDatabase() async throws {
        var configuration = database.configuration
        configuration.applicationName = "bench faults"
        var taken: [PostgresConnection] = []
        func fill() async {
            while taken.count < 400,
                let connection = try? await PostgresConnection.connect(configuration, logger: Self.logger)
            {
                taken.append(connection)
            }
        }
        await fill()
        if let first = taken.first {
            _ = try? await first.query(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                 where backend_type = 'client backend' and application_name <> 'bench faults'
                """)
        }
        let end = ContinuousClock.now + length
        while ContinuousClock.now < end, !Task.isCancelled {
            await fill()
            try? await Task.sleep(for: .milliseconds(20))
        }
        for connection in taken { await connection.close() }
        try Task.checkCancellation()
    }

    /// Locks unfinished runs one by one, newest first, while the fleet locks them oldest first: one of two transactions
    /// that wait for each other is ended by PostgreSQL.
    func lockRowsBackwards() async throws {
        let end = ContinuousClock.now + length
        while ContinuousClock.now < end {
            do {
                try await database.transaction { transaction in
                    let runs = try await transaction.query(
                        """
                        select run_id from scheduling.runs
                         where state in ('waiting', 'dispatched', 'running') order by run_id desc limit 20
                        """
                    ).map { try $0.decode(UUID.self) }
                    for run in runs {
                        try await transaction.query("select from scheduling.runs where run_id = \(run) for update")
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
            } catch let error as PostgresError {
                guard error.isSerializationFailureOrDeadlock else { throw error }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    // MARK: The forge

    func forge(_ behaviour: StatusSink.Behaviour) async throws {
        try await sink.behave(behaviour)
        let slept: ()? = try? await Task.sleep(for: length)
        try await sink.behave(.good)
        if slept == nil { throw CancellationError() }
    }
}
