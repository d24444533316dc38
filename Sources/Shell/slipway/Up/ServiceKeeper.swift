import AMQP
import LocalServices
import Logging

/// Starts a fleet's own PostgreSQL and RabbitMQ again: when one has ended, and when RabbitMQ runs and keeps nothing.
///
/// RabbitMQ gives up its quorum queues, all of them and for good, when their log could not be written several times, the
/// disk being full; the node goes on as if nothing were missing (seen with 3.10). What the queues held comes from the
/// outbox again.
struct ServiceKeeper: Sendable {
    let services: PrivateServices
    let amqpURL: String
    let logger: Logger

    /// Nobody reads it, and it keeps one message.
    private static let queue = QueueDeclaration(name: "slipway.watch", arguments: ["x-max-length": .integer(1)])
    private static let pause = Duration.seconds(10)
    /// How long a confirm may take, and how many in a row may not come.
    private static let patience = Duration.seconds(15)
    private static let limit = 2

    /// Runs until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await restartEnded() }
            group.addTask { await watchBroker() }
        }
    }

    private func restartEnded() async {
        for await service in services.unexpectedEndings {
            logger.error("\(service) ended although nobody stopped it; it is started again")
            await start(service)
        }
    }

    private func watchBroker() async {
        guard let address = try? BrokerAddress(url: amqpURL) else { return }
        let publisher = BrokerPublisher(
            address: address, topology: Topology(queues: [Self.queue]), logger: Self.silent, name: "slipway watch")
        var missing = 0
        while (try? await Task.sleep(for: Self.pause)) != nil {
            let isKept = await isConfirmed(by: publisher)
            // Without memory or disk it says so, and takes messages again by itself.
            let isExcused = await publisher.isBlocked
            let isRunning = await services.isAnswering(.rabbitMQ)
            missing = isKept || isExcused || !isRunning ? 0 : missing + 1
            guard missing >= Self.limit, !Task.isCancelled else { continue }
            logger.error("RabbitMQ runs and keeps no messages; it is started again")
            missing = 0
            await services.stop(.rabbitMQ)
            await start(.rabbitMQ)
        }
        await publisher.close()
    }

    private func isConfirmed(by publisher: BrokerPublisher) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                let message = OutgoingMessage(
                    exchange: "", routingKey: Self.queue.name, messageID: "watch", type: "watch", body: [])
                return await publisher.publish([message]) == [.confirmed]
            }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// Again and again, until it runs: what keeps it from starting, a full disk for example, may pass.
    private func start(_ service: PrivateService) async {
        var said: String?
        while !Task.isCancelled {
            do {
                try await services.start(service)
                return
            } catch {
                if said != "\(error)" {
                    logger.error("\(service) could not be started again, next try follows: \(error)")
                }
                said = "\(error)"
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// What the publisher says of the connection, the fleet's processes say as well.
    private static let silent = Logger(label: "slipway.up") { _ in SwiftLogNoOpLogHandler() }
}
