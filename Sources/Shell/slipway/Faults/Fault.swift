import ArgumentParser

/// What can be done to a fleet on purpose. Each names the part that suffers and what happens to it.
package enum Fault: String, CaseIterable, Codable, Sendable, ExpressibleByArgument {
    case gatewayKilled, gatewayTerminated, gatewayAway
    case workerKilled, workerTerminated, workersKilled, workerFrozen
    case agentKilled, agentTerminated
    case processAgentKilled, processAgentTerminated, processAgentFrozen
    case supervisorKilled, supervisorTerminated
    case brokerKilled, brokerBlocked, workerQueueDeleted, clusterQueueDeleted
    case databaseKilled, databaseShutDown, databaseSessionsEnded, databaseRowsHeld, databaseFull
    case forgeGone, forgeSilent, forgeFailing, forgeForbidding, forgeLimiting
    case databaseDeadlocked
    case databaseNetworkStalled, databaseNetworkCut, databaseNetworkHalfOpen
    case brokerNetworkStalled, brokerNetworkCut, brokerNetworkHalfOpen
    case forgeNetworkStalled, forgeNetworkCut, forgeNetworkHalfOpen
    case gatewayNetworkStalled, gatewayNetworkCut, gatewayNetworkHalfOpen
    case artifactsFull, agentClockAhead, agentClockBehind
    case brokerNodeKilled
    case diskFull

    /// Whether it can be done to a broker of one node, or of several, and to a fleet on a disk of its own, or not.
    package func fits(brokerNodes: Int, smallDisk: Bool) -> Bool {
        switch self {
        case .brokerKilled, .brokerBlocked: brokerNodes == 1
        case .brokerNodeKilled: brokerNodes > 1
        case .diskFull: smallDisk
        default: true
        }
    }

    /// For the table.
    package var title: String {
        switch self {
        case .gatewayKilled: "gateway: kill -9"
        case .gatewayTerminated: "gateway: SIGTERM"
        case .gatewayAway: "gateway: killed whenever it starts, while the forge sends"
        case .workerKilled: "a worker: kill -9"
        case .workerTerminated: "a worker: SIGTERM"
        case .workersKilled: "every worker at once: kill -9"
        case .workerFrozen: "a worker: stopped, then continued"
        case .agentKilled: "agent: kill -9"
        case .agentTerminated: "agent: SIGTERM"
        case .processAgentKilled: "agent with processes: kill -9"
        case .processAgentTerminated: "agent with processes: SIGTERM"
        case .processAgentFrozen: "agent with processes: stopped past its claim, then continued"
        case .supervisorKilled: "supervisor: kill -9, started again"
        case .supervisorTerminated: "supervisor: SIGTERM, started again"
        case .brokerKilled: "RabbitMQ: kill -9"
        case .brokerBlocked: "RabbitMQ: memory alarm"
        case .workerQueueDeleted: "RabbitMQ: a worker's queue deleted"
        case .clusterQueueDeleted: "RabbitMQ: a cluster's queue deleted"
        case .databaseKilled: "PostgreSQL: kill -9"
        case .databaseShutDown: "PostgreSQL: immediate shutdown"
        case .databaseSessionsEnded: "PostgreSQL: every session terminated"
        case .databaseRowsHeld: "PostgreSQL: unfinished runs locked by an idle transaction"
        case .databaseFull: "PostgreSQL: connection limit reached"
        case .forgeGone: "forge: refuses connections"
        case .forgeSilent: "forge: answers nothing"
        case .forgeFailing: "forge: answers 500"
        case .forgeForbidding: "forge: answers 403 (secondary limit)"
        case .forgeLimiting: "forge: answers 429"
        case .databaseDeadlocked: "PostgreSQL: unfinished runs locked in the opposite order"
        case .databaseNetworkStalled: "network to PostgreSQL: nothing passes"
        case .databaseNetworkCut: "network to PostgreSQL: cut in the middle of messages"
        case .databaseNetworkHalfOpen: "network to PostgreSQL: connections left half open"
        case .brokerNetworkStalled: "network to RabbitMQ: nothing passes"
        case .brokerNetworkCut: "network to RabbitMQ: cut in the middle of frames"
        case .brokerNetworkHalfOpen: "network to RabbitMQ: connections left half open"
        case .forgeNetworkStalled: "network to the forge: nothing passes"
        case .forgeNetworkCut: "network to the forge: cut in the middle of calls"
        case .forgeNetworkHalfOpen: "network to the forge: connections left half open"
        case .gatewayNetworkStalled: "network from the forge to the gateway: nothing passes"
        case .gatewayNetworkCut: "network from the forge to the gateway: cut in the middle of deliveries"
        case .gatewayNetworkHalfOpen: "network from the forge to the gateway: connections left half open"
        case .brokerNodeKilled: "RabbitMQ of three nodes: kill -9 of one"
        case .artifactsFull: "artifact store: full"
        case .diskFull: "the disk of services and fleet: full"
        case .agentClockAhead: "a second agent with processes, its clock an hour ahead"
        case .agentClockBehind: "a second agent with processes, its clock an hour behind"
        }
    }
}

/// One fault at a moment of its own.
package struct Injection: Hashable, Sendable {
    package var fault: Fault
    /// Seconds of undisturbed load before it.
    package var pause: Double
    /// Which one suffers, where there are several: any number, taken modulo their count.
    package var choice: Int
}

/// Which fault comes next: every one once in an order of chance, then every one again in another order. Equal seeds give
/// equal sequences. Pure, and endless.
package struct FaultSchedule: Sequence, IteratorProtocol {
    private let faults: [Fault]
    private var generator: SplitMix64
    private var rest: [Fault] = []

    package init(seed: UInt64, faults: [Fault] = Fault.allCases) {
        self.faults = faults
        generator = SplitMix64(seed: seed)
    }

    package mutating func next() -> Injection? {
        if rest.isEmpty { rest = faults.shuffled(using: &generator) }
        return rest.popLast().map { fault in
            Injection(
                fault: fault, pause: Double.random(in: 0..<1, using: &generator),
                choice: Int.random(in: 0..<1000, using: &generator))
        }
    }
}

/// Numbers of chance that a seed repeats. Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
