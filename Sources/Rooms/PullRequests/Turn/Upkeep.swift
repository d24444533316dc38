import Fleet
import Forge
import FoundationEssentials
import Postgres
import SlipwayModel

/// What has to be looked at again by itself: whether pull requests can still be merged, and what is to be brought to
/// other branches.
struct Upkeep: Sendable {
    let bus: FleetBus
    let reader: PullReader
    let settings: SettingsCache
    let keeper: TurnKeeper
    let picker: CherryPicker

    func round() async throws {
        try await lookAtMergeability()
        try await picker.round()
    }

    /// Asks the forge about those that are due, and lets plugins act on what it says.
    private func lookAtMergeability() async throws {
        let rows = try await bus.database.execute(PullRequestsStore.dueMergeability, 50)
        let keys = try rows.map { row in
            let (org, repo, number) = try row.decode((String, String, Int).self)
            return PullKey(RepositoryName(org: org, repo: repo), number)
        }
        for key in keys.sorted() {
            guard let pull = try await reader.pull(key) else { continue }
            // Nil while the forge computes it: the row is due again by itself.
            guard !pull.isOpen || pull.mergeable != nil else { continue }
            let current = try await settings.current(bus.database)
            let occurrence = Occurrence(
                key: key, event: .mergeabilityKnown, actor: keeper.bot, at: Date(),
                delivery: "mergeability/\(key.number)",
                told: pull, settings: current.plugins(of: key.repository), configVersion: current.version)
            let ready = try await reader.gathered([occurrence])
            try await bus.commit { [keeper] effects in
                try await keeper.commit(ready, effects)
                try await effects.database.execute(
                    PullRequestsStore.settleMergeability, key.repository.org, key.repository.repo, key.number)
            }
        }
    }
}
