/// How long a child that ended waits before it is started again: at once at first, then doubling up to ten seconds for
/// as long as it keeps ending early. Pure.
struct RestartPolicy: Hashable, Sendable {
    static let first = Duration.milliseconds(200)
    static let longest = Duration.seconds(10)
    /// Who lived for this long ended for a new reason.
    static let healthy = Duration.seconds(10)

    private var next = RestartPolicy.first

    /// The pause after a child that lived for `lifetime`.
    mutating func pause(afterLiving lifetime: Duration) -> Duration {
        if lifetime >= Self.healthy { next = Self.first }
        defer { next = min(next * 2, Self.longest) }
        return next
    }
}
