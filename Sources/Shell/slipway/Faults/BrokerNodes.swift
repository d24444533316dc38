import FoundationEssentials
import Glibc
import LocalServices

/// A broker of several nodes, behind a proxy that leads to one that lives, as a load balancer would.
struct BrokerNodes: Sendable {
    let cluster: BrokerCluster
    let proxy: TCPProxy

    var url: String { cluster.url(port: proxy.port) }

    /// Runs them for the length of `body`; with one node there are none, and the fleet has a broker of its own.
    static func run<Result>(_ count: Int, _ body: (BrokerNodes?) async throws -> Result) async throws -> Result {
        guard count > 1 else { return try await body(nil) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "slipway-brokers-\(getpid())").path
        let cluster = try BrokerCluster(folder: folder, size: count)
        let outcome: Swift.Result<Result, any Error>
        do {
            try await cluster.start()
            let proxy = try await TCPProxy(to: cluster.ports[0])
            outcome = .success(try await body(BrokerNodes(cluster: cluster, proxy: proxy)))
        } catch {
            outcome = .failure(error)
        }
        await cluster.stop()
        return try outcome.get()
    }
}
