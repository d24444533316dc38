package import AMQP

/// The names of exchanges and queues. A prefix keeps several fleets (a test's, say) apart on one broker.
package struct FleetTopology: Hashable, Sendable {
    package let prefix: String

    package init(prefix: String = "slipway") { self.prefix = prefix }

    /// The topic exchange every event goes through; the routing key is the event's type.
    package var events: String { "\(prefix).events" }

    /// The durable queue of a worker.
    package func queue(of worker: String) -> String { "\(prefix).\(worker)" }

    /// The durable queue from which the agents of a cluster take runs.
    package func runs(of cluster: String) -> String { "\(prefix).runs.\(cluster)" }

    /// An agent's own queue, which lives as long as its connection.
    package func inbox(ofAgent id: String) -> String { "\(prefix).agent.\(id)" }

    /// The exchange and a bound queue per worker. Every role declares all of it at start, so that an event can never
    /// be published before the queue that waits for it exists.
    package func declarations(workers: [any Worker]) -> Topology {
        Topology(
            exchanges: [Exchange(name: events)],
            queues: workers.map { QueueDeclaration(name: queue(of: $0.name), kind: .quorum) },
            bindings: workers.flatMap { worker in
                worker.topics.map {
                    Binding(queue: queue(of: worker.name), exchange: events, routingKey: $0)
                }
            })
    }
}
