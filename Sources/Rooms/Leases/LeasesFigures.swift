import Fleet
import Postgres

/// What operators watch of pools: under Boskos's names, and under ours what Boskos does not tell.
struct LeasesFigures: Sendable {
    let database: PostgresPool

    /// The states that Boskos tells by their names; the others are `other`.
    private static let known: Set = ["busy", "cleaning", "dirty", "free", "leased", "toBeDeleted", "tombstone"]

    func observe(_ instruments: Instruments) {
        instruments.collect { [database] instruments in
            guard
                let rows = try? await database.pipeline([
                    (LeasesStore.figures, []), (LeasesStore.waitingAges, []), (LeasesStore.expiredOfHour, []),
                    (LeasesStore.failingCleanings, []),
                ])
            else { return }
            var states: [String: [String: Double]] = [:]
            var held: [String: Double] = [:]
            for row in rows[1] {
                guard let (type, waiting, age) = try? row.decode((String, Int, Double).self) else { continue }
                instruments.set("slipway_lease_waiting", ["type": type], to: Double(waiting))
                instruments.set("slipway_lease_oldest_wait_seconds", ["type": type], to: age)
                states[type] = Dictionary(Self.known.map { ($0, 0.0) }) { $1 }
                held[type] = 0
            }
            for row in rows[0] {
                guard let (type, state, count, owned) = try? row.decode((String, String, Int, Int).self) else {
                    continue
                }
                states[type, default: [:]][Self.known.contains(state) ? state : "other", default: 0] += Double(count)
                held[type, default: 0] += Double(owned)
            }
            for (type, counts) in states {
                for (state, count) in counts {
                    instruments.set("boskos_resources", ["type": type, "state": state], to: count)
                }
                instruments.set("slipway_lease_held", ["type": type], to: held[type] ?? 0)
                instruments.set("slipway_lease_cleaning_failing", ["type": type], to: 0)
            }
            for row in rows[2] {
                guard let (type, count) = try? row.decode((String, Int).self) else { continue }
                instruments.set("slipway_lease_expired_last_hour", ["type": type], to: Double(count))
            }
            for row in rows[3] {
                guard let (type, count, _) = try? row.decode((String, Int, Int).self) else { continue }
                instruments.set("slipway_lease_cleaning_failing", ["type": type], to: Double(count))
            }
        }
    }
}
