import ArtifactStore
import CLinux
import FoundationEssentials
import Glibc
import Logging
import SlipwayModel
import SocketLoop

/// One attempt while it is executed: its entrypoint, its log, its artifacts.
struct ProcessAttempt {
    let run: ClaimedRun
    let agent: String
    let layout: ArtifactLayout
    let secrets: SecretSet
    let executor: ProcessExecutor
    let control: RunControl
    /// From the claim on.
    let timeline: AttemptTimeline

    private var store: any ArtifactStorage { executor.store }
    private var patiently: StorePatience { StorePatience(logger: executor.logger) }

    /// What shows of the attempt before it runs.
    func announce() async throws {
        try await patiently("the start of build \(run.buildID)", unless: { control.stop != nil }) {
            try await store.put(
                layout.prowJob,
                ArtifactDocument.encode(run.prowJob(state: .running, completed: nil, description: nil)))
            try await putStarted(finalSHA: nil)
            if let link = layout.link { try await store.put(link, store.address + layout.folder.description) }
        }
    }

    /// The log of an attempt that never began.
    func storeLog(of message: String) async {
        let text = "slipway: \(message)\n"
        do {
            try await store.put(layout.buildLog, Censor.censor(Array(text.utf8), secrets), durable: true)
        } catch {
            executor.logger.error("build-log.txt of build \(run.buildID) was not stored: \(error)")
        }
    }

    func perform(_ plan: PodPlan, in workspace: Workspace) async -> (RunOutcome, finalSHA: String?) {
        var outcome = RunOutcome(state: .error, message: "The job did not run.")
        var finalSHA: String?
        var chunks = 0
        var remarks: [String] = []
        var timeline = timeline
        do {
            let instruction = try InstructionBuilder(
                run: run, plan: plan, workspace: workspace, searchPath: executor.options.searchPath,
                limits: executor.options.limits
            ).build()
            if let document = try run.leasesDocument() { try workspace.write(document, to: workspace.leasesFile) }
            let entrypoint = try EntrypointProcess.start(instruction, workspace, executor)
            control.onStop { entrypoint.stop($0) }
            async let log = pumpLog(entrypoint)
            let report = await listen(to: entrypoint, &timeline)
            // Whatever the entrypoint left holds the log open; with a clean end there is nothing.
            if report.result == nil { workspace.killStrays() }
            let cut = entrypoint.cutLog(after: .seconds(10))
            chunks = await log
            cut.cancel()
            let end = await entrypoint.waitForEnd()
            finalSHA = report.finalSHA
            outcome = self.outcome(of: report, end)
        } catch {
            outcome.message = "\(error)"
            remarks.append(outcome.message)
        }
        let uploadStarted = ContinuousClock.now
        timeline.begin(.upload)
        if !isSurplus {
            do {
                remarks += try await patiently("artifacts of build \(run.buildID)", unless: { isSurplus }) {
                    try await upload(workspace)
                }
            } catch {
                // A result without its artifacts is no result.
                outcome.state = outcome.state == .aborted ? .aborted : .error
                outcome.message = "The artifacts were not stored: \(error)"
                remarks.append(outcome.message)
            }
            await composeLog(chunks, remarks)
            await storeIntervals(timeline, outcome)
        }
        outcome.phases["upload"] = (ContinuousClock.now - uploadStarted) / .seconds(1)
        outcome.message = String(decoding: Censor.censor(Array(outcome.message.utf8), secrets), as: UTF8.self)
        return (outcome, finalSHA)
    }

    /// Nothing of it will be published.
    private var isSurplus: Bool { control.stop == .lost || control.stop == .shutdown }

    // MARK: The entrypoint's events

    private struct Report {
        var result: EntrypointResult?
        var finalSHA: String?
        var tree: String?
        var phases: [String: Double] = [:]
    }

    private func listen(to entrypoint: EntrypointProcess, _ timeline: inout AttemptTimeline) async -> Report {
        var report = Report()
        var pending: [UInt8] = []
        reading: while true {
            switch await entrypoint.events.next() {
            case .silence: continue
            case .end: break reading
            case .bytes(let bytes): pending += bytes
            }
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(pending[..<end])
                pending.removeSubrange(...end)
                guard let event = try? ArtifactDocument.decode(EntrypointEvent.self, from: line) else { continue }
                switch event {
                case .cloning: timeline.begin(.clone)
                case .running: timeline.begin(.test)
                case .cloned(let finalSHA, let tree, let seconds):
                    timeline.end()
                    report.finalSHA = finalSHA
                    report.tree = tree
                    report.phases["clone"] = seconds
                    try? await putStarted(finalSHA: finalSHA)
                case .ended(let result):
                    timeline.end()
                    report.result = result
                    report.phases["test"] = result.testSeconds
                }
            }
        }
        return report
    }

    private func outcome(of report: Report, _ end: (code: Int, signal: Int)) -> RunOutcome {
        var outcome = RunOutcome(state: .error, message: "", tree: report.tree, phases: report.phases)
        if let result = report.result {
            outcome.state = result.state
            outcome.message = result.message
            outcome.exitCode = result.exitCode
        } else {
            outcome.message =
                end.signal != 0
                ? "The entrypoint of the job was killed by signal \(end.signal)"
                    + (end.signal == Int(SIGKILL) ? " (out of memory?)." : ".")
                : "The entrypoint of the job ended with \(end.code) and no result."
        }
        switch control.stop {
        case .cancelled(let reason):
            outcome.state = .aborted
            outcome.message = "Aborted: \(reason)."
            outcome.exitCode = 130
        case .failed(let reason):
            outcome.state = .error
            outcome.message = reason
        default: break
        }
        return outcome
    }

    private func putStarted(finalSHA: String?) async throws {
        try await store.put(
            layout.started,
            ArtifactDocument.encode(
                StartedDocument(timestamp: run.claimedAt, spec: run.prowSpec, finalSHA: finalSHA, node: agent)))
    }

    // MARK: The log

    /// Stores chunks while the job prints; answers how many.
    private func pumpLog(_ entrypoint: EntrypointProcess) async -> Int {
        var recorder = LogRecorder(secrets: secrets, limits: executor.options.log)
        var count = 0
        var isStoring = true
        reading: while true {
            switch await entrypoint.log.next(until: recorder.deadline) {
            case .bytes(let bytes): recorder.append(bytes, at: .now)
            case .silence: break
            case .end: break reading
            }
            while let chunk = recorder.takeChunk(at: .now) {
                if isStoring { isStoring = await storeChunk(count, chunk) }
                if isStoring { count += 1 }
            }
        }
        for chunk in recorder.finish() where isStoring {
            isStoring = await storeChunk(count, chunk)
            if isStoring { count += 1 }
        }
        return count
    }

    /// The job waits meanwhile, once its pipe is full: nothing piles up here.
    private func storeChunk(_ number: Int, _ chunk: [UInt8]) async -> Bool {
        do {
            try await patiently("the log of build \(run.buildID)", unless: { control.stop != nil }) {
                try await store.put(layout.logChunk(number), chunk)
            }
            return true
        } catch {
            control.stop(.failed("The log could not be stored: \(error)"))
            return false
        }
    }

    private func composeLog(_ chunks: Int, _ remarks: [String]) async {
        do {
            try await patiently("build-log.txt of build \(run.buildID)", unless: { isSurplus }) {
                var next = 0
                var end: [UInt8]? = Array(remarks.map { "slipway: \($0)\n" }.joined().utf8)
                try await store.put(layout.buildLog, durable: true) {
                    if next < chunks {
                        defer { next += 1 }
                        return try await store.get(layout.logChunk(next))
                    }
                    defer { end = nil }
                    return end.map { Censor.censor($0, secrets) }
                }
            }
        } catch {
            executor.logger.error("build-log.txt of build \(run.buildID) was not stored: \(error)")
        }
    }

    // MARK: Artifacts

    /// A run without them is as good as any other.
    private func storeIntervals(_ timeline: AttemptTimeline, _ outcome: RunOutcome) async {
        do {
            try await store.put(
                layout.intervals, Censor.censor(try timeline.document(outcome).encoded(), secrets))
        } catch {
            executor.logger.warning("the intervals of build \(run.buildID) were not stored: \(error)")
        }
    }

    /// Answers remarks for the end of the log.
    private func upload(_ workspace: Workspace) async throws -> [String] {
        for (name, path) in [
            ("clone-records.json", layout.cloneRecords), ("clone-log.txt", layout.cloneLog),
        ] {
            guard let bytes = FileManager.default.contents(atPath: "\(workspace.control)/\(name)") else { continue }
            try await store.put(path, Censor.censor(Array(bytes), secrets))
        }
        let summary = try await ArtifactUpload(
            folder: workspace.artifacts, destination: layout.artifacts, store: store, secrets: secrets
        ).run { isSurplus }
        return summary.remarks
    }
}
