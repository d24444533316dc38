import FoundationEssentials
import SlipwayModel

/// Turns actions into wishes to the forge and rows. Pure.
struct TurnWriter {
    private(set) var mirror: LabelMirror
    private(set) var wishes: Int64
    private(set) var desired: [ForgeDesired] = []
    /// Decisions about labels, by the labels' names in lower case.
    private(set) var decided: [String: LabelMirror.Decision] = [:]

    private let pull: PullSnapshot
    private let at: Date
    private let saidIn: Int64
    private let comment: CommentReference?
    private let actor: String
    private let now: Date

    /// - Parameters:
    ///   - saidIn: the id of the comment that is handled; 0 for events without text.
    ///   - wishes: the version of the last wish about this pull request, not less than the database's microseconds.
    init(
        pull: PullSnapshot, mirror: LabelMirror, at: Date, saidIn: Int64, comment: CommentReference?, actor: String,
        now: Date, wishes: Int64
    ) {
        self.pull = pull
        self.mirror = mirror
        self.at = at
        self.saidIn = saidIn
        self.comment = comment
        self.actor = actor
        self.now = now
        self.wishes = wishes
    }

    mutating func write(_ actions: [PullAction]) {
        for action in actions { write(action) }
        let answers = actions.compactMap { if case .answer(let text) = $0 { text } else { nil } }
        if let comment, !answers.isEmpty {
            wish(
                "comment/\(pull.number)/answer/\(comment.kind.rawValue)/\(comment.id)",
                .comment(
                    number: pull.number, tag: PullRequestsText.answerMark(comment),
                    body: PullRequestsText.answer(actor, answers, comment)))
        }
    }

    private mutating func write(_ action: PullAction) {
        let number = pull.number
        switch action {
        case .addLabel(let name): decide(name, true)
        case .removeLabel(let name): decide(name, false)
        case .derivedLabel(let name, let isPresent): decide(name, isPresent, isDerived: true)
        case .notice(let tag, let body):
            wish("comment/\(number)/\(tag)", .comment(number: number, tag: tag, body: body.map { "\($0)\n\n\(tag)" }))
        case .assign(let logins):
            for login in logins {
                wishPerson("assignee", login, .assignee(number: number, login: login, present: true))
            }
        case .unassign(let logins):
            for login in logins {
                wishPerson("assignee", login, .assignee(number: number, login: login, present: false))
            }
        case .requestReviews(let names):
            for name in names { wishPerson("reviewer", name, .reviewer(number: number, login: name, present: true)) }
        case .withdrawReviewRequests(let names):
            for name in names { wishPerson("reviewer", name, .reviewer(number: number, login: name, present: false)) }
        case .close: wish("openness/\(number)", .openness(number: number, isOpen: false))
        case .reopen: wish("openness/\(number)", .openness(number: number, isOpen: true))
        case .retitle(let title): wish("title/\(number)", .title(number: number, title: title))
        case .rewrite(let body): wish("body/\(number)", .body(number: number, body: body))
        case .milestone(let title): wish("milestone/\(number)", .milestone(number: number, title: title))
        case .status(let context, let state, let description):
            status(context, state, description)
        case .deleteHeadBranch:
            wish("branch/\(pull.headRef)", .branchDeletion(branch: pull.headRef))
        case .override(let contexts, _):
            for context in contexts {
                status(context, "success", PullRequestsText.overriddenBy(actor), base: pull.baseSHA)
            }
        case .overrideChecks(let names):
            for name in names { checkRun(name, "success", PullRequestsText.overriddenBy(actor)) }
        case .cancelOverrides(let contexts, let checks):
            for context in contexts { status(context, "failure", PullRequestsText.overrideEnded(actor)) }
            for name in checks { checkRun(name, "failure", PullRequestsText.overrideEnded(actor)) }
        case .answer, .cherryPick, .abortRuns, .schedule, .noteLGTM, .forgetLGTMs, .noteApproval: break
        }
    }

    /// - Parameter base: stands at the end of the description, where Prow's tools look for it.
    private mutating func status(_ context: String, _ state: String, _ description: String, base: String? = nil) {
        let suffix = base.map { " BaseSHA:\($0)" } ?? ""
        let text = String(description.prefix(140 - suffix.count))
        let padding = suffix.isEmpty ? "" : String(repeating: " ", count: 140 - suffix.count - text.count)
        wish(
            "status/\(pull.headSHA)/\(context)",
            .status(
                sha: pull.headSHA, context: context, state: state, description: text + padding + suffix,
                targetURL: nil),
            // Statuses of runs count tenths of microseconds of their request: a later run still wins.
            scale: 10)
    }

    private mutating func checkRun(_ name: String, _ conclusion: String, _ summary: String) {
        wish(
            "check/\(pull.headSHA)/\(name)",
            .checkRun(sha: pull.headSHA, name: name, conclusion: conclusion, summary: summary))
    }

    private mutating func decide(_ name: String, _ present: Bool, isDerived: Bool = false) {
        var said = (at: at, in: saidIn)
        if !mirror.mayDecide(name, saidAt: at, saidIn: saidIn) {
            guard isDerived, let last = mirror.decisions[name.lowercased()] else { return }
            said = (last.saidAt, last.saidIn)
        }
        let isNews = mirror.decide(name, present: present, saidAt: said.at, saidIn: said.in, now: now)
        decided[name.lowercased()] = mirror.decisions[name.lowercased()]
        guard isNews else { return }
        wish(
            "label/\(pull.number)/\(name.lowercased())",
            .label(
                number: pull.number, name: name, present: present, look: present ? LabelLooks.look(of: name) : nil))
    }

    private mutating func wishPerson(_ kind: String, _ login: String, _ value: ForgeDesired.Value) {
        wish("\(kind)/\(pull.number)/\(login.lowercased())", value)
    }

    private mutating func wish(_ key: String, _ value: ForgeDesired.Value, scale: Int64 = 1) {
        wishes += 1
        let target =
            key.hasPrefix("status/") || key.hasPrefix("check/") ? "commit/\(pull.headSHA)" : "pull/\(pull.number)"
        desired.append(
            ForgeDesired(
                repository: pull.repository, target: target, key: key, value: value, version: wishes * scale))
    }
}
