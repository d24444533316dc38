import CLinux
import Glibc

/// Runs processes one after the other on one thread and makes sure that nothing of them is left.
///
/// It is a child subreaper: what a job orphans (double forks, setsid, daemons) becomes its child again. So "no child
/// left" (ECHILD) proves that no descendant is left.
final class JobSupervisor {
    /// Why a process was ended before it ended by itself.
    enum Stop: Equatable {
        case aborted(String)
        /// The agent is gone.
        case orphaned
        case timedOut
        case overQuota(UInt64)
    }

    /// How a process ended.
    struct End {
        /// 128 + the signal for a process that was killed.
        var code: Int
        var signal: Int
        var stop: Stop?
        /// Descendants that had to be killed after the process itself had ended.
        var leftBehind: Int
        /// What it printed, where that was captured; the last part of a longer output.
        var output: String
        var seconds: Double
    }

    /// Of a captured output; git prints little.
    private static let captureLimit = 256 << 10

    private let control: Int32
    private let signals: Int32
    private let user: UInt32?
    private let jobFolder: String
    private let quota: UInt64
    private let log: (String) -> Void
    private var pendingControl: [UInt8] = []
    private(set) var stop: Stop?

    /// - Parameters:
    ///   - control: lines of commands, and the lifeline; -1 for none.
    ///   - log: takes sentences for the job's log.
    init(
        control: Int32, user: UInt32?, jobFolder: String, quota: UInt64, log: @escaping (String) -> Void
    ) throws(SupervisorError) {
        self.control = control
        self.user = user
        self.jobFolder = jobFolder
        self.quota = quota
        self.log = log
        signals = clinux_signal_descriptor()
        guard signals >= 0, clinux_become_subreaper() == 0 else { throw SupervisorError(code: errno) }
    }

    /// Runs a process to its end, and then ends whatever it left behind.
    /// - Parameters:
    ///   - timeout: seconds until it is interrupted.
    ///   - gracePeriod: seconds between the interrupt and the kill.
    ///   - abortGracePeriod: the same when it is aborted.
    ///   - captures: whether its output is returned rather than sent to the job's log.
    func run(
        _ spawn: Spawn, timeout: Double, gracePeriod: Double, abortGracePeriod: Double, captures: Bool
    ) throws(SpawnError) -> End {
        let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(nothing) }
        var output = Output()
        defer { output.close() }
        var spawn = spawn
        spawn.user = user
        spawn.diesWithThread = true
        spawn.fileSizeLimit = quota
        var ends: [Int32] = [-1, -1]
        if captures {
            guard clinux_pipe(&ends) == 0 else {
                throw SpawnError(command: spawn.command.first ?? "", folder: spawn.folder, step: "pipe", code: errno)
            }
            output.descriptor = ends[0]
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            spawn.descriptors = [nothing, ends[1], ends[1]]
        } else {
            spawn.descriptors = [nothing, EntrypointDescriptor.log, EntrypointDescriptor.log]
        }
        let started = ContinuousClock.now
        defer { if ends[1] >= 0 { close(ends[1]) } }
        let process = try spawn.start()
        if captures {
            close(ends[1])
            ends[1] = -1
        }

        var end = End(code: 0, signal: 0, stop: nil, leftBehind: 0, output: "", seconds: 0)
        var hasEnded = false
        let deadline = started + .seconds(timeout)
        var killAt: ContinuousClock.Instant?
        var nextWalk = started + .seconds(2)
        while !hasEnded {
            let now = ContinuousClock.now
            if stop == nil, now >= deadline {
                stop = .timedOut
            } else if stop == nil, quota > 0, now >= nextWalk {
                let used = FolderTree.usage(of: jobFolder, limit: quota)
                if used > quota { stop = .overQuota(quota) }
                // A walk may take long in a huge tree; it gets a twentieth of the time at most.
                nextWalk = .now + max(.seconds(2), (ContinuousClock.now - now) * 20)
            }
            if let stop, killAt == nil {
                let grace = grace(for: stop, gracePeriod, abortGracePeriod)
                killAt = .now + .seconds(grace)
                if grace > 0 { kill(-process, SIGINT) }
            }
            if let killAt, now >= killAt {
                killEverything()
                // The process itself has been reaped with the rest.
                end.code = 128 + Int(SIGKILL)
                end.signal = Int(SIGKILL)
                break
            }
            wait(until: [killAt, killAt == nil ? deadline : nil, quota > 0 && stop == nil ? nextWalk : nil], &output)
            takeSignals { id, code, signal in
                guard id == process else { return }
                hasEnded = true
                end.code = Int(code)
                end.signal = Int(signal)
            }
        }
        end.leftBehind = ProcessTree.descendants(of: getpid()).count
        if !killEverything() {
            log("some processes of the job could not be killed within 10 s; they hang in the kernel")
        }
        output.drain()
        end.output = output.text
        end.stop = stop
        end.seconds = (ContinuousClock.now - started) / .seconds(1)
        return end
    }

    /// Notices a stop while no process runs; a run that is already stopped starts nothing more.
    func checkControl() {
        var none = Output()
        wait(until: [.now], &none)
        takeSignals { _, _, _ in }
    }

    private func grace(for stop: Stop, _ gracePeriod: Double, _ abortGracePeriod: Double) -> Double {
        switch stop {
        case .timedOut: gracePeriod
        case .aborted: min(gracePeriod, abortGracePeriod)
        // Nobody is left to take the result; a full disk hurts the neighbours.
        case .orphaned, .overQuota: 0
        }
    }

    // MARK: Waiting

    /// Output that is captured: the end of a pipe and what came out of it.
    private struct Output {
        var descriptor: Int32 = -1
        var bytes: [UInt8] = []

        var text: String { String(decoding: bytes, as: UTF8.self) }

        mutating func drain() {
            guard descriptor >= 0 else { return }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count == 0 { close() }
                guard count > 0 else { return }
                bytes += buffer[..<count]
                if bytes.count > 2 * captureLimit { bytes.removeFirst(bytes.count - captureLimit) }
            }
        }

        mutating func close() {
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
    }

    private func wait(until instants: [ContinuousClock.Instant?], _ output: inout Output) {
        var milliseconds: Int32 = -1
        if let next = instants.compactMap(\.self).min() {
            let seconds = (next - .now) / .seconds(1)
            milliseconds = Int32(max(0, min(seconds * 1000 + 1, 86_400_000)))
        }
        var descriptors = [
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            // poll ignores negative descriptors.
            pollfd(fd: isOrphaned ? -1 : control, events: Int16(POLLIN), revents: 0),
            pollfd(fd: output.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&descriptors, 3, milliseconds) > 0 else { return }
        if descriptors[1].revents != 0 { readControl() }
        if descriptors[2].revents != 0 { output.drain() }
    }

    private var isOrphaned: Bool { control < 0 || stop == .orphaned }

    private func readControl() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(control, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        guard count > 0 else {
            stop = .orphaned
            return
        }
        pendingControl += buffer[..<count]
        while let end = pendingControl.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: pendingControl[..<end], as: UTF8.self)
            pendingControl.removeSubrange(...end)
            if line.hasPrefix("stop"), stop == nil { stop = .aborted(String(line.dropFirst(5))) }
        }
    }

    private func takeSignals(_ ended: (_ id: pid_t, _ code: Int32, _ signal: Int32) -> Void) {
        while true {
            switch clinux_take_signal(signals) {
            case 0:
                // Several children may stand behind one SIGCHLD.
                reap(ended)
                return
            case SIGTERM, SIGINT:
                if stop == nil { stop = .aborted("the entrypoint was told to end") }
            default: continue
            }
        }
    }

    /// Buries the dead; false when there are no children at all.
    @discardableResult
    private func reap(_ ended: (_ id: pid_t, _ code: Int32, _ signal: Int32) -> Void = { _, _, _ in }) -> Bool {
        while true {
            var code: Int32 = 0
            var signal: Int32 = 0
            let id = clinux_reap(&code, &signal)
            guard id > 0 else { return id == 0 }
            ended(id, code, signal)
        }
    }

    // MARK: Killing

    /// Kills every descendant and reaps them all; false when some are still there after 10 s.
    @discardableResult
    func killEverything() -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while reap() {
            guard ContinuousClock.now < end else { return false }
            if let user {
                // One call for all: a process that forks as fast as it can cannot outrun it.
                _ = clinux_kill_user(user, user)
            }
            // Frozen first: what cannot run cannot fork while the others die.
            var frozen: Set<pid_t> = []
            for _ in 0..<50 {
                let fresh = ProcessTree.descendants(of: getpid()).filter { frozen.insert($0).inserted }
                if fresh.isEmpty { break }
                for id in fresh { kill(id, SIGSTOP) }
            }
            for id in frozen { kill(id, SIGKILL) }
            var descriptor = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
            _ = poll(&descriptor, 1, 20)
            while clinux_take_signal(signals) == SIGCHLD {}
        }
        return true
    }
}

/// Why a process could not become the supervisor of jobs.
struct SupervisorError: Error, CustomStringConvertible {
    let code: Int32
    var description: String {
        "The entrypoint cannot supervise its job: \(String(cString: strerror(code))). It needs Linux 3.4 or newer and a "
            + "free file descriptor."
    }
}
