import CLinux
import Glibc
import Subprocess
import SystemPackage

/// One process of the fleet that the supervisor keeps alive: this executable, in one of its roles.
struct Child: Sendable {
    let name: String
    let role: String
    let arguments: [String]
    let environment: [String: String]

    /// Runs until the process ends, or until the task is cancelled: then it gets SIGTERM and, 35 s later, SIGKILL.
    ///
    /// - Parameters:
    ///   - executable: path of this program.
    ///   - log: a file its output is appended to; nil drops it.
    /// - Returns: how it ended, in words.
    @discardableResult
    func run(
        _ executable: String, log: String?, onStart: @escaping @Sendable (ProcessIdentity?) async -> Void = { _ in }
    ) async throws -> TerminationStatus {
        let output = try FileDescriptor.open(
            FilePath(log ?? "/dev/null"), .writeOnly, options: [.create, .append, .closeOnExec],
            permissions: [.ownerReadWrite, .groupRead])
        // The pipe is the lifeline: no process but this one holds its writing end.
        var ends: [Int32] = [0, 0]
        guard clinux_pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
        let lifeline = FileDescriptor(rawValue: ends[1])
        defer { try? lifeline.close() }
        var variables: [Environment.Key: String?] = [Environment.Key(stringLiteral: Lifeline.variable): "stdin"]
        for (key, value) in environment { variables[Environment.Key(stringLiteral: key)] = value }
        var options = PlatformOptions()
        // Its own session: an interrupt typed at the terminal reaches the supervisor, which ends its children in order.
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(35))]
        return try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments(arguments), environment: .inherit.updating(variables),
            platformOptions: options,
            input: .fileDescriptor(FileDescriptor(rawValue: ends[0]), closeAfterSpawningProcess: true),
            output: .fileDescriptor(output, closeAfterSpawningProcess: true), error: .combinedWithOutput
        ) { execution in
            await onStart(ProcessIdentity(pid: execution.processIdentifier.value))
        }.terminationStatus
    }
}
