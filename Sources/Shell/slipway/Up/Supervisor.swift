import Logging
import Subprocess

/// Keeps children alive: each is started again when it ends, with a line that says why, until the task is cancelled.
actor Supervisor {
    /// What a child's log may take before its older half goes.
    private static let logLimit: Int64 = 32 << 20

    private let folder: String
    private let executable: String
    private let logger: Logger
    private var state: SupervisorState
    /// Told when the file could not be written and says less than `state`.
    private let (failures, failed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(folder: String, executable: String, identity: ProcessIdentity, logger: Logger) throws {
        self.folder = folder
        self.executable = executable
        self.logger = logger
        state = SupervisorState(supervisor: identity)
        try state.write(to: folder)
    }

    func run(_ children: [Child]) async {
        await withTaskGroup(of: Void.self) { group in
            for child in children { group.addTask { await self.keepAlive(child) } }
            group.addTask { await self.writeAgain() }
            await group.waitForAll()
        }
    }

    private func keepAlive(_ child: Child) async {
        var policy = RestartPolicy()
        while !Task.isCancelled {
            let log = "\(folder)/log/\(child.name).log"
            LogFile.bound(log, to: Self.logLimit)
            let started = ContinuousClock.now
            let ending: String
            do {
                ending = "\(try await child.run(executable, log: log) { await self.started(child, $0) })"
            } catch {
                ending = "it could not be started: \(error)"
            }
            guard !Task.isCancelled else { return }
            let pause = policy.pause(afterLiving: .now - started)
            logger.warning("\(child.name) ended (\(ending)) and is started again in \(pause); its log is \(log)")
            try? await Task.sleep(for: pause)
        }
    }

    private func started(_ child: Child, _ identity: ProcessIdentity?) {
        guard let identity else { return }
        state.members.removeAll { $0.name == child.name }
        state.members.append(.init(name: child.name, role: child.role, process: identity))
        do {
            try state.write(to: folder)
        } catch {
            logger.error("cannot write \(SupervisorState.path(folder)): \(error)")
            failed.yield()
        }
    }

    /// A disk that was full takes the state as soon as it has room.
    private func writeAgain() async {
        for await _ in failures {
            repeat {
                guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
            } while (try? state.write(to: folder)) == nil
        }
    }
}
