import FoundationEssentials
import LocalForge
import RoomKit

/// The fleet of one machine: which processes it has, and the environment that ties them together.
struct LocalFleet: Sendable {
    let folder: String
    let port: Int
    let forgePort: Int
    let databaseURL: String
    let amqpURL: String
    /// nil where settings name another forge.
    let forge: LocalForgeSecrets?
    let settings: Settings
    let workers: Int
    let agents: Int
    let executor: AgentExecutor

    var gatewayURL: String { "http://127.0.0.1:\(port)" }
    var forgeURL: String { forge == nil ? settings.forgeURL : "http://127.0.0.1:\(forgePort)" }

    /// What every role of this fleet is told.
    var environment: [String: String] {
        var variables = [
            "DATABASE_URL": databaseURL, "AMQP_URL": amqpURL, "SLIPWAY_DATA_FOLDER": folder,
            "SLIPWAY_GATEWAY_PORT": "\(port)", "SLIPWAY_FORGE_URL": forgeURL,
            "SLIPWAY_GATEWAY_PUBLIC_URL": settings.publicURL ?? gatewayURL,
        ]
        if let forge {
            variables["SLIPWAY_FORGE_TOKEN"] = forge.botToken
            variables["SLIPWAY_WEBHOOK_SECRETS"] = forge.hookSecret
            variables["SLIPWAY_LOGIN_CLIENT_ID"] = LocalForgeSecrets.oauthID
            variables["SLIPWAY_LOGIN_CLIENT_SECRET"] = forge.oauthSecret
        }
        return variables
    }

    /// A gateway, the workers and agents, and a forge where none is configured.
    var children: [Child] {
        var children = [Child(name: "gateway", role: "gateway", arguments: ["gateway"], environment: environment)]
        for number in 0..<workers {
            children.append(
                Child(name: "worker-\(number + 1)", role: "worker", arguments: ["worker"], environment: environment))
        }
        for number in 0..<agents {
            let name = "agent-\(number + 1)"
            children.append(
                Child(
                    name: name, role: "agent",
                    arguments: ["agent"] + (executor == .process ? [] : ["--executor", executor.rawValue]),
                    environment: environment.merging(["SLIPWAY_AGENT_NAME": name]) { $1 }))
        }
        if forge != nil {
            children.append(
                Child(
                    name: "forge", role: "forge", arguments: ["forge", "serve", "--port", "\(forgePort)"],
                    environment: environment))
        }
        return children
    }

    /// `environment` in the data folder: what a shell sources to use the fleet's tools. Holds secrets.
    func writeEnvironment(token: String) throws {
        var variables = environment
        variables["SLIPWAY_TOKEN"] = token
        let text = variables.sorted { $0.key < $1.key }
            .map { "\($0.key)='\($0.value.replacing("'", with: "'\\''"))'\n" }.joined()
        let path = Self.environmentPath(folder)
        try Data().write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    static func environmentPath(_ folder: String) -> String { folder + "/environment" }

    /// What an earlier start wrote; empty where there was none.
    static func readEnvironment(_ folder: String) -> [String: String] {
        guard let bytes = FileManager.default.contents(atPath: environmentPath(folder)) else { return [:] }
        var variables: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[1].count >= 2 else { continue }
            variables[String(parts[0])] = String(parts[1].dropFirst().dropLast()).replacing("'\\''", with: "'")
        }
        return variables
    }
}
