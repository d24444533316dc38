import Patterns
import SlipwayModel

/// Whether a job runs by itself, and why.
package struct Decision: Sendable, Hashable {
    /// What decided. Put into words only where somebody reads them: of thousands of jobs most are merely skipped.
    enum Ground: Sendable, Hashable {
        case excluded(branch: String, by: Brancher)
        case alwaysRun
        case command
        case changed(file: String, Pattern)
        case remained(file: String, Pattern)
        case nothingChanged
        case noneChanged(Pattern)
        case onlyChanged(Pattern)
        case manual(rerunCommand: String?)
    }

    package let runs: Bool
    private let ground: Ground
    /// It runs although nothing but the question asks for it.
    private let isAskedAgain: Bool

    init(runs: Bool, _ ground: Ground, isAskedAgain: Bool = false) {
        self.runs = runs
        self.ground = ground
        self.isAskedAgain = isAskedAgain
    }

    /// Why, in words for people.
    package var reason: String { (isAskedAgain ? "asked for again; by itself: " : "") + ground.words }
}

extension Decision.Ground {
    var words: String {
        switch self {
        case .excluded(let branch, let brancher): brancher.exclusion(of: branch) ?? "the branch is excluded"
        case .alwaysRun: "always_run"
        case .command: "a command asked for it"
        case .changed(let file, let rule): "'\(file)' matches run_if_changed (\(rule))"
        case .remained(let file, let rule): "'\(file)' does not match skip_if_only_changed (\(rule))"
        case .nothingChanged: "no file changed"
        case .noneChanged(let rule): "no changed file matches run_if_changed (\(rule))"
        case .onlyChanged(let rule): "every changed file matches skip_if_only_changed (\(rule))"
        case .manual(let command): "runs only when asked for" + (command.map { ": \($0)" } ?? "")
        }
    }
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
        if !branches.matches(branch) { return Decision(runs: false, .excluded(branch: branch, by: branches)) }
        if alwaysRun { return Decision(runs: true, .alwaysRun) }
        if forced { return Decision(runs: true, .command) }
        let ground: Decision.Ground
        if let runIfChanged {
            let files = try changedFiles()
            if let file = files.first(where: { runIfChanged.matches($0) }) {
                return Decision(runs: true, .changed(file: file, runIfChanged))
            }
            ground = files.isEmpty ? .nothingChanged : .noneChanged(runIfChanged)
        } else if let skipIfOnlyChanged {
            let files = try changedFiles()
            if let file = files.first(where: { !skipIfOnlyChanged.matches($0) }) {
                return Decision(runs: true, .remained(file: file, skipIfOnlyChanged))
            }
            ground = files.isEmpty ? .nothingChanged : .onlyChanged(skipIfOnlyChanged)
        } else {
            ground = .manual(rerunCommand: job.rerunCommand)
        }
        return Decision(runs: runsByDefault, ground, isAskedAgain: runsByDefault)
    }
}
