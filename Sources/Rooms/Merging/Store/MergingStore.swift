package import Postgres

/// The only SQL of the room; its statements stand in extensions, by concern.
///
/// A pool is worked on by whoever holds its claim. Every transaction of a driver begins with `holdPool`, which takes the
/// row's lock and fails where the claim is another's; so a driver that was slow changes nothing.
package enum MergingStore {
    package static let all: [Statement] =
        poolStatements + memberStatements + runStatements + landingStatements + readingStatements
}
