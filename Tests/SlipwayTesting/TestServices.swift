package import AMQP
import FoundationEssentials
import Glibc
import LocalServices
package import Logging
import Postgres

/// The private PostgreSQL and RabbitMQ of this test process: each starts when the first test asks for it, without
/// durability, in a temporary folder that goes with the process, however it ends.
package actor TestServices {
    package static let shared = TestServices()

    private let services: PrivateServices
    private var starting: [PrivateService: Task<ServiceEndpoints, any Error>] = [:]

    init() {
        let name = UUID().uuidString.lowercased().prefix(13)
        services = PrivateServices(
            folder: FileManager.default.temporaryDirectory.path + "/slipway-tests-\(name)", durability: .relaxed,
            retention: .remove)
    }

    /// `postgresql://…` of an administrator; `withDatabase` gives each test a database of its own.
    package func databaseURL() async throws -> String { try await started(.postgreSQL).databaseURL }

    /// `amqp://…` of an administrator. Tests share the broker; `uniqueName` keeps them apart.
    package func amqpURL() async throws -> String { try await started(.rabbitMQ).amqpURL }

    package func brokerAddress() async throws -> BrokerAddress { try BrokerAddress(url: await amqpURL()) }

    private func started(_ service: PrivateService) async throws -> ServiceEndpoints {
        let task =
            starting[service]
            ?? Task { [services] in try await services.start(service) }
        starting[service] = task
        return try await task.value
    }
}

/// A name that no other test uses, below the names that Slipway's broker policies apply to: prefixes of a
/// `FleetTopology`, exchanges, queues.
package func uniqueName(_ hint: String = "test") -> String {
    "slipway.\(hint).\(UUID().uuidString.lowercased().prefix(13))"
}

/// A logger that keeps the tests' output short.
package let quietLogger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
