package import ArgumentParser
import Fleet
import FoundationEssentials
package import RoomKit
package import SlipwayModel

extension JobKind: ExpressibleByArgument {}
extension RunState: ExpressibleByArgument {}
extension RerunMode: ExpressibleByArgument {}

/// `slipway runs`: what runs, and what to do about it.
package struct RunsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List, inspect, repeat and abort runs, read their logs.",
        subcommands: [List.self, Show.self, Logs.self, Rerun.self, Abort.self, Wait.self, Ledger.self])

    package init() {}

    package struct List: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "List runs, newest first.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Option(help: "Only in this state: \(RunState.allCases.map(\.rawValue).joined(separator: ", ")).")
        package var state: RunState?
        @Option(help: "Only of this job.")
        package var job: String?
        @Option(help: "Only of this kind: \(JobKind.allCases.map(\.rawValue).joined(separator: ", ")).")
        package var kind: JobKind?
        @Option(help: "Only of this repository, ORG/REPO.")
        package var repo: String?
        @Option(help: "Only of the pull request with this number.")
        package var pull: Int?
        @Option(help: "How many.")
        package var limit = 30

        package init() {}

        package func run() async throws {
            var filter = RunOperations.Filter()
            filter.state = state
            filter.job = job
            filter.kind = kind
            filter.repository = try repo.map(parseRepository)
            filter.pull = pull
            let found = try await options.withRuns { try await $0.list(filter, limit: min(max(limit, 1), 10_000)) }
            try output.print(
                found,
                columns: [
                    ("RUN", { $0.runID.description }), ("STATE", { $0.state.rawValue }), ("JOB", { $0.job }),
                    ("OF", { $0.place }), ("REQUESTED", { $0.requestedAt.formatted(.iso8601) }),
                    ("TOOK", { $0.duration }), ("WHY", { $0.description }),
                ], empty: "No run matches.")
        }
    }

    package struct Show: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "Print one run.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Argument(help: "Run id or build id.")
        package var run: String

        package init() {}

        package func run() async throws {
            let found = try await options.withRuns { try await $0.need(run) }
            guard output.format == .table else { return try output.printJSON(found) }
            let rows: [(String, String)] = [
                ("run", found.runID.description), ("build", found.buildID.description), ("job", found.job),
                ("kind", found.kind.rawValue), ("of", found.place), ("state", found.state.rawValue),
                ("why", found.description), ("cluster", found.cluster), ("agent", found.agent ?? ""),
                ("attempt", String(found.attempt)), ("requested", found.requestedAt.formatted(.iso8601)),
                ("started", found.startedAt?.formatted(.iso8601) ?? ""),
                ("finished", found.finishedAt?.formatted(.iso8601) ?? ""), ("took", found.duration),
            ]
            for (name, value) in rows where !value.isEmpty {
                print(name.padded(to: 10) + value)
            }
        }
    }

    package struct Rerun: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Start a run again on the same commits, by the job's current definition or its own.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Argument(help: "Run id or build id.")
        package var run: String
        @Option(
            help:
                "By which definition: current (the one in force; the run's own if there is none), latest (the one in force), original (the run's own)."
        )
        package var mode = RerunMode.current

        package init() {}

        package func run() async throws {
            let new = try await options.withRuns { runs in
                let old = try await runs.need(run)
                switch try await runs.rerun(old.runID, mode) {
                case .started(let new): return new
                case .noSuchJob: throw ValidationError(SchedulingText.noLongerConfigured(old.job))
                case .noSuchRun: throw NoSuchRun(name: run)
                }
            }
            if output.format == .json { try output.printJSON(["run_id": new.description]) } else { print(new) }
        }
    }

    package struct Abort: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "Abort a run.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Argument(help: "Run id or build id.")
        package var run: String

        package init() {}

        package func run() async throws {
            let (found, outcome) = try await options.withRuns { runs in
                let found = try await runs.need(run)
                return (found, try await runs.abort(found.runID, by: ProcessInfo.processInfo.userName))
            }
            if output.format == .json, outcome != .unknown {
                let state =
                    switch outcome {
                    case .alreadyEnded(let state): state
                    case .stopping: RunState.running
                    case .aborted, .unknown: RunState.aborted
                    }
                return try output.printJSON(["run_id": found.runID.description, "state": state.rawValue])
            }
            switch outcome {
            case .aborted: print("Run \(found.runID) is aborted.")
            case .stopping: print("Run \(found.runID) is being stopped by its agent.")
            case .alreadyEnded(let state): print(SchedulingText.alreadyFinished(found.runID, state))
            case .unknown: throw NoSuchRun(name: run)
            }
        }
    }

    package struct Ledger: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Count what was accepted since an instant, and what of it finished, got lost or was doubled.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Option(help: "The instant, e.g. 2026-11-24T12:00:00Z.")
        package var since: String

        package init() {}

        package func run() async throws {
            guard let instant = try? Date.ISO8601FormatStyle().parse(since) else {
                throw ValidationError("'\(since)' is no instant such as 2026-11-24T12:00:00Z")
            }
            let figures = try await options.withRuns { try await $0.ledger(since: instant) }
            guard output.format == .table else { return try output.printJSON(figures) }
            print(
                """
                accepted    \(figures.accepted)
                finished    \(figures.finished)
                unfinished  \(figures.unfinished)
                lost        \(figures.lost)
                doubled     \(figures.doubled)
                attempts repeated after a vanished agent  \(figures.repeatedAttempts)
                """)
        }
    }
}

/// A run that a command named and that is not there.
struct NoSuchRun: Error, CustomStringConvertible {
    let name: String
    var description: String { SchedulingText.noSuchRun(name) }
}

extension RunOperations {
    fileprivate func need(_ name: String) async throws -> RunSummary {
        guard let run = try await find(name) else { throw NoSuchRun(name: name) }
        return run
    }
}

extension CommandOptions {
    func withRuns<Result>(_ body: (RunOperations) async throws -> Result) async throws -> Result {
        try await withFleet { settings, bus in
            try await body(
                RunOperations(bus: bus, limits: SchedulingLimits(agentLostAfter: Double(settings.agentLostAfter))))
        }
    }
}

extension RunSummary {
    /// `1m 5s` of execution; empty before it began.
    fileprivate var duration: String {
        guard let startedAt else { return "" }
        let seconds = Int((finishedAt ?? Date()).timeIntervalSince(startedAt))
        return seconds < 60 ? "\(max(seconds, 0))s" : "\(seconds / 60)m \(seconds % 60)s"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}

/// - Throws: a sentence where it is not `ORG/REPO`.
func parseRepository(_ text: String) throws -> RepositoryName {
    guard let repository = RepositoryName(text) else { throw ValidationError("'\(text)' is not ORG/REPO") }
    return repository
}
