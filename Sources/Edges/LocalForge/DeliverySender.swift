import AsyncHTTPClient
import Forge
import FoundationEssentials
import Logging
import NIOCore
import NIOHTTP1

/// Delivers events: each repository's in order, one attempt each, ten seconds at most. As at GitHub, what fails stays
/// listed and is sent again only when asked for. Also takes in pushes whose sender went away before they were.
struct DeliverySender: Sendable {
    let logger: Logger

    static let timeout = TimeAmount.seconds(10)

    /// Works for every repository of the directory until cancelled: one task for each.
    func run(_ directory: RepositoryDirectory) async {
        await withDiscardingTaskGroup { group in
            for await host in directory.opened {
                group.addTask { await deliver(host) }
            }
        }
    }

    private func deliver(_ host: RepositoryHost) async {
        for await _ in host.wakes {
            do {
                if await host.pushesWereLeft {
                    try await host.takePushes(pusher: LocalForgeConfiguration.adminLogin)
                }
                guard let hook = host.site.hook else { continue }
                while !Task.isCancelled, let (delivery, payload) = try await host.nextDelivery() {
                    let outcome = await attempt(delivery, payload, hook, host)
                    if Task.isCancelled, outcome.statusCode == 0 { return }
                    try await host.record(outcome, of: delivery.id)
                    if outcome.statusCode < 200 || outcome.statusCode > 299 {
                        logger.warning(
                            "the \(delivery.event) delivery \(delivery.guid) of \(host.name) to \(hook.url) failed: \(outcome.statusCode) \(outcome.status)"
                        )
                    }
                }
            } catch {
                logger.error("deliveries of \(host.name) cannot be read or recorded: \(error)")
            }
        }
    }

    private func attempt(
        _ delivery: RepositoryState.Delivery, _ payload: [UInt8], _ hook: ForgeSite.Hook, _ host: RepositoryHost
    ) async -> RepositoryState.Delivery.Outcome {
        var request = HTTPClientRequest(url: hook.url)
        request.method = .POST
        for (name, value) in await Self.headers(delivery, payload, hook, host) {
            request.headers.add(name: name, value: value)
        }
        request.body = .bytes(payload)
        let clock = ContinuousClock()
        let start = clock.now
        func outcome(_ code: Int, _ status: String, _ body: String) -> RepositoryState.Delivery.Outcome {
            let (seconds, attoseconds) = (clock.now - start).components
            return RepositoryState.Delivery.Outcome(
                deliveredAt: .now(), duration: Double(seconds) + Double(attoseconds) / 1e18, statusCode: code,
                status: status, body: body)
        }
        do {
            let response = try await ForgeHTTP.client.execute(request, timeout: Self.timeout)
            let body = (try? await response.body.collect(upTo: 64 << 10)).map { String(buffer: $0) } ?? ""
            let code = Int(response.status.code)
            return outcome(
                code, (200..<300).contains(code) ? "OK" : "Invalid HTTP Response: \(code)", String(body.prefix(4000)))
        } catch {
            return outcome(0, "failed to connect or timed out: \(error)", "")
        }
    }

    /// The headers of a delivery, as GitHub sends them.
    static func headers(
        _ delivery: RepositoryState.Delivery, _ payload: [UInt8], _ hook: ForgeSite.Hook, _ host: RepositoryHost
    ) async -> [(String, String)] {
        [
            ("User-Agent", "GitHub-Hookshot/LocalForge"), ("Content-Type", "application/json"), ("Accept", "*/*"),
            ("X-GitHub-Event", delivery.event), ("X-GitHub-Delivery", delivery.guid),
            ("X-GitHub-Hook-ID", "\(ForgeSite.Hook.id)"),
            ("X-GitHub-Hook-Installation-Target-Type", "repository"),
            ("X-GitHub-Hook-Installation-Target-ID", "\(await host.state.id)"),
            (WebhookSignature.headerName, WebhookSignature.header(for: payload, secret: hook.secret)),
        ]
    }
}
