import Fleet
import Postgres

/// What operators watch of runs and agents.
struct SchedulingFigures: Sendable {
    let database: PostgresPool

    func observe(_ instruments: Instruments) {
        instruments.collect { [database] instruments in
            for row in (try? await database.execute(SchedulingStore.runFigures)).map(Array.init) ?? [] {
                guard let (cluster, state, count, age) = try? row.decode((String, String, Int, Double).self) else {
                    continue
                }
                instruments.set("slipway_runs", ["cluster": cluster, "state": state], to: Double(count))
                instruments.set("slipway_runs_oldest_seconds", ["cluster": cluster, "state": state], to: age)
            }
            for row in (try? await database.execute(SchedulingStore.agentFigures)).map(Array.init) ?? [] {
                guard let (cluster, agents, capacity, silence) = try? row.decode((String, Int, Int, Double).self) else {
                    continue
                }
                instruments.set("slipway_agents", ["cluster": cluster], to: Double(agents))
                instruments.set("slipway_agents_capacity", ["cluster": cluster], to: Double(capacity))
                instruments.set("slipway_heartbeat_age_seconds", ["cluster": cluster], to: silence)
            }
        }
    }
}
