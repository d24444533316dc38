import AsyncHTTPClient
import Fleet
import Forge
import FoundationEssentials
import Logging
import NIOCore
import NIOHTTP1
import Postgres
import RoomKit
import Synchronization

/// Sends deliveries on to external plugins, with the forge's own headers, bytes and signature. Every plugin is served
/// by a task of its own: one that hangs keeps nobody waiting.
final class PluginSender: Sendable {
    private static let batch = 8
    private static let concurrentCalls = 4
    private static let timeout = TimeAmount.seconds(10)

    private let database: PostgresPool
    private let secrets: [Secret]
    private let logger: Logger
    private let busy = Mutex<Set<String>>([])
    /// Told when there is something new to send.
    let wake = WakeUp()

    init(database: PostgresPool, secrets: [Secret], logger: Logger) {
        self.database = database
        self.secrets = secrets
        self.logger = logger
    }

    /// Works until cancelled.
    var chore: Chore {
        Chore(name: "plugin-forwards", every: .seconds(5)) { [self] in
            try await withThrowingDiscardingTaskGroup { group in
                repeat {
                    for row in try await database.execute(PluginStore.dueEndpoints) {
                        let endpoint = try row.decode(String.self)
                        guard busy.withLock({ $0.insert(endpoint).inserted }) else { continue }
                        group.addTask {
                            defer { self.busy.withLock { _ = $0.remove(endpoint) } }
                            try await self.serve(endpoint)
                        }
                    }
                } while await wake.wait(atMost: .seconds(1))
            }
        }
    }

    private struct Forward: Sendable {
        var deliveryID: String
        var plugin: String
        var attempts: Int
        /// Seconds.
        var age: Double
        var event: String
        var headers: [String: String]
        var payload: [UInt8]
    }

    /// Sends what is due at one plugin; a failure ends it, and its own time begins it again.
    private func serve(_ endpoint: String) async throws {
        while !Task.isCancelled {
            let forwards = try await database.execute(PluginStore.claim, endpoint, Self.batch).map { row in
                let (id, plugin, attempts, age, event, headers, payload) = try row.decode(
                    (String, String, Int, Double, String, JSON<[String: String]>, String).self)
                return Forward(
                    deliveryID: id, plugin: plugin, attempts: attempts, age: age, event: event,
                    headers: headers.value, payload: Array(payload.utf8))
            }
            guard !forwards.isEmpty else { return }
            let isWell = try await withThrowingTaskGroup(of: Bool.self) { group in
                var isWell = true
                for (index, forward) in forwards.enumerated() {
                    if index >= Self.concurrentCalls, try await group.next() == false { isWell = false }
                    group.addTask { try await self.send(forward, to: endpoint) }
                }
                for try await success in group where !success { isWell = false }
                return isWell
            }
            guard isWell else { return }
        }
    }

    /// - Returns: false where the plugin could not take it now.
    private func send(_ forward: Forward, to endpoint: String) async throws -> Bool {
        var request = HTTPClientRequest(url: endpoint)
        request.method = .POST
        for (name, value) in headers(of: forward) { request.headers.add(name: name, value: value) }
        request.body = .bytes(forward.payload)
        var status: Int?
        var problem: String
        do {
            let response = try await ForgeHTTP.client.execute(request, timeout: Self.timeout)
            status = Int(response.status.code)
            let words = try? await response.body.collect(upTo: 4 << 10)
            problem = "answered \(response.status.code) \(words.map { String(buffer: $0).prefix(300) } ?? "")"
        } catch {
            if Task.isCancelled { throw CancellationError() }
            problem = "got no answer: \(error)"
        }
        switch ForwardVerdict(status: status, attempts: forward.attempts, age: forward.age) {
        case .done:
            try await database.execute(
                PluginStore.settle, forward.deliveryID, endpoint, forward.attempts, String?.none)
            return true
        case .givenUp:
            logger.warning(
                "the plugin \(forward.plugin) never gets the \(forward.event) delivery \(forward.deliveryID): \(problem)"
            )
            try await database.execute(
                PluginStore.settle, forward.deliveryID, endpoint, forward.attempts, problem)
            return true
        case .again(let seconds):
            logger.info(
                "the plugin \(forward.plugin) gets the \(forward.event) delivery \(forward.deliveryID) later: \(problem)"
            )
            try await database.execute(
                PluginStore.postpone, forward.deliveryID, endpoint, forward.attempts, seconds, problem)
            return false
        }
    }

    /// As the forge sent them. The signature is made anew where what is stored is not what it was made for: deliveries
    /// are stored without characters that PostgreSQL has not.
    private func headers(of forward: Forward) -> [String: String] {
        var headers = forward.headers
        let name = WebhookSignature.headerName.lowercased()
        let all = secrets.map(\.reveal)
        if let newest = all.first,
            !WebhookSignature.verify(header: headers[name], body: forward.payload, secrets: all)
        {
            headers[name] = WebhookSignature.header(for: forward.payload, secret: newest)
            // The older one, of SHA-1, is wrong as well, and no plugin has to have it.
            headers["x-hub-signature"] = nil
        }
        return headers
    }
}
