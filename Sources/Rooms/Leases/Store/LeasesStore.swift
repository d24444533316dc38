package import Postgres

/// The only SQL of the room; its statements stand in extensions, by concern.
///
/// Locks: whoever changes who holds a resource, or who stands in a line, holds the rows of the pools concerned, taken in
/// the order of types before anything else (`lock_pools`); then rows of resources, in the order of names. A heartbeat
/// takes rows of resources alone, in the same order. So no two transactions of this room wait for each other.
package enum LeasesStore {
    package static let all: [Statement] =
        deskStatements + renewalStatements + lookStatements + configurationStatements + lifeCycleStatements
        + runStatements + cleaningStatements + pageStatements
}
