/// The bounds of a run's life.
package struct SchedulingLimits: Hashable, Sendable {
    /// Seconds without a heartbeat after which an agent's runs are taken from it.
    package var agentLostAfter: Double
    /// How often a run returns to waiting because its agent vanished; after that it is an error. Prow's number of pod
    /// revivals.
    package var maximumLosses = 3
    /// Hours a run may execute. Prow's `pod_running_timeout`.
    package var maximumHours = 48
    /// Seconds after which a dispatched run that idle agents do not claim is sent to them again.
    package var unclaimedAfter: Double = 10

    package init(agentLostAfter: Double = 15) { self.agentLostAfter = agentLostAfter }
}
