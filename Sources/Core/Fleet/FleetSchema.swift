package import Postgres

/// What the fleet itself brings into the house.
package enum FleetSchema {
    package static let migrations = [
        Migration(
            name: "m202611240100_fleet_foundation",
            bytes: PackageResources.m202611240100_fleet_foundation_sql)
    ]
    package static let statements = FleetStore.all

    /// For each worker the messages it has still to take effect of, and the age in seconds of the oldest.
    package static let backlog = FleetStore.backlog
    package static let countDeadLetters = FleetStore.countDeadLetters
}
