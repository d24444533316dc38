import ArgumentParser
import Execution
import FoundationEssentials
import JobConfig
import RoomKit
import Scheduling
import SlipwayModel

/// What carries out runs, as far as a pod's spec may ask for things that it does not have.
enum ExecutorKind: String, ExpressibleByArgument, CaseIterable {
    case process, kubernetes
}

/// Reads a configuration as a fleet would and says everything that is wrong with it.
struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Check Prow job configuration without applying it.",
        discussion: """
            Ends with 1 if anything is wrong. Warnings name what is ignored: keys that do not exist, and features of \
            Prow that Slipway does not serve.
            """)

    @Option(help: "The folder of job files.", completion: .directory) var jobConfig: String
    @OptionGroup var prow: ProwFileOptions
    @Option(help: "Also name what this executor cannot give to a job's pod: process or kubernetes.")
    var executor: ExecutorKind?
    @Option(
        help: ArgumentHelp(
            "Also check a repository's own configuration beside it: its .prow.yaml, its .prow folder, or a checkout.",
            valueName: "file|dir"), completion: .file())
    var inRepoConfig: String?
    @Option(help: "The repository that the own configuration belongs to, ORG/REPO.") var repo: String?
    @OptionGroup var output: OutputOptions

    /// The answer as JSON.
    struct Report: Encodable {
        var files: Int
        var presubmits: Int
        var postsubmits: Int
        var periodics: Int
        var presets: Int
        var repositories: Int
        var errors: [ConfigProblem]
        var warnings: [ConfigProblem]
    }

    func validate() throws {
        guard inRepoConfig != nil || repo == nil, inRepoConfig == nil || repo.flatMap({ RepositoryName($0) }) != nil
        else {
            throw ValidationError("--in-repo-config and --repo ORG/REPO belong together.")
        }
    }

    func run() throws {
        var loaded = prow.sources(jobs: jobConfig).load()
        if let inRepoConfig, let repository = repo.flatMap({ RepositoryName($0) }) {
            loaded.add(inRepository: repository, path: inRepoConfig, isDecided: prow.prowConfig != nil)
        }
        let unsupported = executor == .process ? Self.unsupported(by: .current, loaded.jobs) : []
        let report = Report(
            files: loaded.files.count, presubmits: loaded.count(of: .presubmit),
            postsubmits: loaded.count(of: .postsubmit), periodics: loaded.count(of: .periodic),
            presets: loaded.presets.count, repositories: loaded.repositories.count, errors: loaded.errors,
            warnings: (loaded.warnings + unsupported).sorted())
        switch output.format {
        case .json: try output.printJSON(report)
        case .table: Self.print(report)
        }
        guard loaded.isValid else { throw ExitCode(1) }
    }

    /// Jobs whose pods need more than a process on this machine.
    private static func unsupported(by machine: Machine, _ jobs: [ConfiguredJob]) -> [ConfigProblem] {
        jobs.compactMap { configured in
            let job = configured.job
            do throws(PodProblem) {
                _ = try PodPlan(spec: job.spec, machine: machine)
                return nil
            } catch {
                let place = (job.source ?? "").split(separator: ":")
                return ConfigProblem(
                    file: String(place.first ?? ""), line: place.last.flatMap { Int($0) } ?? 0, job: job.name,
                    message: error.description)
            }
        }
    }

    private static func print(_ report: Report) {
        for warning in report.warnings { Swift.print(Terminal.paint("warning:", .yellow), warning) }
        for error in report.errors { Swift.print(Terminal.paint("error:", .red), error) }
        Swift.print(
            """
            \(report.files) files, \(report.presubmits) presubmits, \(report.postsubmits) postsubmits, \
            \(report.periodics) periodics, \(report.presets) presets, \(report.repositories) repositories: \
            \(report.errors.count) errors, \(report.warnings.count) warnings
            """)
    }
}
