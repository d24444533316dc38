package import JobConfig
import Patterns
import SlipwayModel

/// What another configuration means for a pull request that is open already. Pure; the rules of Prow's status reconciler.
///
/// | presubmit of the pull request's branch | consequence |
/// |---|---|
/// | required and automatic now, and before: absent, optional, not reporting, only by hand, or by other change rules | starts |
/// | its context is reported by no job any more, its name by another context | the status moves there |
/// | its context and its name are gone | the status is retired: it blocks no merge |
///
/// Only contexts that stand on the pull request's head are touched.
package struct Reconciliation: Sendable {
    /// Names of jobs to start, if their own rules say so.
    package var starts: [String] = []
    package var retired: [String] = []
    package var moved: [(from: String, to: String)] = []

    /// - Parameters:
    ///   - ended: presubmits of the repository that the new configuration changed or left out.
    ///   - begun: those that it changed or brought.
    ///   - current: all of them now.
    ///   - contexts: those that stand on the head.
    package init(
        branch: String, ended: [ConfiguredJob], begun: [ConfiguredJob], current: [ConfiguredJob],
        contexts: Set<String>
    ) {
        let old = ended.filter { $0.runsAgainst(branch: branch) }
        let now = current.filter { $0.runsAgainst(branch: branch) }
        let changed = Set(begun.map(\.job.name))
        let before = Dictionary(old.map { ($0.job.name, $0) }, uniquingKeysWith: { first, _ in first })
        starts = now.filter { job in
            guard changed.contains(job.job.name), job.job.isRequired, job.isAutomatic,
                !contexts.contains(job.reportedContext)
            else { return false }
            guard let before = before[job.job.name] else { return true }
            return !before.job.isRequired || !before.isAutomatic || before.changeRules != job.changeRules
        }.map(\.job.name)
        for job in old where !job.job.skipReport && contexts.contains(job.reportedContext) {
            let context = job.reportedContext
            guard !now.contains(where: { !$0.job.skipReport && $0.reportedContext == context }) else { continue }
            if let successor = now.first(where: { $0.job.name == job.job.name && !$0.job.skipReport }) {
                moved.append((context, successor.reportedContext))
            } else {
                retired.append(context)
            }
        }
    }
}

extension ConfiguredJob {
    fileprivate var changeRules: [String?] { [runIfChanged?.expression, skipIfOnlyChanged?.expression] }
}
