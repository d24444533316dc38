import SlipwayModel

/// Rules that two jobs can break together.
enum JobConflicts {
    /// - No branch runs two presubmits (or two postsubmits) of one name in one repository.
    /// - No two periodics share a name.
    /// - No branch runs two presubmits (or two postsubmits) of one repository that have one context, reported or not.
    static func find(_ resolved: [(draft: JobDraft, job: ConfiguredJob)]) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        var names: [Key: [Int]] = [:]
        var contexts: [Key: [Int]] = [:]
        for (index, (draft, configured)) in resolved.enumerated() {
            let job = configured.job
            let name = Key(kind: job.kind, repository: job.repository, text: job.name)
            if let other = names[name]?.first(where: { resolved[$0].job.branches.intersects(configured.branches) }) {
                problems.append(
                    draft.problem(
                        draft.line,
                        "another \(job.kind.rawValue) of this name stands at \(resolved[other].draft.place)"
                            + (job.kind == .periodic ? "" : " and runs against the same branches")
                            + "; rename one of them" + (job.kind == .periodic ? "" : " or separate their branches")))
            }
            names[name, default: []].append(index)
            guard job.kind != .periodic, let context = job.context else { continue }
            let key = Key(kind: job.kind, repository: job.repository, text: context)
            let rival = contexts[key]?.first {
                resolved[$0].job.job.name != job.name && resolved[$0].job.branches.intersects(configured.branches)
            }
            if let rival {
                problems.append(
                    draft.problem(
                        draft.line,
                        "its context '\(context)' is claimed by job \(resolved[rival].job.job.name) at"
                            + " \(resolved[rival].draft.place) on the same branches; give one of them another context"))
            }
            contexts[key, default: []].append(index)
        }
        return problems
    }

    private struct Key: Hashable {
        var kind: JobKind
        var repository: RepositoryName?
        var text: String
    }
}
