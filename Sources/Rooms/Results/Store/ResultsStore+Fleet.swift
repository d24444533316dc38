package import FoundationEssentials
import Postgres
package import SlipwayModel

/// A process of the fleet, as it last renewed itself.
package struct MemberRow: Sendable, Hashable {
    package var role: String
    package var host: String
    package var pid: Int
    package var startedAt: Date
    package var seenAt: Date
    /// What it does now, in its own words.
    package var doing: [String: JSONValue]
}

/// An agent, as it last announced itself.
package struct AgentRow: Sendable, Hashable {
    package var name: String
    package var cluster: String
    package var capacity: Int
    package var seenAt: Date
}

extension ResultsStore {
    /// Processes by role and host.
    package func members() async throws -> [MemberRow] {
        try await database.execute(Self.listMembers).map { row throws(PostgresError) in
            let (role, host, pid, started, seen, doing) = try row.decode(
                (String, String, Int, Date, Date, JSON<[String: JSONValue]>).self)
            return MemberRow(
                role: role, host: host, pid: pid, startedAt: started, seenAt: seen, doing: doing.value)
        }
    }

    /// Agents that were heard of within a day, by cluster and name.
    package func agents() async throws -> [AgentRow] {
        try await database.execute(Self.listAgents).map { row throws(PostgresError) in
            let (name, cluster, capacity, seen) = try row.decode((String, String, Int, Date).self)
            return AgentRow(name: name, cluster: cluster, capacity: capacity, seenAt: seen)
        }
    }

    /// What each agent executes now, the longest first.
    package func runningByAgent(limit: Int) async throws -> [String: [RunSummary]] {
        var running: [String: [RunSummary]] = [:]
        for row in try await database.execute(Self.listRunningByAgent, limit) {
            let agent = try row.get(RunSummary.columnCount, as: String.self)
            running[agent, default: []].append(try RunSummary(row))
        }
        return running
    }

    package func deadLetterCount() async throws -> Int {
        try await database.execute(Self.countDeadLetters).one().decode(Int.self)
    }

    static let fleetStatements = [listMembers, listAgents, listRunningByAgent, countDeadLetters]

    private static let countDeadLetters = Statement(
        "results.count_dead_letters", "select count(*) from fleet.dead_letters_v1")

    private static let listMembers = Statement(
        "results.list_members",
        "select role, host, pid, started_at, seen_at, doing from fleet.members_v1 order by role, host, started_at")

    private static let listAgents = Statement(
        "results.list_agents",
        """
        select name, cluster, capacity, seen_at from scheduling.agents_v1
         where seen_at > now() - interval '1 day' order by cluster, name
        """)

    private static let listRunningByAgent = Statement(
        "results.list_running_by_agent",
        """
        select \(RunSummary.columns), run.agent from scheduling.runs_v1 as run
         where run.state = 'running' order by run.started_at limit $1
        """)
}
