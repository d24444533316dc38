import FoundationEssentials
import Glibc
import Logging
import RoomKit

/// What belongs to a fleet and is not kept by its supervisor, as on another machine: a worker, and an agent that
/// executes processes. They outlive the fleet's supervisor, and reach its services through proxies.
struct Elsewhere: Sendable {
    static let agentName = "processes"

    let folder: String
    private let environment: [String: String]
    private let executable: String

    init(_ fleet: MeasuredFleet, _ network: FaultNetwork, _ artifacts: SmallVolume) throws {
        folder = fleet.folder + "/elsewhere"
        environment = try network.environment(of: fleet)
            .merging(["SLIPWAY_ARTIFACTS_FOLDER": artifacts.folder]) { $1 }
        executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        try FileManager.default.createDirectory(atPath: folder + "/log", withIntermediateDirectories: true)
    }

    /// Keeps them alive until the task is cancelled.
    func run() async throws {
        guard let identity = ProcessIdentity(pid: getpid()) else { throw MeasuredFleetError("/proc is not mounted") }
        let supervisor = try Supervisor(
            folder: folder, executable: executable, identity: identity,
            logger: Logger(label: "slipway.bench") { _ in SwiftLogNoOpLogHandler() })
        await supervisor.run([
            Child(name: "worker", role: "worker", arguments: ["worker"], environment: environment),
            agent(Self.agentName),
        ])
    }

    /// Runs one more agent, with a clock that is wrong by so many seconds, for a while after it has started.
    func runAgent(clock seconds: String, for length: Duration) async throws {
        let library = URL(filePath: executable).deletingLastPathComponent().appending(path: "libslipway-clock.so").path
        guard FileManager.default.fileExists(atPath: library) else {
            throw MeasuredFleetError(
                "there is no \(library); 'swift build -c release --product slipway-clock' builds it")
        }
        let agent = agent("clock", ["LD_PRELOAD": library, "CLOCK_SHIFT": seconds])
        let log = "\(folder)/log/clock.log"
        let before = starts(in: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [executable] in
                let status = try await agent.run(executable, log: log)
                throw MeasuredFleetError("the agent ended (\(status)); its log is \(log)")
            }
            group.addTask {
                try await waitUntil("the agent starts; its log is \(log)") { starts(in: log) > before ? true : nil }
                try await Task.sleep(for: length)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func starts(in log: String) -> Int { lines(of: log).count { $0.hasSuffix("agent is ready") } }

    private func lines(of log: String) -> [Substring] {
        let bytes = FileManager.default.contents(atPath: log) ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    private func agent(_ name: String, _ further: [String: String] = [:]) -> Child {
        Child(
            name: name, role: "agent", arguments: ["agent"],
            environment: environment.merging([
                "SLIPWAY_AGENT_NAME": name, "SLIPWAY_AGENT_CLUSTER": FaultLoad.processCluster,
                "SLIPWAY_AGENT_CAPACITY": "8", "SLIPWAY_LOG_LEVEL": "info",
                "SLIPWAY_AGENT_WORKSPACE_FOLDER": "\(folder)/work-\(name)",
            ]) { $1 }.merging(further) { $1 })
    }

    /// The agent that runs now.
    func agent() async throws -> ProcessIdentity {
        try await waitUntil("the agent with processes runs; its log is in \(folder)/log") {
            SupervisorState.read(from: folder)?.living.first { $0.name == Self.agentName }?.process
        }
    }

    /// Results so far that came after the claim was lost, by the agent's log.
    var refusals: Int {
        lines(of: "\(folder)/log/\(Self.agentName).log").count {
            $0.hasSuffix("nothing of it is published") || $0.hasSuffix("(no longer this agent's)")
        }
    }
}
