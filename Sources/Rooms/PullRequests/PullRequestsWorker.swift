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
    let topics = [
        PullChanged.type, CommentWritten.type, PeopleChanged.type, RepositoryNamed.type, BaseMoved.type,
        StatusTold.type,
    ]

    let database: PostgresPool
    let settings: SettingsCache
    let reader: PullReader
    let keeper: TurnKeeper
    let bot: String

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        var heard = try HeardMessages(messages)
        let repositories = heard.repositories
        heard.follow(
            try CurrentNames(
                await database.execute(
                    PullRequestsStore.currentNames, repositories.map(\.org), repositories.map(\.repo))))
        let deliveries = try await deliveries(
            heard.changes.map(\.0.deliveryID) + heard.comments.map(\.0.deliveryID))
        let current = try await settings.current(database)
        var found: [Occurrence] = []
        for (changed, traceparent) in heard.changes {
            found += try await occurrences(changed, deliveries[changed.deliveryID], current, traceparent)
        }
        for (written, traceparent) in heard.comments {
            guard let delivery = deliveries[written.deliveryID],
                let occurrence = try await occurrence(written, delivery, current, traceparent)
            else { continue }
            found.append(occurrence)
        }
        for status in heard.statuses where Self.matters(status, current.plugins(of: status.repository)) {
            found += try await occurrences(status, current)
        }
        let ready = try await reader.gathered(found)
        let decided = Set(ready.map(\.key.repository))
        return { [keeper, heard] effects in
            for naming in heard.namings { try await effects.database.follow(naming) }
            let former = try await effects.database.execute(
                PullRequestsStore.currentNames, decided.map(\.org), decided.map(\.repo))
            guard former.isEmpty else {
                throw RetryLater("a repository was renamed while its event was handled", after: .milliseconds(50))
            }
            for people in heard.forgotten {
                try await effects.database.execute(
                    PullRequestsStore.forgetPeople, people.org, people.login?.lowercased())
            }
            try await keeper.note(heard.bases, effects)
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
        } else if let pull = try await reader.pull(PullKey(changed.repository, changed.number)) {
            // It was found out by asking, or its delivery is not kept any more.
            told = pull
        } else {
            return []
        }
        let at = Date(timeIntervalSince1970: Double(changed.subjectVersion) / 1000)
        let change = Occurrence(
            key: told.key, event: DeliveryReader.event(changed), actor: changed.sender, at: at,
            delivery: changed.deliveryID, told: told, previousBase: changed.previousBaseRef,
            settings: current.plugins(of: changed.repository), configVersion: current.version, traceparent: traceparent)
        guard changed.action == "opened", !Login.same(told.author, bot) else { return [change] }
        var opening = change
        opening.event = .commented
        opening.actor = told.author
        opening.at = told.openedAt ?? at
        let text = DeliveryReader.text(
            told.body, CommentReference(kind: .body, id: 0, link: told.link), by: told.author, at: opening.at)
        opening.text = text
        return text.visible.contains { !$0.isWhitespace } ? [change, opening] : [change]
    }

    private func occurrence(
        _ written: CommentWritten, _ delivery: WebhookDelivery, _ current: SettingsCache.Current,
        _ traceparent: String?
    ) async throws -> Occurrence? {
        let text = DeliveryReader.text(of: delivery)
        let review = DeliveryReader.review(of: delivery)
        let key = PullKey(written.repository, written.number)
        if let withdrawal = DeliveryReader.withdrawal(of: delivery) {
            // Most edits take nothing back.
            guard try await database.loses(withdrawal, key) else { return nil }
            return Occurrence(
                key: key, event: .withdrawn, actor: written.author, at: Date(), delivery: written.deliveryID,
                withdrawal: withdrawal, settings: current.plugins(of: written.repository),
                configVersion: current.version, traceparent: traceparent)
        }
        guard text != nil || review != nil else { return nil }
        // These deliveries tell of the pull request only in part.
        let told = try await database.knows(key) ? nil : try await reader.pull(key)
        return Occurrence(
            key: key, event: review == nil ? .commented : .reviewed, actor: written.author,
            at: text?.writtenAt ?? review?.review.at ?? Date(), delivery: written.deliveryID, told: told, text: text,
            review: review, settings: current.plugins(of: written.repository), configVersion: current.version,
            traceparent: traceparent)
    }

    /// Whether a rule looks at the context; most are nobody's.
    private static func matters(_ told: StatusTold, _ settings: RepositoryPlugins) -> Bool {
        AgreementPlugin.contexts.contains(told.context) || settings.blunderbuss.waitsFor?.context == told.context
    }

    /// The open pull requests whose head the status is of.
    private func occurrences(_ told: StatusTold, _ current: SettingsCache.Current) async throws -> [Occurrence] {
        let numbers = try await database.execute(
            PullRequestsStore.openPullsOfHead, told.repository.org, told.repository.repo, told.sha)
        return try numbers.map { row in
            Occurrence(
                key: PullKey(told.repository, try row.decode(Int.self)), event: .statusTold(told.context),
                actor: told.sender, at: Date(), delivery: told.deliveryID,
                settings: current.plugins(of: told.repository),
                configVersion: current.version)
        }
    }
}
