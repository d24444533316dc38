import FoundationEssentials
import JobConfig
import SlipwayModel
import Web

/// `/which-jobs`: a form that answers what a pull request with some changes would start. Its question is in the URL.
struct WhichJobsPage {
    let store: ResultsStore
    let rule: WhichJobsRule

    /// Presubmits of one repository that are asked.
    private static let jobs = 5000
    private static let files = 200

    func values(_ query: QueryParameters) async throws -> [String: PageValue] {
        let repo = try query.text("repo")
        let branch = try query.text("branch") ?? "main"
        let changed = Array(
            (query["changed"] ?? "").split(whereSeparator: \.isNewline).map { $0.trimming(while: \.isWhitespace) }
                .filter { !$0.isEmpty }.map(String.init).prefix(Self.files))
        let comment = query["comment"].map { $0.prefixOfBytes(2000) }
        var values: [String: PageValue] = [
            "repo": .optional(repo), "branch": .text(branch), "changed": .text(changed.joined(separator: "\n")),
            "comment": .optional(comment), "tabs": .objects(ConfigurationPages.tabs(current: "/which-jobs")),
            "repositories": .list(
                try await store.configuredRepositories().compactMap { $0.repository }.prefix(500)
                    .map { .text($0.description) }),
        ]
        guard let repo else { return values }
        guard let repository = RepositoryName(repo) else {
            values["problem"] = .text(ResultsText.noRepositoryName(repo))
            return values
        }
        let presubmits = try await store.configuredJobs(of: repository, limit: Self.jobs)
            .filter { $0.job.kind == .presubmit }
        guard !presubmits.isEmpty else {
            values["problem"] = .text(ResultsText.noPresubmits(repository))
            return values
        }
        let answer = rule(
            WhichJobsQuestion(repository: repository, branch: branch, changedFiles: changed, comment: comment),
            presubmits)
        values["hasAnswer"] = true
        values["runs"] = .objects(answer.run.map(Self.row))
        values["skips"] = .objects(answer.skip.map(Self.row))
        values["runCount"] = .number(answer.run.count)
        values["skipCount"] = .number(answer.skip.count)
        values["noneRuns"] = .flag(answer.run.isEmpty)
        values["hasSkips"] = .flag(!answer.skip.isEmpty)
        return values
    }

    private static func row(_ job: WhichJobsAnswer.Job) -> [String: PageValue] {
        ["name": .text(job.name), "path": .text(RunRow.jobPath(job.name)), "reason": .text(job.reason)]
    }
}

extension StringProtocol {
    /// Without leading and trailing characters of a kind.
    func trimming(while isTrimmed: (Character) -> Bool) -> SubSequence {
        let beginning = drop(while: isTrimmed)
        guard let last = beginning.lastIndex(where: { !isTrimmed($0) }) else { return beginning.prefix(0) }
        return beginning[...last]
    }
}
