package import ArgumentParser
import Fleet
import FoundationEssentials
import JobConfig
import Postgres
package import RoomKit
package import SlipwayModel

/// `slipway config`: puts configurations into force and tells about those that were.
package struct ConfigCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Apply and inspect the configuration of jobs.",
        subcommands: [Apply.self, Show.self, History.self, Diff.self])

    package init() {}

    package struct Apply: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Validate a folder of job files as a whole and put it into force.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Argument(help: "Folder of job files (.yaml, .yml), at any depth.", completion: .directory)
        package var folder: String
        @OptionGroup package var prow: ProwFileOptions

        package init() {}

        package func run() async throws {
            let loaded = prow.sources(jobs: folder).load()
            for warning in loaded.warnings { Terminal.complain("warning: \(warning)") }
            guard loaded.isValid else { throw ConfigurationRefused(problems: loaded.errors) }
            let applied = try await options.withFleet { _, bus in
                try await ConfigurationStore(bus).apply(
                    loaded, by: ProcessInfo.processInfo.userName, source: folder)
            }
            switch output.format {
            case .json: try output.printJSON(applied)
            case .table where !applied.changed:
                print("Version \(applied.version) is this configuration already (\(applied.jobs) jobs).")
            case .table:
                print(
                    """
                    Version \(applied.version) is in force: \(applied.jobs) jobs, \(applied.added) added, \
                    \(applied.modified) modified, \(applied.removed) removed.
                    """)
            }
        }
    }

    package struct Show: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Print the jobs of the current version, or of another.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Option(name: .customLong("at"), help: "The version; the current one by default.")
        package var version: Int64?

        package init() {}

        package func run() async throws {
            let jobs = try await options.withFleet { _, bus in
                try await ConfigurationStore(bus).jobs(of: version)
            }
            try printJobs(jobs, output)
        }
    }

    package struct History: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "List the versions, newest first.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Option(help: "How many.")
        package var limit = 20

        package init() {}

        package func run() async throws {
            let versions = try await options.withFleet { _, bus in
                try await ConfigurationStore(bus).history(limit: max(limit, 1))
            }
            try output.print(
                versions,
                columns: [
                    ("VERSION", { String($0.version) }), ("APPLIED", { $0.appliedAt.formatted(.iso8601) }),
                    ("BY", { $0.appliedBy }), ("JOBS", { String($0.jobs) }), ("HASH", { String($0.hash.prefix(12)) }),
                    ("FROM", { $0.source }),
                ], empty: "Nothing was applied yet: slipway config apply FOLDER")
        }
    }

    package struct Diff: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "What changed between two versions; by default between the last two.")

        @OptionGroup package var options: CommandOptions
        @OptionGroup package var output: OutputOptions
        @Argument(help: "The older version.")
        package var old: Int64?
        @Argument(help: "The newer version.")
        package var new: Int64?

        package init() {}

        package func run() async throws {
            let differences = try await options.withFleet { _, bus in
                let store = ConfigurationStore(bus)
                let newer: Int64
                if let new { newer = new } else { newer = try await store.history(limit: 1).first?.version ?? 0 }
                return try await store.differences(from: old ?? max(newer - 1, 0), to: newer)
            }
            try output.print(
                differences,
                columns: [
                    ("CHANGE", { $0.kind.rawValue }), ("KIND", { $0.jobKind.rawValue }), ("JOB", { $0.job }),
                    ("REPOSITORY", { $0.repository?.description ?? "" }),
                    ("FIELDS", { $0.fields.joined(separator: ", ") }),
                ], empty: "No job differs.")
        }
    }
}

/// `slipway jobs`: what is configured now.
package struct JobsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List the configured jobs.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var output: OutputOptions
    @Option(help: "Only jobs of this repository, ORG/REPO.")
    package var repo: String?
    @Option(help: "Only presubmit, postsubmit or periodic.")
    package var kind: JobKind?

    package init() {}

    package func run() async throws {
        let repository = try repo.map(parseRepository)
        let jobs = try await options.withFleet { _, bus in
            try await ConfigurationStore(bus).jobs()
        }
        try printJobs(
            jobs.filter {
                (repository == nil || $0.job.repository == repository) && (kind == nil || $0.job.kind == kind)
            }, output)
    }
}

private func printJobs(_ jobs: [ConfiguredJob], _ output: OutputOptions) throws {
    try output.print(
        jobs,
        columns: [
            ("KIND", { $0.job.kind.rawValue }), ("JOB", { $0.job.name }),
            ("REPOSITORY", { $0.job.repository?.description ?? "" }), ("RUNS", { $0.occasion }),
            ("CLUSTER", { $0.job.cluster }), ("FROM", { $0.job.source ?? "" }),
        ], empty: "No job is configured: slipway config apply FOLDER")
}

extension ConfiguredJob {
    /// When it runs, in a few words.
    fileprivate var occasion: String {
        if let schedule { return schedule.description }
        let branches = branches.branches.isEmpty ? "" : " on \(branches.branches.joined(separator: "|"))"
        if alwaysRun { return "always" + branches }
        if let runIfChanged { return "if changed: \(runIfChanged)" + branches }
        if let skipIfOnlyChanged { return "unless only changed: \(skipIfOnlyChanged)" + branches }
        return (job.rerunCommand ?? "when asked for") + branches
    }
}
