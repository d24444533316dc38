package import ArtifactStore
import CLinux
import FoundationEssentials
import Glibc
package import Logging
package import SlipwayModel
import SocketLoop
import Synchronization

/// Executes attempts as processes of this machine, each under an entrypoint of its own.
package final class ProcessExecutor: RunExecutor {
    package struct Options: Sendable {
        /// Absolute; shared by the agents of a machine.
        package var workspaceRoot: String
        /// The command that runs an instruction; its path is appended.
        package var entrypoint: [String]
        package var searchPath: String
        package var secrets: SecretSource
        package var limits: Instruction.Limits
        package var log: LogRecorder.Limits
        /// Nil runs jobs as the agent's own user.
        package var users: UserPool?
        package var machine: Machine

        package init(
            workspaceRoot: String, entrypoint: [String] = ["/proc/self/exe", "entrypoint"],
            searchPath: String = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            secrets: SecretSource = SecretSource(), limits: Instruction.Limits = .init(),
            log: LogRecorder.Limits = .init(), users: UserPool? = nil,
            machine: Machine = .current
        ) {
            self.workspaceRoot = workspaceRoot
            self.entrypoint = entrypoint
            self.searchPath = searchPath
            self.secrets = secrets
            self.limits = limits
            self.log = log
            self.users = users
            self.machine = machine
        }
    }

    let options: Options
    let store: any ArtifactStorage
    let logger: Logger
    let loop = SocketLoop(name: "runs")
    /// Workspaces of attempts that are executed and not yet concluded.
    private let workspaces = Mutex<[BuildID: Workspace]>([:])

    package init(_ options: Options, store: any ArtifactStorage, logger: Logger) throws {
        self.options = options
        self.store = store
        self.logger = logger
        try Workspace.prepare(root: options.workspaceRoot)
        // Jobs that share the agent's user must not read its settings.
        _ = clinux_forbid_inspection()
    }

    deinit { loop.shutdown() }

    // MARK: RunExecutor

    package func recover() async -> [ExecutedRun] {
        var found: [ExecutedRun] = []
        for (workspace, build) in Workspace.stale(root: options.workspaceRoot) {
            workspace.killStrays()
            if let bytes = FileManager.default.contents(atPath: workspace.control + "/executed.json"),
                let executed = try? JSONDecoder().decode(ExecutedRun.self, from: bytes)
            {
                logger.notice("build \(build) was executed by an agent that died; completing it")
                workspaces.withLock { $0[build] = workspace }
                found.append(executed)
            } else {
                logger.notice("removing the workspace of build \(build), whose agent died")
                workspace.remove()
            }
        }
        return found
    }

    package func execute(_ run: ClaimedRun, agent: String, control: RunControl) async -> ExecutedRun {
        let (outcome, finalSHA) = await outcome(of: run, agent: agent, control: control)
        let executed = ExecutedRun(
            run: run, outcome: outcome, agent: agent, finishedAt: Date(), finalSHA: finalSHA)
        if let workspace = workspaces.withLock({ $0[run.buildID] }), let bytes = try? JSONEncoder().encode(executed) {
            // From here on, even an agent that is killed completes this attempt when it starts again.
            writeFile(workspace.control + "/executed.json", Array(bytes))
        }
        return executed
    }

    package func conclude(_ executed: ExecutedRun, isAccepted: Bool) async {
        let build = executed.run.buildID
        if isAccepted {
            do {
                try await StorePatience(logger: logger)("finished.json of build \(build)") {
                    try await publish(executed)
                }
            } catch {
                logger.error("finished.json of build \(build) was not stored: \(error)")
                // The workspace stays, and with it what the next start of an agent publishes.
                workspaces.withLock { $0[build] = nil }
                return
            }
        }
        workspaces.withLock { $0.removeValue(forKey: build) }?.remove()
    }

    // MARK: One attempt

    private func outcome(
        of run: ClaimedRun, agent: String, control: RunControl
    ) async -> (RunOutcome, finalSHA: String?) {
        let timeline = AttemptTimeline(run, agent: agent)
        let layout: ArtifactLayout
        let secrets: SecretSet
        do {
            layout = try ArtifactLayout(run)
            secrets = try options.secrets.load()
        } catch {
            return (RunOutcome(state: .error, message: "\(error)"), nil)
        }
        let attempt = ProcessAttempt(
            run: run, agent: agent, layout: layout, secrets: secrets, executor: self, control: control,
            timeline: timeline)
        do {
            try await attempt.announce()
            let plan = try PodPlan(spec: run.job.spec, machine: options.machine)
            let user = try takeUser()
            let workspace = try Workspace.make(root: options.workspaceRoot, build: run.buildID, user: user)
            workspaces.withLock { $0[run.buildID] = workspace }
            // Told to a job that has begun it may come after its first words.
            if let stop = control.stop, case .cancelled(let reason) = stop {
                await attempt.storeLog(of: "aborted: \(stop.line)")
                return (RunOutcome(state: .aborted, message: "Aborted: \(reason).", exitCode: 130), nil)
            }
            return await attempt.perform(plan, in: workspace)
        } catch {
            let message = "\(error)"
            await attempt.storeLog(of: message)
            return (RunOutcome(state: .error, message: message), nil)
        }
    }

    private func takeUser() throws -> UserPool.Taken? {
        guard let users = options.users else { return nil }
        guard let user = users.take() else {
            throw WorkspaceError(path: users.folder, reason: "all user ids \(users.range) are in use")
        }
        return user
    }

    private func publish(_ executed: ExecutedRun) async throws {
        let run = executed.run
        let layout = try ArtifactLayout(run)
        let refs = run.prowSpec.refs ?? run.job.extraRefs.first
        var metadata: [String: JSONValue] = ["uploader": .string("slipway"), "node": .string(executed.agent)]
        if let tree = executed.outcome.tree { metadata["tree"] = .string(tree) }
        if let commit = executed.finalSHA { metadata["repo-commit"] = .string(commit) }
        try await store.put(
            layout.prowJob,
            ArtifactDocument.encode(
                run.prowJob(
                    state: executed.outcome.state, completed: executed.finishedAt,
                    description: executed.outcome.message)), durable: true)
        try await store.put(
            layout.finished,
            ArtifactDocument.encode(
                FinishedDocument(
                    timestamp: executed.finishedAt, state: executed.outcome.state,
                    revision: refs?.pulls?.first?.sha ?? refs?.baseSHA ?? refs?.baseRef, metadata: metadata)),
            durable: true)
        for path in layout.latestBuilds {
            // An older build may end later than a newer one.
            let text = (try? await store.get(path, maximum: 64)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            if let newest = BuildID(text.filter(\.isNumber)), newest > run.buildID { continue }
            try await store.put(path, run.buildID.description)
        }
        try await store.remove(layout.liveLog)
    }
}

extension ArtifactLayout {
    fileprivate init(_ run: ClaimedRun) throws(ArtifactLayoutError) {
        try self.init(kind: run.kind, job: run.job.name, build: run.buildID, jobFolder: run.artifactFolder)
    }
}

extension ClaimedRun {
    /// The attempt as a ProwJob.
    func prowJob(state: RunState, completed: Date?, description: String?) -> ProwJobDocument {
        ProwJobDocument(
            runID: runID, kind: kind, job: job, refs: refs,
            status: .init(
                startTime: requestedAt, pendingTime: claimedAt, completionTime: completed, state: state,
                description: description, url: nil, podName: nil, buildID: buildID))
    }
}

/// Writes a file of the control folder; it replaces an older one whole.
@discardableResult
func writeFile(_ path: String, _ bytes: [UInt8]) -> Bool {
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    writeAll(bytes, to: descriptor)
    let isWritten = fsync(descriptor) == 0
    close(descriptor)
    return isWritten && rename(temporary, path) == 0
}
