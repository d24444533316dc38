import ArgumentParser
import FoundationEssentials
import Glibc
import LocalServices
import Postgres
import RoomKit

struct BenchFaults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults", abstract: "Disturb a fleet under load, and count what it loses or does twice.",
        discussion: """
            A forge posts signed push deliveries at a steady rate, and again until they are taken; most start a run that \
            does nothing, some a process. Meanwhile one fault after the other is injected: processes are killed, \
            stopped and told to end, services killed, blocked and emptied, networks stalled and cut, disks filled, the \
            forge falls silent. After each the fleet \
            must come to rest: every trigger that was taken has one finished run, its final status is shown, no message \
            is left over, none was given up. Ends with 1 where that was not so.
            """)

    @Option(help: "How long faults are injected; the last one is waited for.") var minutes = 10.0
    @Option(help: "Equal seeds inject equal faults in equal order.") var seed: UInt64 = 1
    @Option(help: "Triggers a second.") var rate = 10.0
    @Option(help: "Seconds that a fault lasts which ends by itself.") var length = 5.0
    @Option(help: "Faults that are injected together.") var atOnce = 1
    @Option(help: "Seconds after which what has not recovered is lost.") var patience = 120
    @Option(help: "Nodes of the broker: with more than one, one of them is killed now and then.") var brokerNodes = 1
    @Flag(help: "Put services and fleet on a disk of 2 GB in memory, which is filled now and then.") var smallDisk =
        false
    @Option(help: "Faults to inject; all by default.") var only: [Fault] = []
    @Flag(help: "A line on standard error for each fault.") var verbose = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0.1...10_000).contains(minutes), (0.1...1000).contains(rate), (10...3600).contains(patience),
            (0.1...600).contains(length), (1...5).contains(brokerNodes), (1...10).contains(atOnce)
        else {
            throw ValidationError(
                """
                --minutes takes 0.1 to 10000, --rate 0.1 to 1000, --length 0.1 to 600, --patience 10 to 3600, \
                --broker-nodes 1 to 5, --at-once 1 to 10
                """
            )
        }
    }

    func run() async throws {
        let volume = FileManager.default.temporaryDirectory.appending(path: "slipway-artifacts-\(getpid())").path
        let report = try await onDisk { disk in
            try await SmallVolume.run(at: volume, megabytes: 512) { artifacts in
                try await BrokerNodes.run(brokerNodes) {
                    try await measure(artifacts: artifacts, disk: disk, brokers: $0)
                }
            }
        }
        switch output.format {
        case .json: try output.printJSON(report)
        case .table:
            print(TextTable(report.table.heading, report.table.rows))
            print(report.summary)
        }
        guard report.isClean else { throw ExitCode(1) }
    }

    private func onDisk(_ body: (SmallVolume?) async throws -> FaultReport) async throws -> FaultReport {
        guard smallDisk else { return try await body(nil) }
        return try await SmallVolume.run(at: MeasuredFleet.folder, megabytes: 2048) { try await body($0) }
    }

    private func measure(
        artifacts: SmallVolume, disk: SmallVolume?, brokers: BrokerNodes?
    ) async throws -> FaultReport {
        let sink = try await StatusSink()
        let forge = try await TCPProxy(to: sink.port)
        let faults = (only.isEmpty ? Fault.allCases : only).filter {
            $0.fits(brokerNodes: brokerNodes, smallDisk: smallDisk)
        }
        guard !faults.isEmpty else {
            throw ValidationError("none of --only fits --broker-nodes \(brokerNodes); diskFull needs --small-disk")
        }
        var environment = [
            "SLIPWAY_FORGE_URL": "http://127.0.0.1:\(forge.port)", "SLIPWAY_WEBHOOK_SECRETS": PushDelivery.secret,
            "SLIPWAY_ARTIFACTS_FOLDER": artifacts.folder, "SLIPWAY_AGENT_CAPACITY": "50",
            "SLIPWAY_AGENT_LOST_AFTER": "5", "SLIPWAY_LOG_LEVEL": "warning",
        ]
        if let brokers { environment["AMQP_URL"] = brokers.url }
        return try await MeasuredFleet.run(
            ["--workers", "1", "--agents", "1", "--executor", "none"],
            environment: environment, restarts: true
        ) { [self] fleet in
            let network = try await FaultNetwork(fleet, forge: forge)
            let elsewhere = try Elsewhere(fleet, network, artifacts)
            let load = try await FaultLoad(fleet, gatewayURL: network.gatewayURL, sink: sink, rate: rate)
            return try await withThrowingTaskGroup(of: FaultReport?.self) { group in
                group.addTask {
                    try await elsewhere.run(); return nil
                }
                group.addTask {
                    await load.run(); return nil
                }
                group.addTask {
                    try await fleet.withDatabase { database in
                        let injector = FaultInjector(
                            fleet: fleet, sink: sink, database: database, elsewhere: elsewhere, network: network,
                            artifacts: artifacts, disk: disk, brokers: brokers, length: .seconds(length))
                        return try await FaultRun(
                            load: load, injector: injector, database: database, patience: .seconds(patience)
                        ).run(FaultSchedule(seed: seed, faults: faults), self)
                    }
                }
                defer { group.cancelAll() }
                while let result = try await group.next() { if let result { return result } }
                throw CancellationError()
            }
        }
    }
}

/// One fault after the other, or several at once, each time until the fleet has recovered.
private struct FaultRun: Sendable {
    let load: FaultLoad
    let injector: FaultInjector
    let database: PostgresPool
    let patience: Duration

    func run(_ schedule: FaultSchedule, _ options: BenchFaults) async throws -> FaultReport {
        guard try await recover() != nil else {
            throw MeasuredFleetError("the fleet does not settle its load undisturbed; try a lower --rate")
        }
        let begun = ContinuousClock.now
        var records: [FaultRecord] = []
        var known = try await counts()
        var schedule = schedule
        while .now - begun < .seconds(options.minutes * 60) {
            let slot = (0..<options.atOnce).compactMap { _ in schedule.next() }
            let name = slot.map(\.fault.rawValue).joined(separator: " with ")
            let soFar = "\(records.count) faults, lost \(records.reduce(0) { $0 + $1.lost })"
            Terminal.progress("\(soFar); now \(name)")
            var injected = try await inject(slot)
            guard !injected.isEmpty else { continue }
            let mark = await load.sent
            let recovered = try await recover()
            let now = try await counts()
            for index in injected.indices { injected[index].recovered = recovered }
            if recovered == nil {
                let lost = try await load.giveUp(before: mark, database)
                injected[0].lost = lost.count
                for line in lost { complain("after \(name) was lost: \(line)") }
                if lost.isEmpty { complain("after \(name) messages were left over") }
            }
            injected[0].doubled = now.doubled - known.doubled
            injected[0].deadLetters = now.deadLetters - known.deadLetters
            known = now
            records += injected
            if options.verbose {
                complain("\(name): \(recovered.map { "recovered after \($0) s" } ?? "never recovered")")
            }
        }
        Terminal.progress("")
        return FaultReport(
            seed: options.seed, seconds: (ContinuousClock.now - begun) / .seconds(1), triggers: await load.sent, records
        )
    }

    /// Injects all at once, each after its pause, and returns when the last has ended.
    ///
    /// - Returns: those that could be injected. What a slot of several led to stands with the first.
    private func inject(_ slot: [Injection]) async throws -> [FaultRecord] {
        try await withThrowingTaskGroup(of: FaultRecord?.self) { group in
            for injection in slot {
                group.addTask {
                    try await Task.sleep(for: .seconds(injection.pause))
                    do {
                        let fenced = try await injector.inject(injection)
                        return FaultRecord(fault: injection.fault, recovered: nil, fenced: fenced)
                    } catch let error where !(error is CancellationError) {
                        complain("\(injection.fault.rawValue) could not be injected and is left out: \(error)")
                        return nil
                    }
                }
            }
            return try await group.reduce(into: []) { records, record in if let record { records.append(record) } }
        }
    }

    /// Waits until all that was sent before now has come to its end, and one trigger that is sent after now, and no
    /// message of then is left.
    ///
    /// - Returns: how many seconds it took; nil where patience ended.
    private func recover() async throws -> Double? {
        let begun = ContinuousClock.now
        let mark = await load.sent + 1
        let time = Date()
        do {
            try await waitUntil("all has come to its end", within: patience, lookingEvery: .milliseconds(100)) {
                guard (try? await load.isSettled(before: mark, database)) == true else { return nil as Bool? }
                return (try? await messages(before: time)) == 0 ? true : nil
            }
        } catch is MeasuredFleetError {
            return nil
        }
        return (ContinuousClock.now - begun) / .seconds(1)
    }

    private func messages(before time: Date) async throws -> Int {
        try await database.query("select count(*) from fleet.outbox where created_at < \(time)").one().decode(Int.self)
    }

    /// A database that is still away is waited for: what became of the load stands there alone.
    private func counts() async throws -> (doubled: Int, deadLetters: Int) {
        try await waitUntil("the database answers", within: .seconds(300)) {
            try? await (doubled: load.doubled(database), deadLetters: deadLetters())
        }
    }

    private func deadLetters() async throws -> Int {
        try await database.query("select count(*) from fleet.dead_letters").one().decode(Int.self)
    }

    private func complain(_ line: String) {
        Terminal.progress("")
        Terminal.complain(line)
    }
}
