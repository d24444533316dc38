import AMQP
import FoundationEssentials
import LocalServices
import Postgres

/// A proxy before each service, through which those parts of a fleet reach it that are elsewhere.
struct FaultNetwork: Sendable {
    let database: TCPProxy
    let broker: TCPProxy
    /// Before the forge that this program plays; the whole fleet speaks through it.
    let forge: TCPProxy
    /// Before the gateway: the forge's deliveries pass it.
    let gateway: TCPProxy

    init(_ fleet: MeasuredFleet, forge: TCPProxy) async throws {
        database = try await TCPProxy(to: Self.port(of: try fleet.variable("DATABASE_URL")))
        broker = try await TCPProxy(to: Self.port(of: try fleet.variable("AMQP_URL")))
        gateway = try await TCPProxy(to: Self.port(of: fleet.gatewayURL))
        self.forge = forge
    }

    var gatewayURL: String { "http://127.0.0.1:\(gateway.port)" }

    /// The fleet's environment with the proxies in the places of the services.
    func environment(of fleet: MeasuredFleet) throws -> [String: String] {
        var variables = fleet.environment
        for (name, proxy) in [("DATABASE_URL", database), ("AMQP_URL", broker)] {
            let url = try fleet.variable(name)
            variables[name] =
                url.replacing(":\(try Self.port(of: url))", with: ":\(proxy.port)") + Self.impatience[name, default: ""]
        }
        return variables
    }

    /// Half-open connections are noticed in seconds, so that more can be made of them.
    private static let impatience = ["DATABASE_URL": "?tcp_user_timeout=8000", "AMQP_URL": "?heartbeat=4"]

    private static func port(of url: String) throws -> Int {
        guard let port = URL(string: url)?.port else { throw MeasuredFleetError("\(url) names no port") }
        return port
    }
}

extension TCPProxy {
    /// Lets nothing pass over the connections that are open, then all of it.
    func stall(for length: Duration) async throws {
        hold()
        let slept: ()? = try? await Task.sleep(for: length)
        release()
        if slept == nil { throw CancellationError() }
    }

    /// Ends connections after a few more bytes, again and again: in the middle of whatever is being said.
    func cut(for length: Duration) async throws {
        let end = ContinuousClock.now + length
        while ContinuousClock.now < end {
            cut(afterBytes: .random(in: 1...500), .toClient)
            cut(afterBytes: .random(in: 1...500), .toServer)
            try await Task.sleep(for: .milliseconds(250))
        }
        cut(afterBytes: .max, .toClient)
        cut(afterBytes: .max, .toServer)
    }
}
