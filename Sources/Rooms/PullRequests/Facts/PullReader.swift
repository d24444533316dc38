import Fleet
import Forge
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// Reads what decisions need, outside of transactions.
struct PullReader: Sendable {
    let database: PostgresPool
    let forge: ForgeClient
    let settings: SettingsCache
    let gatherer: FactGatherer
    let bot: String

    /// Questions to the forge at once, over all pull requests of a batch.
    private static let parallelQuestions = 8

    /// The pull request as the forge has it now; nil where it is gone.
    func pull(_ key: PullKey) async throws -> PullSnapshot? {
        do {
            return DeliveryReader.snapshot(try await forge.pull(key.repository, key.number), key.repository)
        } catch {
            if error.isPermanent { return nil }
            throw RetryLater("\(error)", after: .seconds(10))
        }
    }

    /// The occurrences with the facts that their decisions will ask for; those of pull requests that nobody knows are left out.
    func gathered(_ occurrences: [Occurrence]) async throws -> [Occurrence] {
        try await withThrowingTaskGroup(of: (Int, Occurrence?).self) { group in
            var ready = [Occurrence?](repeating: nil, count: occurrences.count)
            for (position, occurrence) in occurrences.enumerated() {
                if position >= Self.parallelQuestions, let (done, result) = try await group.next() {
                    ready[done] = result
                }
                group.addTask { (position, try await gathered(occurrence)) }
            }
            for try await (done, result) in group { ready[done] = result }
            return ready.compactMap(\.self)
        }
    }

    private func gathered(_ occurrence: Occurrence) async throws -> Occurrence? {
        var occurrence = occurrence
        let known = try await database.known(occurrence.key)
        // A delivery that arrives late tells of a state that is over.
        let told = occurrence.told.map { told in known.map { $0.version > told.version ? $0 : told } ?? told }
        guard var pull = told ?? known else { return nil }
        pull.follow(occurrence.text?.openness)
        occurrence.facts.jobs = try await settings.jobs(
            of: occurrence.key.repository, in: occurrence.configVersion, database)
        var context = PullContext(
            pull: pull, actor: occurrence.actor, at: occurrence.at, text: occurrence.text?.visible ?? "",
            written: occurrence.text?.written ?? "",
            comment: occurrence.text?.reference, settings: occurrence.settings, bot: bot)
        context.previousBase = occurrence.previousBase
        context.pull.defaultBranch = occurrence.told?.defaultBranch
        // What a decision asks for may depend on answers, e.g. on who is a member: asked until nothing is new.
        let plugins = PluginCatalog.active(occurrence.settings.isActive)
        for _ in 0..<4 {
            context.facts = occurrence.facts
            let questions = PullTurn.questions(
                occurrence.text?.calls ?? [], occurrence.event, context, plugins: plugins)
            guard !questions.isSubset(of: occurrence.facts.asked) else { break }
            try await gatherer.gather(questions, about: context, into: &occurrence.facts)
        }
        return occurrence
    }
}
