package import Fleet
package import Hummingbird
package import Postgres
package import Web

/// The door of a room: everything the shell needs to know of it. What a room does not have, it leaves out.
package protocol Room: Sendable {
    /// Also the name of its schema in PostgreSQL.
    var name: String { get }
    var migrations: [Migration] { get }
    var workers: [any Worker] { get }
    /// Run beside the room's workers.
    var chores: [Chore] { get }
    /// Run in the gateway.
    var gatewayChores: [Chore] { get }
    /// Every statement the room prepares, verified against the migrated schema by a test.
    var statements: [Statement] { get }
    func addRoutes(to router: Router<SlipwayContext>)
    /// Adds what the room tells of the whole fleet to the figures of a gateway.
    func observe(_ instruments: Instruments)
}

extension Room {
    package var migrations: [Migration] { [] }
    package var workers: [any Worker] { [] }
    package var chores: [Chore] { [] }
    package var gatewayChores: [Chore] { [] }
    package var statements: [Statement] { [] }
    package func addRoutes(to router: Router<SlipwayContext>) {}
    package func observe(_ instruments: Instruments) {}
}
