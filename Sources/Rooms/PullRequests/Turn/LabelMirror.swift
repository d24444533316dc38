package import FoundationEssentials

/// The labels of a pull request: what the forge shows, with what was decided and it has not shown yet laid over. Pure.
package struct LabelMirror: Sendable {
    /// What was last decided about one label.
    package struct Decision: Hashable, Sendable {
        package var present: Bool
        /// When it was said, and in which comment, by which what was said within one second is ordered.
        package var saidAt: Date
        package var saidIn: Int64
        package var decidedAt: Date
        package var isPending: Bool

        package init(present: Bool, saidAt: Date, saidIn: Int64, decidedAt: Date, isPending: Bool) {
            self.present = present
            self.saidAt = saidAt
            self.saidIn = saidIn
            self.decidedAt = decidedAt
            self.isPending = isPending
        }
    }

    /// How long the forge may take to show what was decided, until what it shows counts again.
    package static let patience = 600.0

    /// By the label's name in lower case.
    package private(set) var decisions: [String: Decision]
    package private(set) var labels: [String]

    package init(labels: [String], decisions: [String: Decision]) {
        self.labels = labels
        self.decisions = decisions
    }

    /// Takes in what the forge shows.
    ///
    /// - Parameters:
    ///   - changed: the label that somebody else than us has just added or removed there.
    ///   - now: the database's time.
    /// - Returns: the names of decisions that are settled by it.
    package mutating func show(_ shown: [String], changed: String?, at now: Date) -> [String] {
        var result = shown
        var settled: [String] = []
        for (name, decision) in decisions.sorted(by: { $0.key < $1.key }) where decision.isPending {
            let isShown = shown.contains { $0.lowercased() == name }
            if isShown == decision.present || changed?.lowercased() == name
                || now.timeIntervalSince(decision.decidedAt) > Self.patience
            {
                settled.append(name)
                decisions[name]?.isPending = false
            } else if decision.present {
                result.append(labels.first { $0.lowercased() == name } ?? name)
            } else {
                result.removeAll { $0.lowercased() == name }
            }
        }
        labels = result
        return settled
    }

    /// Whether something said at an instant may still decide about a label: nothing about it was said later.
    package func mayDecide(_ name: String, saidAt: Date, saidIn: Int64) -> Bool {
        guard let last = decisions[name.lowercased()] else { return true }
        return (last.saidAt, last.saidIn) <= (saidAt, saidIn)
    }

    /// Notes a decision; whether the forge has to be told.
    package mutating func decide(_ name: String, present: Bool, saidAt: Date, saidIn: Int64, now: Date) -> Bool {
        let isThere = labels.contains { $0.lowercased() == name.lowercased() }
        decisions[name.lowercased()] = Decision(
            present: present, saidAt: saidAt, saidIn: saidIn, decidedAt: now, isPending: isThere != present)
        guard isThere != present else { return false }
        if present { labels.append(name) } else { labels.removeAll { $0.lowercased() == name.lowercased() } }
        return true
    }
}
