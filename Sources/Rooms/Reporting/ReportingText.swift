package import JobConfig
package import SlipwayModel

/// Everything reporting says at the forge. The statuses' descriptions are Prow's, word for word, because tools read
/// them.
package enum ReportingText {
    /// The title of a check run that stands for one that was overridden.
    static func override(of name: String) -> String { "Override: \(name)" }

    /// The forge cuts descriptions here.
    static let descriptionLimit = 140

    /// A status's state at the forge: it knows no aborted runs.
    package static func statusState(_ state: RunState) -> String {
        switch state {
        case .waiting, .dispatched, .running: "pending"
        case .success: "success"
        case .failure, .aborted: "failure"
        case .error: "error"
        }
    }

    /// `text`, padding, ` BaseSHA:` and 40 digits, 140 characters in all; Tide and others cut the base out of it.
    package static func description(of run: ReportedRun) -> String {
        let text: String
        switch run.state {
        case .waiting, .dispatched, .running: text = "Job triggered."
        case .success:
            text = run.description.flatMap { $0.hasPrefix(RunRequested.overridden) ? $0 : nil } ?? "Job succeeded."
        case .failure: text = "Job failed."
        case .aborted: text = "Job aborted."
        case .error: text = run.description.flatMap { $0.isEmpty ? nil : $0 } ?? "Job could not be run."
        }
        let suffix = run.baseSHA.map { " BaseSHA:\($0)" } ?? ""
        let room = descriptionLimit - suffix.count
        let cut = text.count > room ? String(text.prefix(room - 3)) + "..." : text
        return suffix.isEmpty ? cut : cut + String(repeating: " ", count: room - cut.count) + suffix
    }

    /// Marks the one comment of failures, as Prow marks it.
    package static let failureTag = "<!-- test report -->"

    /// The table of what failed on a pull request; nil where nothing did.
    ///
    /// - Parameters:
    ///   - runs: the latest run of each job on the head.
    ///   - template: what the configuration says below the table, of the first run in it.
    ///   - page: the address of a run's page.
    package static func failureTable(
        _ runs: [ReportedRun], author: String, template: ReportTemplate? = nil, page: (RunID) -> String
    ) -> String? {
        let failed = runs.filter { !$0.skipReport && ($0.state == .failure || $0.state == .error) }
            .sorted { ($0.isRequired ? 0 : 1, $0.job) < ($1.isRequired ? 0 : 1, $1.job) }
        guard !failed.isEmpty else { return nil }
        let heading =
            failed.count == 1
            ? "@\(author): 1 test failed. Comment `/retest` to run it again."
            : "@\(author): \(failed.count) tests failed. Comment `/retest` to run them again."
        let rows = failed.map { run in
            [
                cell(run.context ?? run.job), run.pulls.first?.sha ?? "", "[link](\(page(run.runID)))",
                run.isRequired ? "true" : "false", run.rerunCommand.map { "`\(cell($0))`" } ?? "",
            ].joined(separator: " | ")
        }
        let table = """
            \(heading)

            Test name | Commit | Details | Required | Rerun command
            --- | --- | --- | --- | ---
            \(rows.joined(separator: "\n"))
            """
        // A template was tried when the configuration was read; one that fails on this run is left out.
        let details = template.flatMap { template in try? template.render(failed[0].subject(page)) }.map {
            "<details>\n\n\($0)\n</details>"
        }
        return [table, details, failureTag].compactMap { $0 }.joined(separator: "\n\n")
    }

    /// A value that cannot end its cell.
    private static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("\n", with: " ")
    }
}

extension ReportedRun {
    fileprivate func subject(_ page: (RunID) -> String) -> ReportTemplate.Subject {
        ReportTemplate.Subject(
            kind: kind, job: job, context: context, rerunCommand: rerunCommand, cluster: cluster,
            refs: refs ?? Refs(repository: repository, baseSHA: baseSHA, pulls: pulls), runID: runID, buildID: buildID,
            state: state, description: description, url: page(runID))
    }
}
