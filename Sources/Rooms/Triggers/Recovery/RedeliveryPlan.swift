package import Forge
package import FoundationEssentials

/// Which of a hook's deliveries the forge is asked to make again. Pure.
///
/// | the delivery | then |
/// |---|---|
/// | is stored here | nothing, whatever the forge was answered |
/// | waits to be sent, or was sent a moment ago | another look later |
/// | was attempted ten times | it is given up |
/// | else, also where the forge believes that it arrived | it is asked for again, after 10 s, 20 s, 40 s … |
package struct RedeliveryPlan: Hashable, Sendable {
    /// Ids of attempts to repeat, what Slipway itself reads first, then the oldest.
    package var repeated: [Int64] = []
    /// GUIDs of deliveries that are not asked for any more.
    package var givenUp: [String] = []
    /// Whether nothing is left that needs another look.
    package var isSettled = true

    /// Attempts after which a delivery is given up: whoever refuses it ten times will do so again.
    static let maximumAttempts = 10
    private static let longestPause: TimeInterval = 3600
    /// Asked for at once; GitHub takes about 80 writes a minute.
    static let batch = 60
    /// What leads to runs; the rest only matters to external plugins.
    private static let ownEvents: Set<String> = [
        "pull_request", "push", "issue_comment", "pull_request_review", "pull_request_review_comment",
    ]

    /// - Parameters:
    ///   - deliveries: Attempts, in any order.
    ///   - stored: GUIDs that arrived.
    package init(_ deliveries: [HookDelivery], stored: Set<String>, now: Date, firstPause: Duration) {
        var missing: [(delivery: HookDelivery, time: Date)] = []
        let attempts = Dictionary(grouping: deliveries) { $0.guid }
        for (guid, attempts) in attempts where !stored.contains(guid) {
            guard let last = attempts.max(by: { Self.time($0) < Self.time($1) }), last.deliveredAt != nil else {
                isSettled = false
                continue
            }
            guard attempts.count < Self.maximumAttempts else {
                givenUp.append(guid)
                continue
            }
            isSettled = false
            let pause = Double(firstPause.components.seconds) * Double(1 << (attempts.count - 1))
            if now.timeIntervalSince(Self.time(last)) >= min(pause, Self.longestPause) {
                missing.append((last, Self.time(last)))
            }
        }
        givenUp.sort()
        repeated = missing.sorted {
            (Self.ownEvents.contains($0.delivery.event) ? 0 : 1, $0.time, $0.delivery.id)
                < (Self.ownEvents.contains($1.delivery.event) ? 0 : 1, $1.time, $1.delivery.id)
        }.prefix(Self.batch).map(\.delivery.id)
    }

    private static func time(_ delivery: HookDelivery) -> Date { delivery.deliveredAt?.date ?? .distantFuture }
}
