import Fleet
import FoundationEssentials
import Postgres

extension LeaseDesk {
    /// Hears of grants that other processes make to those who wait here, for as long as the connection lasts.
    package func hearGrants() async throws {
        try await bus.database.withConnection { connection in
            let news = try await connection.listen("slipway_leases")
            // What was granted while nobody listened.
            waiters.wakeAll()
            for await notification in news {
                if notification.payload.isEmpty {
                    waiters.wakeAll()
                } else {
                    waiters.wake(notification.payload.split(separator: ",").compactMap { UUID(uuidString: String($0)) })
                }
            }
        }
    }
}
