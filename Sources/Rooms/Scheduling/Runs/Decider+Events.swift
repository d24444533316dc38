import Fleet
import FoundationEssentials
import JobConfig
import SlipwayModel

/// From one message to what it leads to.
extension Decider {
    func decide(
        _ event: PullChanged, _ facts: ForgeFacts?, _ known: KnownPull, _ catalog: JobCatalog, _ traceparent: String?,
        _ verdict: inout Verdict
    ) throws {
        var event = event
        // The freshest state counts: deliveries overtake each other, and an older one must not undo a newer one.
        event.isOpen = known.isOpen
        event.isDraft = known.isDraft
        if event.action == "closed" || event.action == "converted_to_draft" {
            guard event.action == "closed" ? !known.isOpen : known.isDraft else { return }
        }
        let decision = PullDecision(event, isTrusted: isTrusted(event, facts), bot: bot)
        let key = PullKey(event.repository, event.number)
        switch decision.abort {
        case .olderHeads:
            verdict.pullAborts.append(
                .init(
                    pull: key, keptHead: known.headSHA, by: event.sender,
                    reason: SchedulingText.newHead(known.headSHA)))
        case .everything:
            verdict.pullAborts.append(
                .init(
                    pull: key, keptHead: nil, by: event.sender,
                    reason: event.action == "closed" ? SchedulingText.pullClosed : SchedulingText.pullDrafted))
        case nil: break
        }
        guard let facts else { return }
        var notices = Notices(key, known.notices)
        switch decision.notice {
        case .untrusted:
            notices.post(
                SchedulingText.untrusted, SchedulingText.welcome(author: event.author, org: key.repository.org))
        case .draft:
            notices.post(SchedulingText.draft, SchedulingText.draftHint)
        case nil:
            if decision.startsJobs { notices.withdraw(SchedulingText.draft) }
        }
        if decision.startsJobs { report(facts, &notices, &verdict) }
        notices.settle(&verdict)
        verdict.note(facts)
        // A head that has a successor is left to the successor's own event.
        guard decision.startsJobs, event.headSHA == facts.pull.headSHA else { return }
        let jobs = try catalog.jobs(.presubmit, of: event.repository, own: facts.own?.jobs)
        let choices = try AutomaticJobs.choose(
            from: jobs, branch: facts.pull.baseRef, changedFiles: { try files(facts) })
        start(choices, of: facts, origin: .trigger, delivery: event.deliveryID, traceparent, &verdict)
    }

    private func isTrusted(_ event: PullChanged, _ facts: ForgeFacts?) -> Bool {
        guard let facts else { return false }
        // `lgtm` asks about the author alone: the label is what makes up for the lack of trust. A label that is there when it
        // is opened starts jobs by its own event.
        return event.label == "lgtm" || event.action == "opened" ? facts.isAuthorTrusted : facts.isPullTrusted
    }

    func decide(
        _ issued: CommandIssued, _ facts: ForgeFacts, _ known: KnownPull, _ catalog: JobCatalog,
        _ contexts: [String: RunState], _ traceparent: String?, _ verdict: inout Verdict
    ) throws {
        let jobs = try catalog.jobs(.presubmit, of: issued.repository, own: facts.own?.jobs)
        guard facts.pull.isOpen, CommandDecision.concerns(issued, jobs: jobs) else { return }
        var notices = Notices(PullKey(issued.repository, issued.number), known.notices)
        guard facts.isActorTrusted || facts.isPullTrusted else {
            notices.post(
                SchedulingText.untrustedCommand,
                SchedulingText.untrustedCommand(actor: issued.actor, org: issued.repository.org))
            notices.settle(&verdict)
            return
        }
        let decision = try CommandDecision(
            issued, jobs: jobs, branch: facts.pull.baseRef, contexts: contexts, changedFiles: { try files(facts) })
        if decision.needsHelp {
            notices.post(
                SchedulingText.testHelp,
                SchedulingText.help(
                    unknown: decision.unknownTargets, mistakes: decision.mistakes, branch: facts.pull.baseRef,
                    jobs: jobs, actor: issued.actor,
                    problems: facts.own?.jobs.problems ?? []))
        } else {
            notices.withdraw(SchedulingText.testHelp)
        }
        report(facts, &notices, &verdict)
        verdict.note(facts)
        notices.withdraw(SchedulingText.untrustedCommand)
        notices.withdraw(SchedulingText.draft)
        notices.settle(&verdict)
        start(decision.choices, of: facts, origin: .command, delivery: issued.deliveryID, traceparent, &verdict)
    }

    func decide(
        _ push: RefPushed, _ own: RepositoryJobs?, _ catalog: JobCatalog, _ traceparent: String?,
        _ verdict: inout Verdict
    ) throws {
        if let own, !push.isTag {
            verdict.branches.append(
                BranchJobs(repository: push.repository, branch: push.ref, jobs: own, previous: push.before))
        }
        if let problems = own?.problems, !problems.isEmpty {
            verdict.wishes.append(
                status(
                    push.repository, push.after, SchedulingText.configurationContext, "failure",
                    SchedulingText.configurationBroken(problems), link: configurationPage(push.repository)))
        }
        let choices = PushDecision.choose(
            from: try catalog.jobs(.postsubmit, of: push.repository, own: own), ref: push.ref,
            changedFiles: push.changedFiles)
        let refs = Refs(repository: push.repository, baseRef: push.ref, baseSHA: push.after)
        verdict.runs += choices.map { choice in
            NewRun(
                delivery: push.deliveryID, origin: .trigger, kind: .postsubmit, job: choice.job, refs: refs,
                traceparent: traceparent)
        }
    }

    func decide(
        _ request: RunRequested, _ own: RepositoryJobs?, _ catalog: JobCatalog, _ traceparent: String?,
        _ verdict: inout Verdict
    ) {
        let wanted =
            catalog.job(request.job, request.kind, request.refs)
            ?? own?.job(request.job, request.kind, branch: request.refs?.baseRef)
        let needsPulls = request.kind == .presubmit || request.kind == .batch
        if let deadline = request.deadline, deadline < Date() {
            verdict.refusals[request.requestID] = SchedulingText.requestPastDeadline
        } else if request.kind != .periodic, request.refs?.baseRef == nil || needsPulls && request.hasNoPulls {
            verdict.refusals[request.requestID] = SchedulingText.refsMissing(request)
        } else if let job = wanted {
            var run = NewRun(
                requestID: request.requestID, origin: request.origin, kind: request.kind, job: job.job,
                jobHash: job.hash, refs: request.kind == .periodic ? nil : request.refs,
                priority: request.priority, deadline: request.deadline, reuse: request.reuse,
                traceparent: traceparent)
            run.overriddenBy = request.overriddenBy
            run.leases += request.leases.map { LeaseItem(types: [$0]) }
            verdict.runs.append(run)
        } else {
            verdict.refusals[request.requestID] = SchedulingText.unknownJob(request)
        }
    }

    func decide(
        _ reconcile: PullReconcile, _ facts: ForgeFacts, _ known: KnownPull?, _ catalog: JobCatalog,
        _ changed: ChangedPresubmits, _ contexts: [String: RunState], _ traceparent: String?,
        _ verdict: inout Verdict
    ) throws {
        let pull = facts.pull
        guard pull.isOpen else { return }
        let current = try catalog.jobs(.presubmit, of: reconcile.repository, own: facts.own?.jobs)
        var notices = Notices(PullKey(reconcile.repository, reconcile.number), known?.notices ?? [])
        report(facts, &notices, &verdict)
        notices.settle(&verdict)
        let reconciliation = Reconciliation(
            branch: pull.baseRef, ended: changed.ended, begun: changed.begun, current: current,
            contexts: Set(contexts.keys))
        for context in reconciliation.retired {
            verdict.wishes.append(status(pull, context, "success", SchedulingText.contextRetired))
        }
        for (old, new) in reconciliation.moved {
            verdict.wishes.append(status(pull, old, "success", SchedulingText.contextMoved(to: new)))
            guard contexts[new] == nil, let state = contexts[old] else { continue }
            verdict.wishes.append(status(pull, new, state.statusState, SchedulingText.contextMoved(from: old)))
        }
        guard facts.isPullTrusted, !pull.isDraft else { return }
        let moved = Set(reconciliation.moved.map(\.to))
        let starting = current.filter {
            reconciliation.starts.contains($0.job.name) && !moved.contains($0.reportedContext)
        }
        let choices = try AutomaticJobs.choose(
            from: starting, branch: pull.baseRef, changedFiles: { try files(facts) })
        start(
            choices, of: facts, origin: .trigger,
            delivery: "configuration-\(reconcile.push?.after ?? String(reconcile.version))/\(pull.number)", traceparent,
            &verdict)
    }

    private func status(_ pull: PullState, _ context: String, _ state: String, _ description: String) -> ForgeDesired {
        status(pull.repository, pull.headSHA, context, state, description)
    }

    /// Where a repository's jobs are listed, and what is wrong with its own files on its branches.
    private func configurationPage(_ repository: RepositoryName) -> String {
        "\(pageURL)/configured-jobs/\(repository)"
    }

    private func status(
        _ repository: RepositoryName, _ sha: String, _ context: String, _ state: String, _ description: String,
        link: String? = nil
    ) -> ForgeDesired {
        ForgeDesired(
            repository: repository, target: "commit/\(sha)", key: "status/\(sha)/\(context)",
            value: .status(sha: sha, context: context, state: state, description: description, targetURL: link),
            // Statuses of runs count tenths of microseconds of their request, so a later run still wins.
            version: Date().microseconds * 10)
    }

    /// Says in a status of its own what the repository's own files say for the pull request, where anybody would ask:
    /// they have errors, or had some, or the pull request changes them.
    private func report(_ facts: ForgeFacts, _ notices: inout Notices, _ verdict: inout Verdict) {
        guard let own = facts.own else { return }
        let mark = "\(SchedulingText.configurationContext)@\(facts.pull.headSHA)"
        let (state, text): (String, String)
        if !own.jobs.problems.isEmpty {
            (state, text) = ("failure", SchedulingText.configurationBroken(own.jobs.problems))
        } else if own.isChanged {
            (state, text) = ("success", SchedulingText.configurationChanged(isInForce: own.includesChanges))
        } else if notices.stands(mark) {
            (state, text) = ("success", SchedulingText.configurationMended)
        } else {
            return
        }
        let pull = facts.pull
        verdict.wishes.append(
            status(
                pull.repository, pull.headSHA, SchedulingText.configurationContext, state, text,
                link: own.includesChanges ? nil : configurationPage(pull.repository)))
        notices.keep(state == "failure" ? mark : nil, of: SchedulingText.configurationContext)
    }

    /// Starts jobs of a pull request, or says in their statuses why not.
    private func start(
        _ choices: [JobChoice], of facts: ForgeFacts, origin: RunOrigin, delivery: String, _ traceparent: String?,
        _ verdict: inout Verdict
    ) {
        let pull = facts.pull
        let obstacle: String? =
            if !facts.baseExists {
                SchedulingText.baseGone(pull.baseRef)
            } else if pull.mergeable == false {
                SchedulingText.conflict(base: pull.baseRef)
            } else {
                nil
            }
        guard let obstacle else {
            verdict.runs += choices.map { choice in
                NewRun(
                    delivery: delivery, origin: origin, kind: .presubmit, job: choice.job, refs: pull.refs,
                    traceparent: traceparent)
            }
            return
        }
        for choice in choices where !choice.job.job.skipReport {
            verdict.wishes.append(status(pull, choice.job.reportedContext, "error", obstacle))
        }
    }

    /// - Throws: `RetryLater` where the configuration changed between plan and commit so that files matter now.
    private func files(_ facts: ForgeFacts) throws -> [String] {
        guard let files = facts.changedFiles else {
            throw RetryLater("the configuration changed while the event was handled", after: .milliseconds(50))
        }
        return files
    }
}

extension RunRequested {
    fileprivate var hasNoPulls: Bool { refs?.pulls?.isEmpty ?? true }
}

extension RunState {
    /// The state of its status at the forge, as reporting writes it.
    fileprivate var statusState: String {
        switch self {
        case .waiting, .dispatched, .running: "pending"
        case .success: "success"
        case .failure, .aborted: "failure"
        case .error: "error"
        }
    }
}

extension Date {
    /// Whole microseconds since 1970.
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }
}

/// What we said on one pull request: comments posted, replaced, and taken away where they stand.
private struct Notices {
    let pull: PullKey
    private let before: [String]
    private var tags: [String]
    private var wishes: [ForgeDesired] = []

    init(_ pull: PullKey, _ tags: [String]) {
        self.pull = pull
        before = tags
        self.tags = tags
    }

    mutating func post(_ notice: SchedulingText.Notice, _ text: String) {
        if !tags.contains(notice.tag) { tags.append(notice.tag) }
        wish(notice, notice.body(text))
    }

    mutating func withdraw(_ notice: SchedulingText.Notice) {
        guard tags.contains(notice.tag) else { return }
        tags.removeAll { $0 == notice.tag }
        wish(notice, nil)
    }

    /// Whether a mark stands that is no comment's.
    func stands(_ mark: String) -> Bool { tags.contains(mark) }

    /// Keeps one mark, or none, of all that begin with a prefix.
    mutating func keep(_ mark: String?, of prefix: String) {
        tags.removeAll { $0.hasPrefix(prefix) }
        if let mark { tags.append(mark) }
    }

    private mutating func wish(_ notice: SchedulingText.Notice, _ body: String?) {
        wishes.append(
            ForgeDesired(
                repository: pull.repository, target: "pull/\(pull.number)", key: notice.key(number: pull.number),
                value: .comment(number: pull.number, tag: notice.mark, body: body), version: Date().microseconds))
    }

    func settle(_ verdict: inout Verdict) {
        verdict.wishes += wishes
        if tags != before { verdict.notices[pull] = tags }
    }
}
