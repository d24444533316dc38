import Fleet
import Forge
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// Messages in: changes of pull requests, what is written on them, who belongs where.
///
/// `plan` reads what the deliveries said and asks the forge for what decisions need; they are taken in the transaction,
/// with the pull request's row held.
struct PullRequestsWorker: Worker {
    let name = "pull-requests"
    let topics = [PullChanged.type, CommentWritten.type, PeopleChanged.type]

    let database: PostgresPool
    let forge: ForgeClient
    let settings: SettingsCache
    let gatherer: FactGatherer
    let keeper: TurnKeeper
    let bot: String

    /// Questions to the forge at once, over all pull requests of a batch.
    private static let parallelQuestions = 8

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        var forgotten: [PeopleChanged] = []
        var changes: [(PullChanged, String?)] = []
        var comments: [(CommentWritten, String?)] = []
        for message in messages {
            switch message.envelope.type {
            case PullChanged.type:
                changes.append((try message.decode(PullChanged.self), message.envelope.traceparent))
            case CommentWritten.type:
                comments.append((try message.decode(CommentWritten.self), message.envelope.traceparent))
            default: forgotten.append(try message.decode(PeopleChanged.self))
            }
        }
        let deliveries = try await deliveries(changes.map(\.0.deliveryID) + comments.map(\.0.deliveryID))
        let current = try await settings.current(database)
        var found: [Occurrence] = []
        for (changed, traceparent) in changes {
            found += try await occurrences(changed, deliveries[changed.deliveryID], current, traceparent)
        }
        for (written, traceparent) in comments {
            guard let delivery = deliveries[written.deliveryID],
                let occurrence = try await occurrence(written, delivery, current, traceparent)
            else { continue }
            found.append(occurrence)
        }
        let ready = try await gathered(found)
        return { [keeper, forgotten] effects in
            for people in forgotten {
                try await effects.database.execute(
                    PullRequestsStore.forgetPeople, people.org, people.login?.lowercased())
            }
            try await keeper.commit(ready, effects)
        }
    }

    private func deliveries(_ ids: [String]) async throws -> [String: WebhookDelivery] {
        guard !ids.isEmpty else { return [:] }
        var deliveries: [String: WebhookDelivery] = [:]
        for row in try await database.execute(PullRequestsStore.payloads, ids) {
            let (id, event, payload) = try row.decode((String, String, String).self)
            deliveries[id] = try? WebhookDelivery(event: event, payload: Array(payload.utf8))
        }
        return deliveries
    }

    // MARK: What happened

    /// A change; with the text a pull request was opened with, as something written.
    private func occurrences(
        _ changed: PullChanged, _ delivery: WebhookDelivery?, _ current: SettingsCache.Current, _ traceparent: String?
    ) async throws -> [Occurrence] {
        let told: PullSnapshot
        if case .pullRequest(let event) = delivery {
            told = DeliveryReader.snapshot(event.pullRequest, changed.repository)
        } else if let pull = try await pull(PullKey(changed.repository, changed.number)) {
            // It was found out by asking, or its delivery is not kept any more.
            told = pull
        } else {
            return []
        }
        let at = Date(timeIntervalSince1970: Double(changed.subjectVersion) / 1000)
        let change = Occurrence(
            key: told.key, event: DeliveryReader.event(changed), actor: changed.sender, at: at,
            delivery: changed.deliveryID, told: told, settings: current.plugins(of: changed.repository),
            configVersion: current.version, traceparent: traceparent)
        guard changed.action == "opened", !Login.same(told.author, bot) else { return [change] }
        var opening = change
        opening.event = .commented
        opening.actor = told.author
        opening.at = told.openedAt ?? at
        opening.text = DeliveryReader.text(
            told.body, CommentReference(kind: .body, id: 0, link: told.link), by: told.author, at: opening.at)
        return opening.text?.calls.isEmpty == false ? [change, opening] : [change]
    }

    private func occurrence(
        _ written: CommentWritten, _ delivery: WebhookDelivery, _ current: SettingsCache.Current,
        _ traceparent: String?
    ) async throws -> Occurrence? {
        let text = DeliveryReader.text(of: delivery)
        let review = DeliveryReader.review(of: delivery)
        guard text != nil || review != nil else { return nil }
        let key = PullKey(written.repository, written.number)
        // These deliveries tell of the pull request only in part.
        let told = try await database.knows(key) ? nil : try await pull(key)
        return Occurrence(
            key: key, event: review == nil ? .commented : .reviewed, actor: written.author,
            at: text?.writtenAt ?? review?.review.at ?? Date(), delivery: written.deliveryID, told: told, text: text,
            review: review, settings: current.plugins(of: written.repository), configVersion: current.version,
            traceparent: traceparent)
    }

    /// The pull request as the forge has it now; nil where it is gone.
    private func pull(_ key: PullKey) async throws -> PullSnapshot? {
        do {
            return DeliveryReader.snapshot(try await forge.pull(key.repository, key.number), key.repository)
        } catch {
            if error.isPermanent { return nil }
            throw RetryLater("\(error)", after: .seconds(10))
        }
    }

    // MARK: Facts

    private func gathered(_ occurrences: [Occurrence]) async throws -> [Occurrence] {
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
        guard let pull = occurrence.told ?? known else { return nil }
        occurrence.facts.jobs = try await settings.jobs(
            of: occurrence.key.repository, in: occurrence.configVersion, database)
        var context = PullContext(
            pull: pull, actor: occurrence.actor, at: occurrence.at, comment: occurrence.text?.reference,
            settings: occurrence.settings, bot: bot)
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
