import FoundationEssentials
import SlipwayModel
import Web

/// `/fleet`: the clusters with what waits in them, every agent with what it executes, every process.
struct FleetPage {
    let store: ResultsStore
    let deadLetters: Int

    /// Running runs that are shown beside their agents.
    private static let running = 1000
    /// Seconds after which something that renews itself every few seconds counts as gone.
    private static let patience = 45.0

    func values(now: Date) async throws -> [String: PageValue] {
        async let queues = store.queues()
        async let foundAgents = store.agents()
        async let foundMembers = store.members()
        async let foundRunning = store.runningByAgent(limit: Self.running)
        let (clusters, agents, members) = try await (queues, foundAgents, foundMembers)
        let running = try await foundRunning
        return [
            "clusters": .objects(clusters.map { ClusterRow.values($0, now: now) }),
            "noClusters": .flag(clusters.isEmpty),
            "noAgents": .text(ResultsText.noAgents),
            "agents": .objects(agents.map { Self.agent($0, runs: running[$0.name] ?? [], now: now) }),
            "hasAgents": .flag(!agents.isEmpty),
            "members": .objects(members.map { Self.member($0, agents: agents, running: running, now: now) }),
            "hasMembers": .flag(!members.isEmpty),
            "noMembers": .text(ResultsText.noMembers),
            "deadLetters": .text(ResultsText.deadLetters(deadLetters)),
            "hasDeadLetters": .flag(deadLetters > 0),
        ]
    }

    private static func agent(_ agent: AgentRow, runs: [RunSummary], now: Date) -> [String: PageValue] {
        let isPresent = now.timeIntervalSince(agent.seenAt) < patience
        return [
            "name": .text(agent.name), "cluster": .text(agent.cluster),
            "state": .text(isPresent ? (runs.isEmpty ? "running-still" : "running") : "error"),
            "label": .text(isPresent ? (runs.isEmpty ? "Free" : "Busy") : "Silent"),
            "load": .text("\(runs.count) of \(agent.capacity)"),
            "seen": .markup(.age(agent.seenAt, now: now)),
            "isIdle": .flag(runs.isEmpty),
            "runs": .objects(runs.map { RunRow.values($0, now: now) }),
        ]
    }

    private static func member(
        _ member: MemberRow, agents: [AgentRow], running: [String: [RunSummary]], now: Date
    ) -> [String: PageValue] {
        let isPresent = now.timeIntervalSince(member.seenAt) < patience
        var doing = member.doing.sorted { $0.key < $1.key }.map { ResultsText.handler($0.key, $0.value) }
        // An agent's name is its process, unless it was given another.
        if let agent = agents.first(where: { $0.name == "\(member.host)-\(member.pid)" }) {
            doing.append(ResultsText.executes((running[agent.name] ?? []).map(\.job), of: agent.capacity))
        }
        return [
            "role": .text(member.role), "place": .text("\(member.host), process \(member.pid)"),
            "state": .text(isPresent ? "success" : "error"), "label": .text(isPresent ? "Present" : "Silent"),
            "started": .markup(.age(member.startedAt, now: now)), "seen": .markup(.age(member.seenAt, now: now)),
            "doing": .objects(doing.map { ["text": .text($0)] }),
        ]
    }
}
