import Subprocess

/// What a guardian starts, and how it is known that it answers.
struct ServicePlan: Sendable {
    let folder: String
    let user: ServiceUser?
    let command: [String]
    let environment: [String: String]
    /// Signals and seconds, "INT:20 KILL:5".
    let stopSteps: String
    let port: UInt16
    let probe: ServiceProbe

    /// The end of what the service printed, for the sentence about its failure.
    func lastOutput() -> String {
        let path = folder + "/output.log"
        let text = readTail(path, bytes: 2_000).split(separator: "\n").suffix(12).joined(separator: "\n")
        return text.isEmpty ? "it printed nothing (\(path))." : "the end of \(path) says:\n\(text)"
    }
}

/// The owner's side of one guardian process.
actor Guardian {
    enum Exit: Sendable, Equatable {
        case ended
        /// Another guardian held the folder for a minute.
        case folderBusy
        case notStarted(String)
    }

    private let plan: ServicePlan
    private let remove: Bool
    private var lifeline: StandardInputWriter?
    private var stopRequest: StopRequest?
    private var running: Task<Void, Never>?
    private(set) var exit: Exit?
    /// Whether the service itself was started: until then a former one may still answer at its port.
    private(set) var hasStarted = false

    private enum StopRequest { case stop, pause }

    init(plan: ServicePlan, remove: Bool) {
        self.plan = plan
        self.remove = remove
    }

    /// Starts the guardian, which starts the service; `onEnd` is called when both have ended.
    func start(onEnd: @escaping @Sendable () async -> Void) {
        running = Task {
            exit = await guardUntilEnd()
            lifeline = nil
            await onEnd()
        }
    }

    /// Stops the service and waits for the guardian's end. A pause keeps temporary files.
    func stop(pause: Bool = false) async {
        stopRequest = pause ? .pause : .stop
        await cutLifeline()
        await running?.value
    }

    private func guardUntilEnd() async -> Exit {
        var environment: [Environment.Key: String] = [:]
        for (key, value) in plan.environment { environment[.init(stringLiteral: key)] = value }
        var options = PlatformOptions()
        options.createSession = true  // an interrupt typed at the owner's terminal is the owner's to handle
        let script = String(decoding: PackageResources.guardian_sh, as: UTF8.self)
        do {
            let result = try await run(
                .name("sh"),
                arguments: Arguments(
                    ["-c", script, "guardian.sh", plan.folder, plan.stopSteps, remove ? "remove" : "keep"]
                        + [plan.user?.name ?? "-"] + plan.command),
                environment: .custom(environment), platformOptions: options,
                input: .inputWriter, output: .sequence, error: .discarded
            ) { execution in
                await self.hold(execution.standardInputWriter)
                // The first thing it prints is "started"; the sequence ends with the guardian.
                for try await _ in execution.standardOutput { self.noteStart() }
            }
            return result.terminationStatus == .exited(75) ? .folderBusy : .ended
        } catch {
            return .notStarted(String(describing: error))
        }
    }

    private func noteStart() { hasStarted = true }

    private func hold(_ writer: StandardInputWriter) async {
        lifeline = writer
        if stopRequest != nil { await cutLifeline() }
    }

    private func cutLifeline() async {
        guard let lifeline else { return }
        if stopRequest == .pause { _ = try? await lifeline.write("pause\n") }
        try? await lifeline.finish()
    }
}
