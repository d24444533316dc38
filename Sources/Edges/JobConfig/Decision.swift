import Patterns
import SlipwayModel

/// Whether a job runs by itself, and why, in words for people.
package struct Decision: Sendable, Hashable, Codable {
    package var runs: Bool
    package var reason: String

    static func run(_ reason: String) -> Decision { Decision(runs: true, reason: reason) }
    static func skip(_ reason: String) -> Decision { Decision(runs: false, reason: reason) }
}

// The rules, in Prow's order (pkg/config/jobs.go, `ShouldRun`):
//
// | asked in this order    | answer                                                                    |
// |------------------------|---------------------------------------------------------------------------|
// | branch excluded        | skip, even when forced                                                    |
// | always_run             | run                                                                       |
// | forced                 | run: a comment named the job                                              |
// | run_if_changed         | run if any changed file matches                                           |
// | skip_if_only_changed   | run if any changed file does not match                                    |
// | filter default         | run if what asks says so, e.g. a retest of a failed context               |
//
// No changed file at all means that no change rule is met.
extension ConfiguredJob {
    package func runsAgainst(branch: String) -> Bool { branches.matches(branch) }

    /// Whether a comment's text asks for this job. Only presubmits have triggers.
    package func isTriggered(by comment: String) -> Bool { trigger?.matches(comment) ?? false }

    /// Whether `decision` would ask for the changed files, so that they are fetched only when they matter.
    package func needsChangedFiles(branch: String, forced: Bool = false) -> Bool {
        !alwaysRun && !forced && (runIfChanged ?? skipIfOnlyChanged) != nil && runsAgainst(branch: branch)
    }

    /// Whether a pull request against (or a push to) `branch` runs this job.
    ///
    /// - Parameters:
    ///   - changedFiles: asked for only where a change rule decides.
    ///   - forced: a command named this job.
    ///   - runsByDefault: what holds when no rule asks for a run, e.g. for a failed context on `/retest`.
    package func decision(
        branch: String, changedFiles: () throws -> [String], forced: Bool = false, runsByDefault: Bool = false
    ) rethrows -> Decision {
        if let exclusion = branches.exclusion(of: branch) { return .skip(exclusion) }
        if alwaysRun { return .run("always_run") }
        if forced { return .run("a command asked for it") }
        let fallback: String
        if let runIfChanged {
            let files = try changedFiles()
            if let file = files.first(where: runIfChanged.matches) {
                return .run("'\(file)' matches run_if_changed (\(runIfChanged))")
            }
            fallback = files.isEmpty ? "no file changed" : "no changed file matches run_if_changed (\(runIfChanged))"
        } else if let skipIfOnlyChanged {
            let files = try changedFiles()
            if let file = files.first(where: { !skipIfOnlyChanged.matches($0) }) {
                return .run("'\(file)' does not match skip_if_only_changed (\(skipIfOnlyChanged))")
            }
            fallback =
                files.isEmpty
                ? "no file changed" : "every changed file matches skip_if_only_changed (\(skipIfOnlyChanged))"
        } else {
            fallback = "runs only when asked for" + (job.rerunCommand.map { ": \($0)" } ?? "")
        }
        return runsByDefault ? .run("asked for again; by itself: \(fallback)") : .skip(fallback)
    }
}
