package import AMQP
package import Fleet
package import Logging
import SlipwayModel
import Synchronization

/// A cluster's queue at the broker: quorum, so that a dispatched attempt survives the broker's restart.
package final class BrokerRunQueue: RunQueue {
    private struct Open {
        var deliveries: [UInt64: Delivery] = [:]
        var last: UInt64 = 0
    }

    private let consumer: BrokerConsumer
    private let logger: Logger
    /// Handed out and not acknowledged, by receipt: a delivery's own tag counts from one again on each connection.
    private let open = Mutex(Open())
    /// What the broker was told to send at most before a receipt, in messages.
    private let prefetch: Mutex<Int>
    /// Runs that a message carries at most.
    private let together: Int

    /// - Parameter topology: what the whole fleet declares; the cluster's queue is added to it.
    package init(
        cluster: String, fleet: FleetTopology, topology: Topology, address: BrokerAddress, capacity: Int, agent: String,
        logger: Logger
    ) {
        var topology = topology
        topology.merge(Topology(queues: [QueueDeclaration(name: fleet.runs(of: cluster), kind: .quorum)]))
        together = RunsDispatched.together(capacity: capacity)
        let messages = Self.messages(for: capacity, together: together)
        consumer = BrokerConsumer(
            address: address, topology: topology, queue: fleet.runs(of: cluster), prefetch: messages,
            recreates: true, logger: logger, name: "slipway agent \(agent)")
        prefetch = Mutex(messages)
        self.logger = logger
    }

    package func next(maximum: Int) async throws -> [QueuedRuns] {
        while true {
            let deliveries = try await consumer.next(maximum: Self.messages(for: maximum, together: together))
            guard !deliveries.isEmpty else { return [] }
            var messages: [QueuedRuns] = []
            for delivery in deliveries {
                do {
                    let dispatched = try Message(body: delivery.body).decode(RunsDispatched.self)
                    messages.append(QueuedRuns(builds: dispatched.builds, receipt: receipt(for: delivery)))
                } catch {
                    // Its runs stand in the database, and are sent again where nobody claims them.
                    logger.error("a message in the queue of runs is not understood and dropped: \(error)")
                    await consumer.nack([delivery], requeue: false)
                }
            }
            if !messages.isEmpty { return messages }
        }
    }

    /// Each change is a new subscription, so not every finished run makes one. A smaller room is told at once, for more
    /// must never come than fits; a larger one when it is twice what was told: less at a time is enough until then, since
    /// what is claimed has its receipt and makes way for more.
    package func setRoom(_ count: Int) async {
        let count = Self.messages(for: count, together: together)
        let isTold = prefetch.withLock { prefetch in
            guard count < prefetch || (count > prefetch && count >= 2 * prefetch) else { return false }
            prefetch = count
            return true
        }
        if isTold { await consumer.setPrefetch(count) }
    }

    package func acknowledge(_ messages: [QueuedRuns]) async { await consumer.ack(deliveries(of: messages)) }

    package func giveBack(_ messages: [QueuedRuns]) async {
        await consumer.nack(deliveries(of: messages), requeue: true)
    }

    package func close() async { await consumer.close() }

    private static func messages(for room: Int, together: Int) -> Int { room == 0 ? 0 : max(1, room / together) }

    private func deliveries(of messages: [QueuedRuns]) -> [Delivery] {
        open.withLock { open in messages.compactMap { open.deliveries.removeValue(forKey: $0.receipt) } }
    }

    private func receipt(for delivery: Delivery) -> UInt64 {
        open.withLock { open in
            open.last += 1
            open.deliveries[open.last] = delivery
            return open.last
        }
    }
}
