package import AMQP
package import Fleet
package import Logging
import ServiceLifecycle
package import SlipwayModel

/// An agent as a process runs it: until shutdown, and beside it the ear for aborts.
package struct AgentService: Service {
    private let agent: Agent
    private let aborts: BrokerConsumer
    private let logger: Logger

    /// - Parameter topology: what the whole fleet declares; the agent's own queue for aborts is added to it.
    package init(
        _ options: Agent.Options, ledger: any RunLedger, executor: any RunExecutor, bus: FleetBus, topology: Topology,
        address: BrokerAddress, logger: Logger
    ) {
        agent = Agent(
            options, ledger: ledger, executor: executor,
            queue: BrokerRunQueue(
                cluster: options.cluster, fleet: bus.topology, topology: topology, address: address,
                capacity: options.capacity, agent: options.name, logger: logger),
            logger: logger)
        // Gone with the connection: aborts that were missed meanwhile come with the next heartbeat.
        let inbox = bus.topology.inbox(ofAgent: "\(options.name).\(RunID())")
        var topology = topology
        topology.merge(
            Topology(
                queues: [QueueDeclaration(name: inbox, kind: .exclusive)],
                bindings: [
                    Binding(queue: inbox, exchange: bus.topology.events, routingKey: RunCancelled.type)
                ]))
        aborts = BrokerConsumer(
            address: address, topology: topology, queue: inbox, prefetch: 100, logger: logger,
            name: "slipway agent \(options.name) aborts")
        self.logger = logger
    }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await hearAborts() }
            await withGracefulShutdownHandler {
                await agent.run()
            } onGracefulShutdown: { [agent] in
                agent.shutDown()
            }
            await aborts.close()
            group.cancelAll()
        }
    }

    private func hearAborts() async {
        let trouble = Trouble("hearing of aborts", logger)
        while !Task.isCancelled {
            do {
                let deliveries = try await aborts.next(maximum: 100)
                guard !deliveries.isEmpty else { return }
                trouble.isOver()
                for delivery in deliveries {
                    for message in (try? Message.all(in: delivery.body)) ?? [] {
                        if let event = try? message.decode(RunCancelled.self) { await agent.cancel(event) }
                    }
                }
                await aborts.ack(deliveries)
            } catch {
                await trouble.pause(error, agent.options.pause)
            }
        }
    }
}
