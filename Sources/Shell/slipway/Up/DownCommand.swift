import ArgumentParser
import FoundationEssentials
import Glibc
import RoomKit

struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the fleet of a data folder and wait until every process of it is gone.")

    @Option(help: "The folder that 'slipway up' was given.", completion: .directory)
    var data: String?

    @OptionGroup var options: CommandOptions

    func run() async throws {
        var settings = try options.settings()
        try settings.set("data.folder", data)
        let folder = URL(filePath: settings.dataFolder).standardizedFileURL.path
        guard let state = SupervisorState.read(from: folder), !state.living.isEmpty else {
            print("nothing runs in \(folder)")
            return
        }
        let members = state.living
        // Without its supervisor the rest ends by itself, but is told all the same.
        let told = state.supervisor.isAlive ? [state.supervisor] : members.map(\.process)
        for process in told { process.send(SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(60)
        while members.contains(where: \.process.isAlive) {
            guard ContinuousClock.now < deadline else {
                for member in members where member.process.isAlive {
                    print("\(member.name) (process \(member.process.pid)) did not end within a minute and is killed")
                    member.process.send(SIGKILL)
                }
                break
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        for member in members { print("stopped \(member.name) (process \(member.process.pid))") }
    }
}

struct Processes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the processes of a data folder's fleet.")

    private struct Line: Encodable {
        var name: String
        var role: String
        var pid: Int32
    }

    @Option(help: "The folder that 'slipway up' was given.", completion: .directory)
    var data: String?

    @Option(help: "Only processes of this role.")
    var role: String?

    @Flag(help: "Only the process id of the first one.")
    var first = false

    @Flag(help: "Only process ids, a line each.")
    var pids = false

    @OptionGroup var options: CommandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = try options.settings()
        try settings.set("data.folder", data)
        let folder = URL(filePath: settings.dataFolder).standardizedFileURL.path
        let members = (SupervisorState.read(from: folder)?.living ?? []).filter { role == nil || $0.role == role }
        let lines = members.map { Line(name: $0.name, role: $0.role, pid: $0.process.pid) }
        guard let line = lines.first else {
            throw SettingsError("nothing\(role.map { " of role \($0)" } ?? "") runs in \(folder)")
        }
        if first {
            print(line.pid)
        } else if pids {
            for line in lines { print(line.pid) }
        } else {
            try output.print(
                lines, columns: [("NAME", { $0.name }), ("ROLE", { $0.role }), ("PID", { "\($0.pid)" })], empty: "")
        }
    }
}
