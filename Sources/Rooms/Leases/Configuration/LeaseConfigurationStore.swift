package import Fleet
package import FoundationEssentials
package import JobConfig
import Postgres
import Signatures
import SlipwayModel

/// Puts lists of pools into force and tells about those that were.
package struct LeaseConfigurationStore: Sendable {
    private let bus: FleetBus

    package init(_ bus: FleetBus) { self.bus = bus }

    /// What applying a configuration changed.
    package struct Applied: Sendable, Codable, Hashable {
        package var version: Int64
        /// False where it was in force already.
        package var changed: Bool
        package var types: Int
        /// Resources that are new, or back again.
        package var added: Int
        /// Resources that go as soon as nobody holds them.
        package var draining: Int
        /// Of these, those that went at once.
        package var removed: Int
    }

    package struct Version: Sendable, Codable, Hashable {
        package var version: Int64
        package var hash: String
        package var appliedAt: Date
        package var appliedBy: String
        package var source: String
        package var types: Int

        enum CodingKeys: String, CodingKey {
            case version, hash, source, types
            case appliedAt = "applied_at"
            case appliedBy = "applied_by"
        }
    }

    /// Puts the pools into force as a whole, unless they have errors. Equal content is not applied again. What is held
    /// stays held: resources that are not configured any more are granted to nobody and go when they are given back.
    ///
    /// - Throws: `LeaseConfigurationRefused` with every problem.
    package func apply(_ loaded: LoadedLeasePools, by: String, source: String) async throws -> Applied {
        guard loaded.isValid else { throw LeaseConfigurationRefused(problems: loaded.errors) }
        let pools = loaded.pools.sorted { $0.type < $1.type }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let document = String(decoding: try encoder.encode(pools), as: UTF8.self)
        let hash = SHA256.hexadecimal(Array(document.utf8))
        return try await bus.commit { effects in
            let database = effects.database
            try await database.execute(LeasesStore.lockConfiguration)
            if let row = try await database.execute(LeasesStore.currentConfiguration).first {
                let (version, current) = try row.decode((Int64, String).self)
                if current == hash {
                    return Applied(
                        version: version, changed: false, types: pools.count, added: 0, draining: 0, removed: 0)
                }
            }
            try await database.execute(LeasesStore.lockAllPools)
            let version = try await database.execute(
                LeasesStore.insertVersion, hash, by, source, JSONText(document)
            ).one().decode(Int64.self)
            return try await Self.put(pools, version, database)
        }
    }

    private static func put(_ pools: [LeasePool], _ version: Int64, _ database: Transaction) async throws -> Applied {
        let types = pools.map(\.type)
        try await database.execute(
            LeasesStore.putPools, version, types, pools.map { JSON($0) }, pools.map(\.isDynamic), pools.map(\.state),
            pools.map(\.maximum), pools.map(\.lifespan), pools.map(\.costPerHour))
        try await database.execute(LeasesStore.retirePools, types)
        let names = pools.flatMap { pool in pool.names.map { (name: $0, pool: pool) } }
        let dynamic = pools.filter(\.isDynamic).map(\.type)
        let added = try await database.execute(
            LeasesStore.addResources, names.map(\.name), names.map(\.pool.type), names.map(\.pool.state)
        ).affected
        let draining = try await database.execute(
            LeasesStore.drainResources, names.map(\.name), dynamic, names.map(\.pool.type)
        ).count
        let known = try await database.execute(LeasesStore.lockAllPools).map { try $0.decode(String.self) }
        let removed = try await database.execute(
            LeasesStore.dropDrained, Array(Set(known).subtracting(dynamic))
        ).count
        let made = try await database.execute(LeasesStore.fillMinimum, dynamic)
        try await database.execute(LeasesStore.withdrawFromRetired)
        try await database.execute(LeasesStore.dropPools)
        return Applied(
            version: version, changed: true, types: pools.count, added: added + made.count, draining: draining,
            removed: removed)
    }

    package func history(limit: Int) async throws -> [Version] {
        try await bus.database.execute(LeasesStore.configurationVersions, limit).map { row in
            let (version, hash, appliedAt, appliedBy, source, types) = try row.decode(
                (Int64, String, Date, String, String, Int).self)
            return Version(
                version: version, hash: hash, appliedAt: appliedAt, appliedBy: appliedBy, source: source, types: types)
        }
    }
}

/// A configuration of pools with errors.
package struct LeaseConfigurationRefused: Error, CustomStringConvertible {
    package let problems: [ConfigProblem]

    package var description: String {
        "the configuration of pools is not applied:\n" + problems.map { "  \($0)" }.joined(separator: "\n")
    }
}
