import CLinux
import FoundationEssentials
import Glibc
import SlipwayModel
import SocketLoop
import Synchronization

/// A running entrypoint, seen from its agent: the other ends of its pipes.
final class EntrypointProcess: Sendable {
    let log: PipeReader
    let events: PipeReader
    private let process: pid_t
    private let loop: SocketLoop

    private struct State {
        /// The lifeline. The entrypoint lives while this end is open, and only this process holds it.
        var control: Int32
        var hasEnded = false
    }
    private let state: Mutex<State>

    private init(process: pid_t, control: Int32, log: Int32, events: Int32, loop: SocketLoop) {
        self.process = process
        self.loop = loop
        self.log = PipeReader(descriptor: log, loop: loop)
        self.events = PipeReader(descriptor: events, loop: loop)
        state = Mutex(State(control: control))
    }

    deinit {
        let control = state.withLock { $0.control }
        if control >= 0 { close(control) }
    }

    static func start(
        _ instruction: Instruction, _ workspace: Workspace, _ executor: ProcessExecutor
    ) throws -> EntrypointProcess {
        let file = workspace.control + "/instruction.json"
        guard writeFile(file, Array(try JSONEncoder().encode(instruction))) else {
            throw WorkspaceError(path: file, reason: String(cString: strerror(errno)))
        }
        var pipes: [[Int32]] = []
        func closeAll() { for pipe in pipes { for end in pipe { close(end) } } }
        for _ in 0..<3 {
            var ends: [Int32] = [-1, -1]
            guard clinux_pipe(&ends) == 0 else {
                let code = errno
                closeAll()
                throw SpawnError(command: "entrypoint", folder: "/", step: "pipe", code: code)
            }
            pipes.append(ends)
        }
        let (control, log, events) = (pipes[0], pipes[1], pipes[2])
        // Where the Swift libraries lie, if they are not beside the binary; nothing else of the agent's environment.
        var environment = ["PATH": executor.options.searchPath]
        if let libraries = getenv("LD_LIBRARY_PATH") { environment["LD_LIBRARY_PATH"] = String(cString: libraries) }
        let spawn = Spawn(
            command: executor.options.entrypoint + [file], environment: environment,
            searchPath: executor.options.searchPath, folder: "/",
            descriptors: [control[0], log[1], log[1], events[1], workspace.lock]
                + (workspace.user.map { [$0.lock] } ?? []), isJob: false)
        let process: pid_t
        do {
            process = try spawn.start()
        } catch {
            closeAll()
            throw error
        }
        for end in [control[0], log[1], events[1]] { close(end) }
        return EntrypointProcess(
            process: process, control: control[1], log: log[0], events: events[0], loop: executor.loop)
    }

    /// Tells the entrypoint to stop its job; kills it where it does not within 20 s.
    func stop(_ reason: RunControl.Stop) {
        let line = "stop \(reason.line)\n"
        state.withLock { state in
            guard state.control >= 0, !state.hasEnded else { return }
            // A line fits the pipe's buffer; the entrypoint may be gone, which is no error (SIGPIPE is ignored).
            _ = line.utf8.withContiguousStorageIfAvailable { write(state.control, $0.baseAddress, $0.count) }
        }
        _ = loop.schedule(after: .seconds(20)) { self.kill() }
    }

    private func kill() {
        state.withLock { if !$0.hasEnded { Glibc.kill(process, SIGKILL) } }
    }

    /// Ends the log's reading after `duration`, if something holds its pipe open that could not be killed.
    func cutLog(after duration: Duration) -> SocketLoop.Deadline {
        loop.schedule(after: duration) { [log] in log.assumeIsolated { $0.stop() } }
    }

    /// Buries it; called once, when its events have ended.
    func waitForEnd() async -> (code: Int, signal: Int) {
        await onBlockingThread("wait") { [process] in
            var code: Int32 = 0
            var signal: Int32 = 0
            // Answers an error where somebody else waits for all children; then the code is unknown.
            guard clinux_wait(process, &code, &signal) > 0 else { return (-1, 0) }
            self.state.withLock { $0.hasEnded = true }
            return (Int(code), Int(signal))
        }
    }
}
