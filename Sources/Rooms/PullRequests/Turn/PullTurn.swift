import FoundationEssentials
import JobConfig
import SlipwayModel

/// What one occurrence leads to. Pure: the commands of its text first, in the order of the plugins, then what plugins do
/// by themselves; each sees the labels as those before it have decided.
package struct PullTurn: Sendable {
    /// A command and what became of it.
    package struct Handled: Hashable, Sendable {
        package var call: CommandCall
        package var plugin: String?
        package var outcome: String
    }

    package private(set) var context: PullContext
    package private(set) var actions: [PullAction] = []
    package private(set) var handled: [Handled] = []
    /// Commands for Scheduling.
    package private(set) var scheduled: [CommandCall] = []
    /// Lines that are no commands, and that triggers of jobs match all the same.
    package private(set) var triggering: [String] = []

    private let plugins: [PullPlugin]

    package init(_ context: PullContext, plugins: [PullPlugin]) {
        self.context = context
        self.plugins = plugins
    }

    /// The command's definition decides whether it means anything on a closed pull request.
    private static func own(_ calls: [CommandCall], _ command: CommandDefinition, _ context: PullContext)
        -> [CommandCall]
    {
        guard context.pull.isOpen || command.worksOnClosed else { return [] }
        return calls.filter { command.names.contains($0.name) }
    }

    /// What would be asked for these commands and this event, with what is known so far.
    package static func questions(
        _ calls: [CommandCall], _ event: PullEvent, _ context: PullContext, plugins: [PullPlugin]
    ) -> Set<Question> {
        var questions: Set<Question> = []
        for plugin in plugins {
            for command in plugin.commands {
                let own = own(calls, command, context)
                if !own.isEmpty { questions.formUnion(command.needs(own, context)) }
            }
            if let reaction = plugin.reaction { questions.formUnion(reaction.needs(event, context)) }
        }
        return questions
    }

    /// Decides the commands of a text.
    ///
    /// - Parameter helpURL: where all commands are listed.
    package mutating func decide(_ written: [CommandCall], helpURL: String) {
        let calls = Array(written.prefix(CommandParser.maximumCommands))
        if written.count > calls.count { take([.answer(PullRequestsText.tooManyCommands(calls.count))]) }
        // Whether it was open when it was said: `/close` before `/hold` takes nothing away from it.
        let said = context
        var outcomes: [CommandCall: (plugin: String, outcome: String)] = [:]
        for plugin in plugins {
            for command in plugin.commands {
                let own = Self.own(calls, command, said)
                guard !own.isEmpty else { continue }
                var heard = context
                heard.pull.isOpen = said.pull.isOpen
                let actions = command.decide(own, heard)
                take(actions)
                if actions.contains(.schedule) { scheduled += own }
                let outcome = PullRequestsText.outcome(actions)
                for call in own { outcomes[call] = (plugin.name, outcome) }
            }
        }
        let left = calls.filter { outcomes[$0] == nil }
        let started = left.filter(startsJobs)
        for call in started { outcomes[call] = (TriggerPlugin.plugin.name, "") }
        scheduled += started
        triggering = triggeringLines()
        answer(left.filter { !started.contains($0) }, helpURL)
        handled += calls.map { call in
            Handled(call: call, plugin: outcomes[call]?.plugin, outcome: outcomes[call]?.outcome ?? "")
        }
    }

    /// A job may have a trigger of its own.
    private func startsJobs(_ call: CommandCall) -> Bool {
        context.settings.isActive(TriggerPlugin.plugin.name) && context.pull.isOpen
            && context.facts.jobs.contains { $0.isTriggered(by: call.text) }
    }

    /// A job's trigger is any expression: it need not look for a command.
    private func triggeringLines() -> [String] {
        guard context.settings.isActive(TriggerPlugin.plugin.name), context.pull.isOpen, !context.text.isEmpty else {
            return []
        }
        let said = scheduled.map(\.text).joined(separator: "\n")
        let jobs = context.facts.jobs.filter { $0.isTriggered(by: context.text) && !$0.isTriggered(by: said) }
        guard !jobs.isEmpty else { return [] }
        let lines = context.text.split(separator: "\n").map(String.init)
        return Array(
            lines.filter { line in jobs.contains { $0.isTriggered(by: line) } }.prefix(CommandParser.maximumCommands))
    }

    /// One answer to what nobody answers to.
    private mutating func answer(_ calls: [CommandCall], _ helpURL: String) {
        let unknown = calls.filter { PluginCatalog.commands[$0.name] == nil }
        // Where nothing is configured nobody asked for an answer.
        guard context.pull.isOpen, !plugins.isEmpty, !unknown.isEmpty, !context.actor.hasSuffix("[bot]") else { return }
        let findings = Misspelling.findings(
            unknown, names: plugins.flatMap(\.commands).flatMap(\.names),
            hasExternalPlugins: !context.settings.externalNames.isEmpty)
        guard !findings.isEmpty else { return }
        take([.answer(PullRequestsText.unknownCommands(findings, helpURL: helpURL))])
    }

    /// Lets plugins act by themselves.
    package mutating func react(to event: PullEvent) {
        for plugin in plugins {
            guard let reaction = plugin.reaction else { continue }
            take(reaction.react(event, context))
        }
    }

    /// Adds actions that stand beside the plugins', e.g. an answer to a misspelt command.
    package mutating func take(_ actions: [PullAction]) {
        self.actions += actions
        for action in actions {
            switch action {
            case .addLabel(let name) where !context.pull.has(name): context.pull.labels.append(name)
            case .derivedLabel(let name, true) where !context.pull.has(name): context.pull.labels.append(name)
            case .removeLabel(let name), .derivedLabel(let name, false):
                context.pull.labels.removeAll { Login.same($0, name) }
            case .noteLGTM(let tree):
                context.history.lgtms.append(.init(login: context.actor, at: context.at, tree: tree))
            case .forgetLGTMs: context.history.lgtms = []
            case .retitle(let title): context.pull.title = title
            case .rewrite(let body): context.pull.body = body
            case .close: context.pull.isOpen = false
            case .reopen: context.pull.isOpen = true
            case .milestone(let title): context.pull.milestone = title
            case .assign(let logins):
                context.pull.assignees += logins.filter { login in
                    !context.pull.assignees.contains { Login.same($0, login) }
                }
            case .unassign(let logins):
                context.pull.assignees.removeAll { known in logins.contains { Login.same($0, known) } }
            default: break
            }
        }
    }
}
