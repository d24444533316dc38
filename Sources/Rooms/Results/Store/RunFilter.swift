import Postgres
package import SlipwayModel

/// Which runs a list shows. All conditions hold together; what is nil does not matter.
package struct RunFilter: Hashable, Sendable {
    package enum StateChoice: String, CaseIterable, Sendable {
        case unfinished, failed, waiting, dispatched, running, success, failure, aborted, error

        /// The states that are meant.
        package var states: [RunState] {
            switch self {
            case .unfinished: [.waiting, .dispatched, .running]
            case .failed: [.failure, .error]
            case .waiting: [.waiting]
            case .dispatched: [.dispatched]
            case .running: [.running]
            case .success: [.success]
            case .failure: [.failure]
            case .aborted: [.aborted]
            case .error: [.error]
            }
        }
    }

    package var state: StateChoice?
    package var job: String?
    package var repository: RepositoryName?
    package var pull: Int?
    package var kind: JobKind?
    package var author: String?
    package var cluster: String?
    /// Only runs older than this one: where the previous page ended.
    package var before: RunID?

    package init() {}

    package var isEmpty: Bool {
        var filter = self
        filter.before = nil
        return filter == RunFilter()
    }

    /// A statement for just these conditions, so that each set of them gets a plan of its own and an index that fits.
    /// Several states are several scans of the same index, merged: each already gives the newest first.
    func statement() -> (statement: Statement, parameters: [any PostgresEncodable]) {
        var conditions: [String] = []
        var parameters: [any PostgresEncodable] = []
        var name = "results.list_runs"
        func add(_ label: String, _ sql: (String) -> String, _ value: (any PostgresEncodable)?) {
            guard let value else { return }
            parameters.append(value)
            conditions.append(sql("$\(parameters.count)"))
            name += " \(label)"
        }
        add("org", { "run.org = \($0)" }, repository?.org)
        add("repo", { "run.repo = \($0)" }, repository?.repo)
        add("pull", { "run.pull_numbers = array[\($0)::integer] and run.pull_numbers <> '{}'" }, pull)
        add("job", { "run.job = \($0)" }, job)
        add("author", { "run.author = \($0)" }, author)
        // Most runs are presubmits of the default cluster; the others have indexes of their own, which are used only
        // where the statement itself says that it means them.
        let isOther = cluster.map { $0 != "default" } ?? false
        add(
            isOther ? "other-cluster" : "cluster",
            { isOther ? "run.cluster = \($0) and run.cluster <> 'default'" : "run.cluster = \($0)" }, cluster)
        if let kind {
            conditions.append("run.kind = '\(kind.rawValue)'")
            name += " \(kind.rawValue)"
        }
        add("before", { "run.run_id < \($0)" }, before)
        let common = conditions
        func select(_ state: String?) -> String {
            let all = common + (state.map { ["run.state = \($0)"] } ?? [])
            let condition = all.isEmpty ? "" : "where " + all.joined(separator: " and ")
            return
                "select \(RunSummary.columns) from scheduling.runs_v1 as run \(condition) order by run.run_id desc limit $\(parameters.count + 1)"
        }
        guard let state else { return (Statement(name, select(nil)), parameters) }
        // The states are constants of the statement, not parameters: partial indexes can be used for them.
        let states = state.states.map { "'\($0.rawValue)'" }
        name += " \(state.rawValue)"
        if states.count == 1 { return (Statement(name, select(states[0])), parameters) }
        let parts = states.map { "(\(select($0)))" }.joined(separator: " union all ")
        return (
            Statement(name, "select * from (\(parts)) as merged order by 1 desc limit $\(parameters.count + 1)"),
            parameters
        )
    }
}
