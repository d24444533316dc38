package import SlipwayModel

/// A type of resource of Boskos's configuration file (`resources:`), and what Slipway reads beside it.
package struct LeasePool: Sendable, Hashable, Codable {
    package var type: String
    /// The state that resources begin in.
    package var state = "free"
    /// The resources of a static type; empty for a dynamic one.
    package var names: [String] = []
    /// How many resources a dynamic type has at least and at most.
    package var minimum = 0
    package var maximum = 0
    /// Seconds that a dynamic resource lives after it was given back.
    package var lifespan: Double?
    /// What a dynamic resource is made of: types and how many of each.
    package var needs: [String: Int] = [:]
    /// What Mason is told, carried as configured.
    package var config: JSONValue?

    // What Boskos does not know. It reads past these keys.

    /// In whatever currency the operator counts.
    package var costPerHour = 0.0
    /// How many an owner may hold at once; `quotas` by owner before `quota` for everybody; nil: any number.
    package var quota: Int?
    package var quotas: [String: Int] = [:]
    /// Resources kept for owners: others cannot take the last ones.
    package var reservations: [String: Int] = [:]
    /// Seconds without a heartbeat after which a lease without an end of its own is over.
    package var patience = 1800.0
    package var janitor: Janitor?

    /// What makes a dirty resource free again.
    package struct Janitor: Sendable, Hashable, Codable {
        /// The program and its arguments; it finds the resource in RESOURCE_NAME and RESOURCE_TYPE.
        package var command: [String]
        /// Seconds.
        package var timeout = 1800.0
        /// Resources of the type that are cleaned at once.
        package var workers = 4

        package init(command: [String]) { self.command = command }
    }

    package init(type: String) { self.type = type }

    package var isDynamic: Bool { names.isEmpty }
    /// How many resources there are when all are there.
    package var size: Int { isDynamic ? maximum : names.count }
    /// Whether it matters who holds how many.
    package var isCounted: Bool { quota != nil || !quotas.isEmpty || !reservations.isEmpty }
    package func quota(of owner: String) -> Int? { quotas[owner] ?? quota }
}

/// A configuration of pools, read as a whole. Where `errors` is not empty nothing of it may be applied.
package struct LoadedLeasePools: Sendable {
    package var pools: [LeasePool]
    package var errors: [ConfigProblem]
    package var warnings: [ConfigProblem]

    package var isValid: Bool { errors.isEmpty }
}
