import ArgumentParser
import FoundationEssentials
import JobConfig
import PullRequests
import Results
import RoomKit
import Scheduling
import SlipwayModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Says which presubmits a pull request starts, and why.
struct WhichJobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "which-jobs",
        abstract: "Say which jobs a pull request starts, and why the others stay.",
        discussion: """
            With --comment: what that comment starts, on a head that no job has reported on yet. With --batch: a JSON \
            line {"repo","branch","changed":[],"comment":null} per question, answered in order by a line each.
            """)

    @Option(help: "The folder of job files.", completion: .directory) var jobConfig: String
    @Option(help: "Prow's own config.yaml.", completion: .file()) var prowConfig: String?
    @Option(help: "The repository, ORG/REPO.") var repo: String?
    @Option(help: "The branch that the pull request is to be merged into.") var branch: String?
    @Option(
        help: ArgumentHelp(
            "The repository's own configuration: its .prow.yaml, its .prow folder, or a checkout.",
            valueName: "file|dir"), completion: .file())
    var inRepoConfig: String?
    @Option(help: "A path that the pull request changes; may be repeated.", completion: .file()) var changed: [String] =
        []
    @Option(help: "A comment, e.g. '/test unit'.") var comment: String?
    @Option(help: "A file of questions, '-' for standard input.", completion: .file()) var batch: String?
    @OptionGroup var output: OutputOptions

    struct Question: Decodable {
        var repo: String
        var branch: String
        var changed: [String]?
        var comment: String?
    }

    struct Answer: Encodable {
        struct Job: Encodable {
            var name: String
            var reason: String
        }

        var run: [Job] = []
        var skip: [Job] = []
    }

    func validate() throws {
        guard batch != nil || (repo != nil && branch != nil) else {
            throw ValidationError("Name --repo ORG/REPO and --branch BRANCH, or a --batch file of questions.")
        }
        guard
            batch == nil || (branch == nil && comment == nil && changed.isEmpty && (repo == nil || inRepoConfig != nil))
        else {
            throw ValidationError(
                "A --batch file has its questions' repository, branch, changes and comment in its lines; leave the options "
                    + "for them out, or --batch.")
        }
        guard inRepoConfig == nil || repo.flatMap({ RepositoryName($0) }) != nil else {
            throw ValidationError("--in-repo-config belongs to the repository that --repo ORG/REPO names.")
        }
    }

    func run() throws {
        var loaded = JobConfiguration.load(
            folder: jobConfig, prowSettings: prowConfig.map { JobConfiguration.prowSettings(path: $0) })
        if let inRepoConfig, let repository = repo.flatMap({ RepositoryName($0) }) {
            loaded.add(inRepository: repository, path: inRepoConfig, isDecided: prowConfig != nil)
        }
        guard loaded.isValid else {
            let first = loaded.errors.first.map { " The first: \($0)" } ?? ""
            throw Refusal(
                "The configuration has \(loaded.errors.count) errors; 'slipway check-config' lists them.\(first)")
        }
        let jobs = PresubmitIndex(loaded.jobs)
        if let batch { return try answer(batch, jobs) }
        let question = Question(repo: repo ?? "", branch: branch ?? "", changed: changed, comment: comment)
        let answer = try Self.answer(question, jobs)
        switch output.format {
        case .json: try output.printJSON(answer)
        case .table:
            let rows =
                answer.run.map { ["run", $0.name, $0.reason] } + answer.skip.map { ["skip", $0.name, $0.reason] }
            print(rows.isEmpty ? "\(question.repo) has no presubmits." : "\(TextTable(["", "JOB", "WHY"], rows))")
        }
    }

    /// A line that is no question is answered in its place, by an error; the others still are.
    private func answer(_ batch: String, _ jobs: PresubmitIndex) throws {
        if batch != "-" {
            // The questions become standard input, which is read line by line.
            let file = open(batch, O_RDONLY | O_CLOEXEC)
            var status = stat()
            guard file >= 0, fstat(file, &status) == 0, status.st_mode & S_IFMT != S_IFDIR, dup2(file, 0) == 0 else {
                throw Refusal("\(batch) cannot be read; name a file of questions, or '-' for standard input.")
            }
            close(file)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var failures = 0
        while let line = readLine() {
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            let answer: Data
            do {
                let question = try JSONDecoder().decode(Question.self, from: Data(line.utf8))
                answer = try encoder.encode(try Self.answer(question, jobs))
            } catch {
                failures += 1
                answer = try encoder.encode(["error": Self.refusal(error)])
            }
            print(String(decoding: answer, as: UTF8.self))
        }
        guard failures == 0 else { throw ExitCode(1) }
    }

    /// What is wrong with a line, and what to write instead.
    private static func refusal(_ error: any Error) -> String {
        func at(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined()
        }
        if let refusal = error as? Refusal { return refusal.description }
        let what =
            switch error {
            case DecodingError.keyNotFound(let key, _): "This question has no '\(key.stringValue)'"
            case DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty,
                DecodingError.valueNotFound(_, let context) where !context.codingPath.isEmpty:
                "'\(at(context))' of this question is of another type"
            default: "This line is no question"
            }
        return what + #"; write {"repo":"ORG/REPO","branch":"main","changed":["a"],"comment":null}."#
    }

    /// What stands in the way of an answer, and what to do.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private static func answer(_ question: Question, _ index: PresubmitIndex) throws -> Answer {
        guard let repository = RepositoryName(question.repo) else {
            throw Refusal("'\(question.repo)' is not a repository; write ORG/REPO.")
        }
        guard !question.branch.isEmpty else {
            throw Refusal("The branch is empty; name the one that the pull request is to be merged into.")
        }
        let found = PresubmitRules.answer(
            WhichJobsQuestion(
                repository: repository, branch: question.branch, changedFiles: question.changed ?? [],
                comment: question.comment), index.presubmits(of: repository))
        return Answer(
            run: found.run.map { Answer.Job(name: $0.name, reason: $0.reason) },
            skip: found.skip.map { Answer.Job(name: $0.name, reason: $0.reason) })
    }
}

/// Which presubmits start, by the rules that scheduling follows; for the command and for the page.
enum PresubmitRules {
    static func answer(_ question: WhichJobsQuestion, _ jobs: [ConfiguredJob]) -> WhichJobsAnswer {
        var answer = WhichJobsAnswer(run: [], skip: [])
        var chosen: Set<String> = []
        for choice in choices(question, jobs) {
            chosen.insert(choice.job.job.name)
            answer.run.append(.init(name: choice.job.job.name, reason: choice.reason))
        }
        // Of several jobs with one name, one per branch, a single line.
        for job in jobs where chosen.insert(job.job.name).inserted {
            let decision = job.decision(branch: question.branch, changedFiles: { question.changedFiles })
            let reason = decision.runs ? "the comment does not ask for it" : decision.reason
            answer.skip.append(.init(name: job.job.name, reason: reason))
        }
        return answer
    }

    private static func choices(_ question: WhichJobsQuestion, _ jobs: [ConfiguredJob]) -> [JobChoice] {
        guard let comment = question.comment else {
            return AutomaticJobs.choose(
                from: jobs, branch: question.branch, changedFiles: { question.changedFiles })
        }
        let text = CommandParser.visibleText(comment)
        let issued = CommandIssued(
            repository: question.repository, number: 0, actor: "", actorAssociation: nil, commentID: nil,
            commands: CommandParser.commands(in: text).map { .init(name: $0.name, arguments: $0.arguments) },
            body: text, deliveryID: "")
        return CommandDecision(
            issued, jobs: jobs, branch: question.branch, contexts: [:], changedFiles: { question.changedFiles }
        ).choices
    }
}

/// The presubmits of a configuration by repository.
private struct PresubmitIndex {
    private let jobs: [RepositoryName: [ConfiguredJob]]

    init(_ jobs: [ConfiguredJob]) {
        self.jobs = Dictionary(
            grouping: jobs.filter { $0.job.kind == .presubmit },
            by: { $0.job.repository ?? RepositoryName(org: "", repo: "") })
    }

    func presubmits(of repository: RepositoryName) -> [ConfiguredJob] { jobs[repository] ?? [] }
}
