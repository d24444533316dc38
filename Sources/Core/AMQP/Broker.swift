package import Logging
import SocketLoop

/// Questions to a broker that need no standing connection.
package enum Broker {
    /// Messages ready and consumers of a queue. Throws `.closedByBroker` with code 404 when it does not exist.
    package static func queueDepth(
        address: BrokerAddress, queue: String
    ) async throws(BrokerError) -> (ready: Int, consumers: Int) {
        try await ask(address) { link throws(BrokerError) in try link.depth(of: queue) }
    }

    /// Deletes a queue with its messages, whose number it returns; 0 when the queue did not exist.
    @discardableResult
    package static func deleteQueue(address: BrokerAddress, queue: String) async throws(BrokerError) -> Int {
        try await ask(address) { link throws(BrokerError) in try link.deleteQueue(queue) }
    }

    /// Returns when the broker accepts a login. Says so in one line when it starts waiting, one each 10 s and one when
    /// the broker is there. Throws what waiting cannot change: wrong password or virtual host, bad certificate.
    package static func waitUntilReachable(address: BrokerAddress, logger: Logger) async throws {
        let start = ContinuousClock.now
        var lastWord: ContinuousClock.Instant?
        var pause = Duration.milliseconds(50)
        while true {
            do throws(BrokerError) {
                try await ask(address) { _ in }
                if lastWord != nil {
                    logger.info("RabbitMQ at \(address.endpoint) is back after \((.now - start).components.seconds) s")
                }
                return
            } catch {
                if error.isPermanent { throw error }
                if lastWord.map({ .now - $0 >= .seconds(10) }) ?? true {
                    let waited = lastWord == nil ? "" : " since \((.now - start).components.seconds) s"
                    lastWord = .now
                    logger.warning("waiting for RabbitMQ at \(address.endpoint)\(waited): \(error.reason)")
                }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    private static func ask<R: Sendable>(
        _ address: BrokerAddress, _ body: @escaping @Sendable (Link) throws(BrokerError) -> R
    ) async throws(BrokerError) -> R {
        let result = await onBlockingThread("amqp question") {
            Result { () throws(BrokerError) -> R in
                let link = try Link(address: address, name: "slipway question")
                defer { link.close() }
                return try body(link)
            }
        }
        return try result.get()
    }
}
