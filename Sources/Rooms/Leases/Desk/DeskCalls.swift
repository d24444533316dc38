package import FoundationEssentials

/// A resource as it was granted.
package struct GrantedResource: Sendable, Hashable {
    package var name: String
    package var type: String
    package var state: String
    /// Grows with every grant of the resource: who shows a smaller one does not hold it any more.
    package var token: Int64
    /// JSON.
    package var userData: String
    package var diesAt: Date?
}

/// Asks for resources.
package struct LeaseClaim: Sendable, Hashable {
    /// What happens to somebody whose turn it is not yet.
    package enum Patience: Sendable, Hashable {
        /// He goes, and has no place.
        case none
        /// He asks again with the same `key`, at the latest after so many seconds; what is his turn then is kept.
        case asksAgain(Double)
        /// He is told, and keeps his place for so many seconds from the last time he asked.
        case isTold(Double)
    }

    /// Unique among those that wait; nil for somebody who does not.
    package var key: String?
    /// The lease that native calls name it by.
    package var leaseID: UUID?
    package var owner: String
    package var account: String?
    package var wish: LeaseWish
    /// One more is worth `LeaseRules.ageing` of waiting.
    package var priority = 0
    package var patience = Patience.none
    /// Seconds until the lease ends unless it is renewed; nil: the pool's patience.
    package var lasts: Double?
    package var runID: UUID?
    package var job: String?
    package var reason: String?

    package init(owner: String, wish: LeaseWish, key: String? = nil, patience: Patience = .none) {
        self.owner = owner
        self.wish = wish
        self.key = key
        self.patience = patience
    }
}

/// Gives one resource back.
package struct LeaseReturn: Sendable, Hashable {
    package var name: String
    /// The owner that has to hold it; nil where the token says so.
    package var owner: String?
    /// The grant that has to be the last one; nil where the owner's name is all a client knows.
    package var token: Int64?
    package var account: String?
    /// Whether an account that is not the holder's may do it.
    package var isOperator = false
    /// The state that it gets.
    package var dest: String
    package var endedBy = "release"

    package init(name: String, owner: String? = nil, token: Int64? = nil, account: String? = nil, dest: String) {
        self.name = name
        self.owner = owner
        self.token = token
        self.account = account
        self.dest = dest
    }
}

/// What the desk does in one order over the types concerned.
enum DeskCall: Sendable {
    case claim(LeaseClaim)
    /// All of them, as far as they are held.
    case giveBack([LeaseReturn])
    /// Looks whether somebody in these lines can have something.
    case serve([LeaseLine])
}

/// What became of a call.
package enum DeskAnswer: Sendable, Hashable {
    case granted([GrantedResource], at: Date, waited: Double)
    /// Nothing yet. `isNew`: he had no place before.
    case waiting(isNew: Bool, overQuotaOf: String?)
    case unknownType(String)
    /// Given back, or looked.
    case done
    /// Somebody else holds it; nobody where empty.
    case notHeld(by: String)
    case unknownResource
}

package enum LeaseRules {
    /// Seconds of waiting that one step of priority is worth.
    package static let ageing = 60.0
    /// Boskos's time that a place lives without being asked for.
    package static let pollingPatience = 30.0
    /// Resources that one wish may cover, and types it may name.
    package static let maximumCount = 100
    package static let maximumTypes = 20
    package static let priorities = -1000...1000
}
