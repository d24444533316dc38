import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// Takes turns: holds a pull request's row, decides, and writes down what follows, in one transaction.
struct TurnKeeper: Sendable {
    let settings: SettingsCache
    let bot: String
    /// Where all commands are listed.
    let helpURL: String
    let wake: WakeUp

    func commit(_ occurrences: [Occurrence], _ effects: Effects) async throws {
        let current = try await settings.version(effects.database)
        // In one order everywhere, so that two transactions never wait for each other; what happened to one pull
        // request stays in its order.
        let ordered = occurrences.enumerated().sorted { ($0.element.key, $0.offset) < ($1.element.key, $1.offset) }
        for (_, occurrence) in ordered {
            guard occurrence.configVersion == current else {
                throw RetryLater("the configuration changed while the event was handled", after: .milliseconds(50))
            }
            try await take(occurrence, effects)
        }
    }

    private func take(_ occurrence: Occurrence, _ effects: Effects) async throws {
        let database = effects.database
        if let told = occurrence.told { try await database.store(told) }
        guard let held = try await database.lock(occurrence.key) else { return }
        let now = Date(timeIntervalSince1970: Double(held.wishes) / 1_000_000)
        var mirror = LabelMirror(labels: held.pull.labels, decisions: try await database.decisions(of: occurrence.key))
        if let told = occurrence.told, told.version >= held.pull.version {
            let settled = mirror.show(told.labels, changed: occurrence.changedLabel(except: bot), at: now)
            try await database.settle(settled, of: occurrence.key)
        }
        var pull = held.pull
        pull.labels = mirror.labels
        pull.follow(occurrence.text?.openness)
        pull.defaultBranch = occurrence.told?.defaultBranch

        if let text = occurrence.text {
            // What was handled before is done.
            guard try await database.note(text, occurrence) else { return }
        }
        if let change = occurrence.review { try await database.note(change, occurrence.key) }
        if let change = occurrence.withdrawal {
            guard try await database.withdraw(change, occurrence.key, occurrence.delivery) else { return }
        }
        var history = try await database.history(of: occurrence.key)
        try await database.readOwners(of: occurrence.key, into: &history)
        pull.reviewDecision = history.reviewDecision
        if let text = occurrence.text {
            history.commands += text.calls.map {
                .init(actor: text.author, call: $0, at: text.writtenAt, comment: text.reference)
            }
        }

        var context = PullContext(
            pull: pull, actor: occurrence.actor, at: occurrence.at, text: occurrence.text?.visible ?? "",
            written: occurrence.text?.written ?? "",
            comment: occurrence.text?.reference, settings: occurrence.settings, facts: occurrence.facts,
            history: history, bot: bot)
        context.previousBase = occurrence.previousBase
        var turn = PullTurn(context, plugins: PluginCatalog.active(occurrence.settings.isActive))
        let calls = occurrence.text?.calls ?? []
        let asked = PullTurn.questions(
            calls, occurrence.event, turn.context, plugins: PluginCatalog.active(occurrence.settings.isActive))
        guard asked.isSubset(of: occurrence.facts.asked),
            occurrence.facts.owners.map({ $0.headSHA == pull.headSHA }) ?? true
        else {
            throw RetryLater("the pull request changed while the event was handled", after: .milliseconds(50))
        }
        turn.decide(calls, helpURL: helpURL)
        turn.react(to: occurrence.event)

        var writer = TurnWriter(
            pull: pull, mirror: mirror, at: occurrence.at,
            // Times are whole seconds: a push counts as later than whatever was written within its second.
            saidIn: occurrence.event == .pushed ? .max : occurrence.text?.reference.id ?? 0,
            comment: occurrence.text?.reference, actor: occurrence.actor, now: now, wishes: held.wishes)
        writer.write(turn.actions)
        try await settle(writer, turn, occurrence, effects)
        try await carryOut(turn, occurrence, effects)
    }

    private func settle(
        _ writer: TurnWriter, _ turn: PullTurn, _ occurrence: Occurrence, _ effects: Effects
    ) async throws {
        let database = effects.database
        let key = occurrence.key
        for (name, decision) in writer.decided {
            try await database.execute(
                PullRequestsStore.decideLabel, key.repository.org, key.repository.repo, key.number, name,
                decision.present, decision.saidAt, decision.saidIn, decision.isPending)
        }
        if let text = occurrence.text, !turn.handled.isEmpty {
            try await database.note(turn.handled, text, key)
        }
        try await database.noteOwners(
            turn.actions, of: turn.context.pull, by: occurrence.actor, at: occurrence.at)
        for wish in writer.desired { effects.emit(wish) }
        if let text = occurrence.text, !turn.scheduled.isEmpty || !turn.triggering.isEmpty {
            effects.emit(
                CommandIssued(
                    repository: key.repository, number: key.number, actor: text.author, actorAssociation: nil,
                    commentID: text.reference.id == 0 ? nil : text.reference.id,
                    commands: turn.scheduled.map { .init(name: $0.name, arguments: $0.arguments) },
                    body: (turn.scheduled.map(\.text) + turn.triggering).joined(separator: "\n"),
                    deliveryID: occurrence.delivery))
        }
        try await database.execute(
            PullRequestsStore.settlePull, key.repository.org, key.repository.repo, key.number, writer.mirror.labels,
            turn.context.pull.reviewDecision?.rawValue, writer.wishes)
    }
}

extension Occurrence {
    /// The label that was changed at the forge by somebody else than us.
    fileprivate func changedLabel(except bot: String) -> String? {
        guard !Login.same(actor, bot) else { return nil }
        switch event {
        case .labeled(let name), .unlabeled(let name): return name
        default: return nil
        }
    }
}
