/// Pauses between attempts to connect: doubling from 100 ms to 5 s, each drawn from its upper half so that clients
/// which lost the same broker do not return in step.
struct Backoff {
    private var attempts: Int

    /// The first attempt comes at once, unless the connection before it did not last.
    init(startsAtOnce: Bool) {
        attempts = startsAtOnce ? 0 : 1
    }

    mutating func next() -> Duration {
        defer { attempts += 1 }
        guard attempts > 0 else { return .zero }
        let milliseconds = min(5000, 100 << min(attempts - 1, 6))
        return .milliseconds(Int.random(in: milliseconds / 2...milliseconds))
    }
}
