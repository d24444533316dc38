import AsyncHTTPClient
import Foundation
import LocalServices
import NIOCore
import NIOHTTP1
import SlipwayTesting
import Subprocess
import SystemPackage
import Testing
import Yams

/// compose.yaml as far as it can be tried without containers: each role's command and environment, as a process beside a
/// running fleet's services.
@Suite(.liveFleet, .serialized) struct ComposeTests {
    private struct File: Decodable {
        struct Service: Decodable {
            var command: [String]?
            var environment: [String: String]?
        }

        var services: [String: Service]
    }

    private static func service(_ name: String) throws -> File.Service {
        let text = try String(contentsOfFile: LiveFleet.checkout + "/compose.yaml", encoding: .utf8)
        return try #require(try YAMLDecoder().decode(File.self, from: text).services[name], "no service \(name)")
    }

    @Test(arguments: ["gateway", "worker", "agent"])
    func aRoleBecomesReadyByItsDeclaration(_ role: String) async throws {
        let fleet = try LiveFleet.current
        let service = try Self.service(role)
        var ports = FreePorts()
        let port = try ports.choose()
        _ = consume ports
        var environment = try #require(service.environment)
        // What compose itself puts in: names of services, passwords, volumes, ports of a network of its own.
        for name in ["DATABASE_URL", "AMQP_URL", "SLIPWAY_FORGE_URL", "SLIPWAY_FORGE_TOKEN", "SLIPWAY_WEBHOOK_SECRETS"]
        {
            #expect(environment[name] != nil, "\(name) is not declared for \(role)")
            environment[name] = fleet.environment[name]
        }
        environment["SLIPWAY_ARTIFACTS_FOLDER"] = fleet.folder + "/artifacts"
        environment["SLIPWAY_DATA_FOLDER"] = fleet.folder + "/compose"
        for (key, value) in environment where value == "0.0.0.0" { environment[key] = "127.0.0.1" }
        environment[role == "gateway" ? "SLIPWAY_GATEWAY_PORT" : "SLIPWAY_HEALTH_PORT"] = "\(port)"
        environment["SLIPWAY_LIFELINE"] = "stdin"
        var variables: [Environment.Key: String] = ["PATH": "/usr/bin:/bin"]
        for (key, value) in environment { variables[Environment.Key(stringLiteral: key)] = value }
        _ = try await Subprocess.run(
            .path(FilePath(LiveFleet.binary)), arguments: Arguments(try #require(service.command)),
            environment: .custom(variables), input: .inputWriter, output: .discarded, error: .discarded
        ) { execution in
            try await eventually("\(role) is ready", within: .seconds(60)) {
                let response = try? await HTTPClient.shared.execute(
                    HTTPClientRequest(url: "http://127.0.0.1:\(port)/readyz"), timeout: .seconds(5))
                return response?.status == .ok
            }
            try await execution.standardInputWriter.finish()
        }
    }

    @Test func migrateEndsWell() async throws {
        let command = try #require(try Self.service("migrate").command)
        #expect(command == ["migrate"])
        try await LiveFleet.current.slipway("migrate")
    }
}
