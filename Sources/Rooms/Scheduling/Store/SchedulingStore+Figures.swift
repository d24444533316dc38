import Postgres

extension SchedulingStore {
    static let figureStatements = [runFigures, agentFigures]

    /// Unfinished runs by cluster and state, a row each also where there are none, with the age in seconds of the oldest
    /// in that state.
    static let runFigures = Statement(
        "scheduling.run_figures",
        """
        with cluster as (
            select cluster from scheduling.agents
             union
            select cluster from scheduling.runs where state in ('waiting', 'dispatched', 'running')
        )
        select cluster.cluster, state.state, count(run.run_id),
               coalesce(extract(epoch from now() - min(
                   case state.state when 'waiting' then run.requested_at
                                    when 'dispatched' then run.dispatched_at
                                    else run.started_at end)), 0)::float8
          from cluster
         cross join (values ('waiting'), ('dispatched'), ('running')) as state (state)
          left join scheduling.runs as run
            on run.cluster = cluster.cluster and run.state = state.state
           and run.state in ('waiting', 'dispatched', 'running')
         group by cluster.cluster, state.state
        """)

    /// Agents and their capacity by cluster, those that fell silent for a minute left out, and the seconds since the
    /// oldest heartbeat of a running attempt.
    static let agentFigures = Statement(
        "scheduling.agent_figures",
        """
        select agent.cluster, count(*) filter (where agent.seen_at > now() - interval '1 minute'),
               coalesce(sum(agent.capacity) filter (where agent.seen_at > now() - interval '1 minute'), 0),
               coalesce((select extract(epoch from now() - min(run.heartbeat_at))
                           from scheduling.runs as run
                          where run.state = 'running' and run.cluster = agent.cluster), 0)::float8
          from scheduling.agents as agent
         group by agent.cluster
        """)
}
