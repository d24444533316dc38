package import FoundationEssentials

/// A run wants resources before it is dispatched. Answered by `lease.granted`; its places are given up when the run
/// ends.
package struct LeaseRequested: Event {
    package static let type = "lease.requested"

    package var runID: RunID
    package var job: String
    package var items: [LeaseItem]
    package var priority: Int

    package init(runID: RunID, job: String, items: [LeaseItem], priority: Int) {
        self.runID = runID
        self.job = job
        self.items = items
        self.priority = priority
    }

    package var subject: String { "run/\(runID)" }
}

/// A run's lease was granted: all that it asked for.
package struct LeaseGranted: Event {
    package static let type = "lease.granted"

    package var runID: RunID
    package var leaseID: String
    package var resources: [LeasedResource]

    package init(runID: RunID, leaseID: UUID, resources: [LeasedResource]) {
        self.runID = runID
        self.leaseID = leaseID.lowercased
        self.resources = resources
    }

    package var subject: String { "run/\(runID)" }
}

/// A run's lease ended before the run did.
package struct LeaseLost: Event {
    package static let type = "lease.lost"

    package var runID: RunID
    package var reason: String

    package init(runID: RunID, reason: String) {
        self.runID = runID
        self.reason = reason
    }

    package var subject: String { "run/\(runID)" }
}

/// A run that asked for a lease has ended: what it holds is given back, and what it waits for is given up.
package struct LeaseReturned: Event {
    package static let type = "lease.returned"

    package var runID: RunID

    package init(runID: RunID) { self.runID = runID }

    package var subject: String { "run/\(runID)" }
}

/// Where a run that waits for a lease stands, in words.
package struct LeaseWaiting: Event {
    package static let type = "lease.waiting"

    package var runID: RunID
    package var text: String

    package init(runID: RunID, text: String) {
        self.runID = runID
        self.text = text
    }

    package var subject: String { "run/\(runID)" }
}
