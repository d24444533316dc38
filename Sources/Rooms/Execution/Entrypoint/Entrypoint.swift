import ArtifactStore
import CLinux
import FoundationEssentials
import Glibc
import SlipwayModel

/// One attempt as a process: clones, runs the job, tells its agent how it ended, and leaves no process behind.
///
/// Plain synchronous code on the main thread, so that fork, signals and the parent-death signal of its children behave.
struct Entrypoint {
    let instruction: Instruction
    private let supervisor: JobSupervisor
    private let report: (EntrypointEvent) -> Void

    init(_ instruction: Instruction, control: Int32, events: Int32) throws {
        self.instruction = instruction
        // Its memory holds nothing secret, but its descriptors lead to the log and the locks.
        _ = clinux_forbid_inspection()
        supervisor = try JobSupervisor(
            control: control, user: instruction.user, jobFolder: instruction.jobFolder,
            quota: instruction.limits.diskQuota, log: Entrypoint.say)
        report = { event in
            guard let line = try? ArtifactDocument.encode(event) else { return }
            writeAll(line + [UInt8(ascii: "\n")], to: events)
        }
    }

    func run() -> EntrypointResult {
        let result = work()
        supervisor.killEverything()
        report(.ended(result))
        return result
    }

    /// A sentence in the job's log.
    static func say(_ text: String) {
        writeAll(Array("slipway: \(text)\n".utf8), to: EntrypointDescriptor.log)
    }

    private func work() -> EntrypointResult {
        supervisor.checkControl()
        if let stopped = stopped() { return stopped }
        if let failure = cloneAll() {
            Entrypoint.say(failure.message)
            return failure
        }
        return runStep()
    }

    // MARK: Cloning

    private func cloneAll() -> EntrypointResult? {
        guard !instruction.clones.isEmpty else { return nil }
        report(.cloning)
        let started = ContinuousClock.now
        let deadline = started + .seconds(instruction.limits.cloneTimeout)
        writeHome(".gitconfig", GitClone.globalSettings)
        var records: [CloneRecord] = []
        var finalSHA: String?
        var tree: String?
        var failure: EntrypointResult?
        for (index, clone) in instruction.clones.enumerated() {
            var git = GitClone(clone, sleep: pause) { arguments, environment, folder throws(GitStopped) in
                try self.git(arguments, environment, folder, deadline)
            }
            do {
                try makeFolder(clone.folder)
                try git.perform()
            } catch {
                failure = result(of: error)
            }
            records.append(git.record)
            if failure != nil { break }
            if index == 0 {
                finalSHA = git.record.finalSHA
                tree = git.tree
            }
        }
        let log = records.map(\.text).joined(separator: "\n") + (failure.map { "\n\($0.message)\n" } ?? "")
        write("clone-log.txt", Array(log.utf8))
        write("clone-records.json", (try? ArtifactDocument.encode(records)) ?? [])
        if let failure {
            // Prow shows the clone's log in place of the job's, which never began.
            writeAll(Array(records.map(\.text).joined(separator: "\n").utf8), to: EntrypointDescriptor.log)
            return failure
        }
        report(.cloned(finalSHA: finalSHA, tree: tree, seconds: (ContinuousClock.now - started) / .seconds(1)))
        return nil
    }

    private func git(
        _ arguments: [String], _ environment: [String: String], _ folder: String,
        _ deadline: ContinuousClock.Instant
    ) throws(GitStopped) -> GitClone.Answer {
        if supervisor.stop != nil { throw GitStopped(reason: nil) }
        let spawn = Spawn(
            command: ["git"] + arguments,
            environment: GitClone.environment(instruction.environment).merging(environment) { $1 },
            searchPath: instruction.environment["PATH"] ?? "", folder: folder, descriptors: [])
        do {
            let end = try supervisor.run(
                spawn, timeout: max(0, (deadline - .now) / .seconds(1)), gracePeriod: 1, abortGracePeriod: 1,
                captures: true)
            if end.stop != nil { throw GitStopped(reason: nil) }
            return GitClone.Answer(code: end.code, output: end.output, seconds: end.seconds)
        } catch let error as SpawnError {
            throw GitStopped(reason: error.description)
        } catch let error as GitStopped {
            throw error
        } catch {
            throw GitStopped(reason: "\(error)")
        }
    }

    private func pause(_ seconds: Double) {
        let end = ContinuousClock.now + .seconds(seconds)
        // In steps, so that an abort is heard.
        while supervisor.stop == nil, ContinuousClock.now < end {
            usleep(50_000)
            supervisor.checkControl()
        }
    }

    private func result(of failure: any Error) -> EntrypointResult {
        switch failure {
        case GitFailure.conflict(let message), GitFailure.vanished(let message), GitFailure.refused(let message):
            return EntrypointResult(state: .failure, message: message)
        case GitFailure.machine(let message):
            return EntrypointResult(state: .error, message: message)
        case GitFailure.stopped(let stop):
            if let reason = stop.reason {
                return EntrypointResult(state: .error, message: "Cloning failed: \(reason).")
            }
            if supervisor.stop == .timedOut {
                return EntrypointResult(
                    state: .error,
                    message: "Cloning did not end within \(goDuration(instruction.limits.cloneTimeout)). Is the forge "
                        + "slow, or the repository very large? Set clone_depth.")
            }
            return stopped() ?? EntrypointResult(state: .error, message: "Cloning was interrupted.")
        default:
            return EntrypointResult(state: .error, message: "Cloning failed: \(failure).")
        }
    }

    // MARK: The job itself

    private func runStep() -> EntrypointResult {
        let step = instruction.step
        let limits = instruction.limits
        let started = ContinuousClock.now
        var seconds: Double { (ContinuousClock.now - started) / .seconds(1) }
        supervisor.checkControl()
        if let stopped = stopped() { return stopped }
        report(.running)
        var mounts = MountTable()
        do {
            try makeFolder(step.folder)
            for mount in step.mounts { try makeFolder(mount.source) }
            try mounts.add(step.mounts)
        } catch {
            return EntrypointResult(state: .error, message: "\(error)", testSeconds: seconds)
        }
        let spawn = Spawn(
            command: step.command, environment: step.environment,
            searchPath: step.environment["PATH"] ?? instruction.environment["PATH"] ?? "", folder: step.folder,
            descriptors: [], processLimit: limits.processes)
        do {
            let end = try supervisor.run(
                spawn, timeout: max(0, limits.timeout), gracePeriod: limits.gracePeriod,
                abortGracePeriod: limits.abortGracePeriod, captures: false)
            return judge(end, seconds)
        } catch {
            Entrypoint.say("\(error)")
            return EntrypointResult(
                state: .failure, message: "The job could not be started: \(error).", exitCode: 127,
                testSeconds: seconds)
        }
    }

    private func judge(_ end: JobSupervisor.End, _ seconds: Double) -> EntrypointResult {
        if end.stop != nil {
            var result = stopped() ?? EntrypointResult(state: .error, message: "The job was stopped.")
            result.testSeconds = seconds
            return result
        }
        if end.leftBehind > 0 {
            Entrypoint.say(
                "the job left \(end.leftBehind) \(end.leftBehind == 1 ? "process" : "processes") behind; killed")
        }
        guard end.code != 0 else {
            return EntrypointResult(state: .success, message: "The job succeeded.", exitCode: 0, testSeconds: seconds)
        }
        let message =
            end.signal == 0
            ? "The job failed: it exited with \(end.code)."
            : "The job failed: it was killed by signal \(end.signal)"
                + (end.signal == Int(SIGKILL) ? " (out of memory?)." : ".")
        return EntrypointResult(state: .failure, message: message, exitCode: end.code, testSeconds: seconds)
    }

    /// The result of a run that was stopped from outside; nil where it was not. Exit codes are Prow's: 127 for a
    /// time-out, 130 for an abort.
    private func stopped() -> EntrypointResult? {
        let limits = instruction.limits
        switch supervisor.stop {
        case nil: return nil
        case .timedOut:
            let message =
                "The job did not end within its time-out of \(goDuration(limits.timeout)) and was interrupted."
            Entrypoint.say("the job did not end within its time-out of \(goDuration(limits.timeout)); interrupted")
            return EntrypointResult(state: .failure, message: message, exitCode: 127)
        case .aborted(let reason):
            Entrypoint.say("aborted: \(reason)")
            return EntrypointResult(state: .aborted, message: "Aborted: \(reason).", exitCode: 130)
        case .orphaned:
            return EntrypointResult(state: .error, message: "The agent ended while the job ran.", exitCode: 130)
        case .overQuota(let quota):
            let size = quota >= 1 << 20 ? "\(quota >> 20) MB" : "\(quota) bytes"
            Entrypoint.say("the job used more than \(size) of disk; killed")
            return EntrypointResult(
                state: .failure,
                message: "The job used more than \(size) of disk and was killed. Let it write less, or raise "
                    + "agent.workspace_quota_mb.", exitCode: 137)
        }
    }

    // MARK: Files

    /// Makes a folder of the job below its own folder, owned by the job.
    private func makeFolder(_ path: String) throws(EntrypointFailure) {
        // A working folder outside the workspace has to be there already.
        guard path.hasPrefix(instruction.jobFolder + "/") else { return }
        var made = instruction.jobFolder
        for component in path.dropFirst(made.count).split(separator: "/") {
            made += "/" + component
            if mkdir(made, 0o755) == 0 {
                if let user = instruction.user, lchown(made, user, user) != 0 { throw .folder(made, errno) }
            } else if errno != EEXIST {
                throw .folder(made, errno)
            }
        }
    }

    private func writeHome(_ name: String, _ text: String) {
        guard let home = instruction.environment["HOME"] else { return }
        let path = "\(home)/\(name)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        writeAll(Array(text.utf8), to: descriptor)
        if let user = instruction.user { _ = fchown(descriptor, user, user) }
        close(descriptor)
    }

    private func write(_ name: String, _ bytes: [UInt8]) {
        let path = "\(instruction.controlFolder)/\(name)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        writeAll(bytes, to: descriptor)
        close(descriptor)
    }
}

enum EntrypointFailure: Error, CustomStringConvertible {
    case folder(String, Int32)
    case mount(field: String, target: String, Int32)

    var description: String {
        switch self {
        case .folder(let path, let code): "The folder '\(path)' cannot be made: \(String(cString: strerror(code)))."
        case .mount(let field, let target, let code):
            PodProblem(
                field: field,
                reason: code == ENOENT
                    ? "is '\(target)', which does not exist on the agent's machine"
                    : "is '\(target)', which cannot be mounted there: \(String(cString: strerror(code)))"
            ).description
        }
    }
}

/// Writes all of it, waiting where the reader is slow; gives up when there is no reader.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
    var offset = 0
    while offset < bytes.count {
        let count = bytes.withUnsafeBytes {
            write(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        offset += count
    }
}

extension CloneRecord {
    /// For `clone-log.txt`: commands with what they printed.
    var text: String {
        var text = "# Cloning \(refs.org)/\(refs.repo)"
        if let base = refs.baseRef { text += " at \(base)" }
        if let sha = refs.baseSHA { text += "(\(sha))" }
        text += "\n"
        for pull in refs.pulls ?? [] {
            text += "# Merging pull request #\(pull.number)(\(pull.sha)) by \(pull.author)\n"
        }
        for command in commands {
            text += "$ \(command.command)\n"
            if let output = command.output { text += output.hasSuffix("\n") ? output : output + "\n" }
            if let error = command.error { text += "# Error: \(error)\n" }
        }
        return text
    }
}
