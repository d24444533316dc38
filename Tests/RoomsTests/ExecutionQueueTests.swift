import AMQP
import Execution
import Fleet
import Foundation
import SlipwayModel
import SlipwayTesting
import Testing

@Suite("A cluster's queue at the broker")
struct ExecutionQueueTests {
    @Test("what is given back comes to whoever has room, what is acknowledged or not understood to nobody")
    func givenBack() async throws {
        let address = try await TestServices.shared.brokerAddress()
        let fleet = FleetTopology(prefix: uniqueName("runs"))
        let name = fleet.runs(of: "default")
        func agent(_ name: String) -> BrokerRunQueue {
            BrokerRunQueue(
                cluster: "default", fleet: fleet, topology: Topology(), address: address, capacity: 32, agent: name,
                logger: quietLogger)
        }
        let publisher = BrokerPublisher(
            address: address, topology: Topology(queues: [QueueDeclaration(name: name)]), logger: quietLogger,
            name: "test publisher")
        try await publisher.waitUntilConnected()
        let bodies = [Self.dispatch([1, 2]), "no message", Self.dispatch([3, 4])]
        let outcomes = await publisher.publish(
            bodies.map {
                OutgoingMessage(
                    exchange: "", routingKey: name, messageID: UUID().uuidString, type: RunsDispatched.type,
                    body: Array($0.utf8), mandatory: true)
            })
        #expect(outcomes.allSatisfy { $0 == .confirmed })

        let first = agent("first")
        var taken: [QueuedRuns] = []
        while taken.count < 2 { taken += try await first.next(maximum: 32) }
        #expect(taken.map(\.builds) == [[BuildID(1), BuildID(2)], [BuildID(3), BuildID(4)]])
        await first.acknowledge([taken[0]])
        await first.setRoom(0)
        await first.giveBack([taken[1]])

        let second = agent("second")
        let again = try await second.next(maximum: 32)
        #expect(again.map(\.builds) == [taken[1].builds])
        await second.acknowledge(again)
        // What was not acknowledged would be ready again.
        await first.close()
        await second.close()
        #expect(try await Broker.queueDepth(address: address, queue: name).ready == 0)
        await publisher.close()
        try await Broker.deleteQueue(address: address, queue: name)
    }

    private static func dispatch(_ builds: [Int]) -> String {
        """
        {"id":"\(UUID().uuidString)","type":"run.dispatched","version":2,"subject":"cluster/default",\
        "subject_version":0,"time":1,"data":{"cluster":"default","builds":[\(builds.map { "\"\($0)\"" }.joined(separator: ","))]}}
        """
    }
}
