package import AMQP
import FoundationEssentials
package import Logging
import Postgres
import ServiceLifecycle
import SlipwayModel

/// Feeds a worker from its queue: takes what is ready, lets the worker plan, deletes the messages from the outbox in the
/// transaction of their effects, then acknowledges. A failing batch is halved until the message at fault stands alone, a
/// message of several events is taken apart, and the event at fault is retried with backoff and at last laid among the
/// dead letters. While PostgreSQL is away nothing is acknowledged, nothing counted, and the batch waits.
package struct BatchConsumer: Service {
    private let worker: any Worker
    private let bus: FleetBus
    private let consumer: BrokerConsumer
    private let policy: RetryPolicy
    private let instruments: Instruments
    private let activity: Activity
    private let logger: Logger
    private let batchSize: Int
    /// Events that one transaction handles, give or take a message's.
    private static let eventsTogether = 400
    private static let longestLinger: Duration = .milliseconds(50)

    package init(
        _ worker: any Worker, bus: FleetBus, consumer: BrokerConsumer, policy: RetryPolicy = RetryPolicy(),
        batchSize: Int = 100, instruments: Instruments, activity: Activity = Activity(), logger: Logger
    ) {
        self.worker = worker
        self.bus = bus
        self.consumer = consumer
        self.policy = policy
        self.batchSize = batchSize
        self.instruments = instruments
        self.activity = activity
        var logger = logger
        logger[metadataKey: "worker"] = "\(worker.name)"
        self.logger = logger
    }

    package func run() async throws {
        activity.begin(worker.name)
        try await withGracefulShutdownHandler {
            var linger = Duration.zero
            while !Task.isCancelled {
                let deliveries = try await consumer.next(maximum: batchSize, linger: linger)
                guard !deliveries.isEmpty else { break }
                let started = ContinuousClock.now
                await consume(deliveries)
                // Where messages come faster than one by one, a wait of a few times the last batch's work fills the next.
                linger = deliveries.count > 2 ? min((.now - started) * 4, Self.longestLinger) : .zero
            }
        } onGracefulShutdown: {
            Task { await consumer.stopConsuming() }
        }
        await consumer.close()
    }

    /// Handles a batch to its end: every delivery is acknowledged, because its effects, its retry or its death have
    /// committed; or it is not, because the task was cancelled meanwhile.
    func consume(_ deliveries: [Delivery]) async {
        let started = ContinuousClock.now
        var count = 0
        // A message seen for the third time may be what kills its consumer: it must not take others along again.
        let (suspects, healthy) = deliveries.partitioned { $0.deliveryCount >= 2 }
        var batch: (deliveries: [Delivery], arrivals: [Arrival]) = ([], [])
        for delivery in healthy {
            batch.deliveries.append(delivery)
            if let arrival = await arrival(of: delivery) { batch.arrivals.append(arrival) }
            guard batch.arrivals.events >= Self.eventsTogether else { continue }
            guard await settle(batch.arrivals) else { return }
            await consumer.ack(batch.deliveries)
            count += batch.arrivals.events
            batch = ([], [])
        }
        guard await settle(batch.arrivals) else { return }
        await consumer.ack(batch.deliveries)
        count += batch.arrivals.events
        for delivery in suspects {
            if let suspect = await arrival(of: delivery) {
                guard let parts = suspect.messages.count == 1 ? [suspect] : await takeApart(suspect) else { return }
                for part in parts {
                    guard await settle([part]) else { return }
                }
                count += parts.count
            }
            await consumer.ack([delivery])
        }
        instruments.count("slipway_messages_total", ["worker": worker.name], by: Double(count))
        instruments.observe("slipway_batch_seconds", ["worker": worker.name], .now - started)
    }

    /// What a delivery carries; nil where it cannot be read, which is then laid among the dead letters.
    private func arrival(of delivery: Delivery) async -> Arrival? {
        do {
            return try Arrival(body: delivery.body)
        } catch {
            await buryUnreadable(delivery, reason: "\(error)")
            return nil
        }
    }

    /// - Returns: false when the task was cancelled before the batch was settled.
    private func settle(_ arrivals: [Arrival]) async -> Bool {
        guard !arrivals.isEmpty else { return true }
        let messages = arrivals.flatMap(\.messages)
        activity.begin(worker.name, handling: messages)
        var outage = Outage()
        while true {
            do {
                try await handle(arrivals)
                activity.end(worker.name, handled: messages)
                return true
            } catch let error as PostgresError where error.isOutage {
                guard await waitForDatabase(&outage, error) else { return false }
            } catch is CancellationError {
                return false
            } catch {
                guard arrivals.count == 1 else {
                    let middle = arrivals.count / 2
                    guard await settle(Array(arrivals[..<middle])) else { return false }
                    return await settle(Array(arrivals[middle...]))
                }
                guard messages.count == 1 else {
                    guard let parts = await takeApart(arrivals[0]) else { return false }
                    return await settle(parts)
                }
                return await retry(messages[0], error: error)
            }
        }
    }

    /// Gives each event of a message a row of its own, so that they share no fate.
    ///
    /// - Returns: them; none where somebody has handled the message meanwhile; nil when the task was cancelled.
    private func takeApart(_ arrival: Arrival) async -> [Arrival]? {
        let messages = arrival.messages
        var outage = Outage()
        while true {
            do {
                let parts = try await bus.database.execute(
                    FleetStore.takeApart, worker.name, arrival.id, messages.map(\.envelope.id), messages.map(\.body))
                return parts.affected == 0 ? [] : messages.map(Arrival.init)
            } catch {
                guard error.isOutage else {
                    // Its row stands, and the sweeper publishes it again.
                    logger.error("a message of \(messages.count) events could not be taken apart: \(error)")
                    return []
                }
                guard await waitForDatabase(&outage, error) else { return nil }
            }
        }
    }

    private struct AlreadyHandled: Error {
        let fresh: Set<UUID>
    }

    private func handle(_ arrivals: [Arrival]) async throws {
        var arrivals = arrivals
        while !arrivals.isEmpty {
            let messages = arrivals.flatMap(\.messages)
            let trace = messages.count == 1 ? messages[0].envelope.traceparent.flatMap { TraceContext($0) } : nil
            do {
                try await TraceContext.$current.withValue(trace) { [arrivals] in
                    let plan = try await worker.plan(messages)
                    try await bus.commit { [worker] effects in
                        // Distinct, since one batch can hold a message twice.
                        let ids = Array(Set(arrivals.map(\.id)))
                        let taken = try await effects.database.execute(FleetStore.takeMessages, worker.name, ids)
                        guard taken.count == arrivals.count else {
                            throw AlreadyHandled(fresh: Set(try taken.map { try $0.decode(UUID.self) }))
                        }
                        try await plan(effects)
                    }
                }
                return
            } catch let error as AlreadyHandled {
                var fresh = error.fresh
                arrivals = arrivals.filter { fresh.remove($0.id) != nil }
                instruments.count(
                    "slipway_messages_repeated_total", ["worker": worker.name],
                    by: Double(messages.count - arrivals.events))
            }
        }
    }

    private func retry(_ message: Message, error: any Error) async -> Bool {
        defer { activity.end(worker.name, handled: []) }
        var outage = Outage()
        while true {
            do {
                report(try await count(error, of: message), message, error)
                return true
            } catch let trouble as PostgresError where trouble.isOutage {
                guard await waitForDatabase(&outage, trouble) else { return false }
            } catch is CancellationError {
                return false
            } catch let trouble {
                // Its row stands, and the sweeper publishes it again.
                logger.error("a failure could not be counted: \(trouble); it was: \(Self.reason(error))")
                return true
            }
        }
    }

    /// Counts a failure and does what follows from it; nil where somebody has handled the message meanwhile.
    private func count(_ error: any Error, of message: Message) async throws -> RetryPolicy.Verdict? {
        let envelope = message.envelope
        return try await bus.commit { [worker, policy] effects in
            let counted = try await effects.database.execute(
                FleetStore.countFailure, worker.name, envelope.id, Self.reason(error))
            guard let (attempts, waited) = try counted.first?.decode((Int, Double).self) else { return nil }
            let verdict = policy.verdict(on: error, attempts: attempts, waited: .seconds(waited))
            switch verdict {
            case .retry(let delay):
                try await effects.database.execute(
                    FleetStore.holdBack, worker.name, envelope.id, delay / .seconds(1))
            case .dead:
                try await effects.database.execute(
                    FleetStore.buryMessage, worker.name, envelope.id, envelope.subject)
            }
            return verdict
        }
    }

    private func report(_ verdict: RetryPolicy.Verdict?, _ message: Message, _ error: any Error) {
        let envelope = message.envelope
        switch verdict {
        case .retry(let delay):
            instruments.count("slipway_retries_total", ["worker": worker.name])
            logger.warning(
                "\(envelope.type) failed and is tried again in \(delay): \(Self.reason(error))",
                metadata: ["subject": "\(envelope.subject)"])
        case .dead:
            instruments.count("slipway_dead_letters_total", ["worker": worker.name])
            logger.error(
                "\(envelope.type) was given up; see 'slipway dead-letters list': \(Self.reason(error))",
                metadata: ["subject": "\(envelope.subject)"])
        case nil: break
        }
    }

    /// Without NUL characters, which PostgreSQL's texts cannot hold.
    private static func reason(_ error: any Error) -> String {
        String(String(describing: error).prefix(2000).filter { $0 != "\0" })
    }

    private func buryUnreadable(_ delivery: Delivery, reason: String) async {
        let id = delivery.messageID.flatMap { UUID(uuidString: $0) } ?? .version7()
        var outage = Outage()
        while true {
            do {
                try await bus.database.execute(
                    FleetStore.insertDeadLetter, worker.name, id, delivery.type ?? "unknown", delivery.routingKey,
                    Array(delivery.body.prefix(65536)), reason, 1)
                logger.error("an unreadable message was laid among the dead letters: \(reason)")
                return
            } catch {
                guard error.isOutage else {
                    return logger.error("an unreadable message could not be kept: \(error); it was: \(reason)")
                }
                guard await waitForDatabase(&outage, error) else { return }
            }
        }
    }

    /// How long the database has been asked again for one thing.
    private struct Outage {
        var pause = Duration.milliseconds(50)
    }

    /// Waits until the database is there, and then a little: one whose disk is full is there, and takes nothing.
    ///
    /// - Returns: false when the task was cancelled meanwhile.
    private func waitForDatabase(_ outage: inout Outage, _ error: any Error) async -> Bool {
        do {
            try await waitUntilReachable(bus.database.configuration, logger: logger)
            try await Task.sleep(for: outage.pause)
        } catch {
            return false
        }
        if outage.pause > .seconds(1) { logger.warning("nothing can be stored, and is tried again: \(error)") }
        outage.pause = min(outage.pause * 2, .seconds(5))
        return !Task.isCancelled
    }
}

extension [Arrival] {
    fileprivate var events: Int { reduce(0) { $0 + $1.messages.count } }
}

extension Array {
    func partitioned(by matches: (Element) -> Bool) -> (matching: [Element], rest: [Element]) {
        var matching: [Element] = []
        var rest: [Element] = []
        for element in self {
            if matches(element) { matching.append(element) } else { rest.append(element) }
        }
        return (matching, rest)
    }
}
