import Fleet
import Forge
import FoundationEssentials
import Logging
import Postgres
import SlipwayModel

/// Brings the forge to what it should show: claims due rows, calls, and completes them by version, so that a newer
/// wish that came meanwhile stays due. No lock is held during a call.
struct ForgeReporter: Sendable {
    private static let window = 256
    private static let concurrentCalls = 8
    /// How long calls of one claim are begun. The claim lasts for 30 s: what a process that dies has claimed is shown by
    /// another one soon, and no call of a living one outlasts its claim.
    private static let begins = Duration.seconds(10)
    /// Calls that one transaction notes as done; a call that was made and not noted is made again.
    private static let notedTogether = 64

    let database: PostgresPool
    let forge: ForgeClient
    /// The bot's login: only its own comments are replaced.
    let bot: String
    let logger: Logger

    /// One pass: until nothing is due.
    func round() async throws {
        while true {
            let claimed = ContinuousClock.now
            let due = try await claim()
            guard !due.isEmpty else { return }
            try await withThrowingTaskGroup(of: DueReport?.self) { group in
                var shown: [DueReport] = []
                var running = 0
                for report in due {
                    if running == Self.concurrentCalls, let done = try await group.next() {
                        running -= 1
                        if let done { shown.append(done) }
                    }
                    if shown.count >= Self.notedTogether {
                        try await complete(shown)
                        shown = []
                    }
                    guard .now - claimed < Self.begins else { break }
                    running += 1
                    group.addTask { try await settle(report) }
                }
                for try await done in group { if let done { shown.append(done) } }
                try await complete(shown)
            }
        }
    }

    private func complete(_ reports: [DueReport]) async throws {
        guard !reports.isEmpty else { return }
        try await database.execute(
            ReportingStore.complete, reports.map(\.repository.org), reports.map(\.repository.repo),
            reports.map(\.key), reports.map(\.version))
    }

    private func claim() async throws -> [DueReport] {
        try await database.execute(ReportingStore.claimDue, Self.window).map { row in
            let (org, repo, key, value, version, attempts) = try row.decode(
                (String, String, String, JSON<ForgeDesired.Value>, Int64, Int).self)
            return DueReport(
                repository: RepositoryName(org: org, repo: repo), key: key, value: value.value, version: version,
                attempts: attempts)
        }
    }

    /// - Returns: the report, where the forge shows it now.
    private func settle(_ report: DueReport) async throws -> DueReport? {
        let (org, repo) = (report.repository.org, report.repository.repo)
        do {
            try await show(report)
            return report
        } catch let error as ForgeError where error.isPermanent {
            logger.warning("the forge will never take \(report.key) of \(report.repository): \(error)")
            try await database.execute(
                ReportingStore.giveUp, org, repo, report.key, report.version, "\(error)")
        } catch let error as ForgeError {
            let delay = Self.delay(error, attempts: report.attempts)
            logger.warning("\(report.key) of \(report.repository) is tried again in \(Int(delay)) s: \(error)")
            try await database.execute(
                ReportingStore.postpone, org, repo, report.key, report.version, "\(error)", delay)
        }
        return nil
    }

    /// Seconds until the next try: what the forge asks for, else doubling from one second to five minutes.
    static func delay(_ error: ForgeError, attempts: Int) -> Double {
        if case .rateLimited(let until?) = error.kind { return max(1, until.timeIntervalSinceNow) }
        return Double(min(1 << min(max(attempts - 1, 0), 9), 300))
    }

    private func show(_ report: DueReport) async throws {
        let repository = report.repository
        switch report.value {
        case .status(let sha, let context, let state, let description, let targetURL):
            try await forge.createStatus(
                repository, sha: sha,
                CommitStatus(state: state, context: context, description: description, targetURL: targetURL))
        case .checkRun(let sha, let name, let conclusion, let summary):
            try await forge.createCheckRun(
                repository, sha: sha, name: name, conclusion: conclusion, title: ReportingText.override(of: name),
                summary: summary)
        case .comment(let number, let tag, let body):
            try await showComment(repository, number, tag: tag, body: body)
        case .label(let number, let name, true, let look): try await addLabel(repository, number, name, look)
        case .label(let number, let name, false, _):
            try await unlessGone { try await forge.removeLabel(repository, number, name) }
        case .assignee(let number, let login, true): try await forge.assign(repository, number, [login])
        case .assignee(let number, let login, false): try await forge.unassign(repository, number, [login])
        case .reviewer(let number, let login, true): try await forge.requestReviews(repository, number, of: [login])
        case .reviewer(let number, let login, false):
            try await forge.withdrawReviewRequests(repository, number, of: [login])
        case .openness(let number, let isOpen): try await forge.setOpenness(repository, number, isOpen: isOpen)
        case .title(let number, let title): _ = try await forge.updatePull(repository, number, title: title)
        case .body(let number, let body): _ = try await forge.updatePull(repository, number, body: body)
        case .milestone(let number, let title): try await setMilestone(repository, number, title)
        case .branchDeletion(let branch): try await unlessGone { try await forge.deleteBranch(repository, branch) }
        }
    }

    /// A label that the repository lacks comes to be with its first use, grey and without a word: then it gets its look. One
    /// that is there keeps the look that people gave it.
    private func addLabel(
        _ repository: RepositoryName, _ number: Int, _ name: String, _ look: ForgeDesired.LabelLook?
    ) async throws {
        let labels = try await forge.addLabels(repository, number, [name])
        guard let look, labels.contains(where: { $0.name.lowercased() == name.lowercased() && $0.isBare }) else {
            return
        }
        try await forge.defineLabel(repository, name, color: look.color, description: look.description)
    }

    private func setMilestone(_ repository: RepositoryName, _ number: Int, _ title: String?) async throws {
        guard let title else { return try await forge.setMilestone(repository, number, to: nil) }
        // One that is gone meanwhile is nothing to set.
        guard let milestone = try await forge.milestones(of: repository).first(where: { $0.title == title }) else {
            return
        }
        try await forge.setMilestone(repository, number, to: milestone.number)
    }

    /// One comment of ours carries the tag: it is replaced, and with no body removed.
    private func showComment(
        _ repository: RepositoryName, _ number: Int, tag: String, body: String?
    ) async throws {
        var earlier = try await forge.comments(repository, number).filter {
            $0.author.lowercased() == bot.lowercased() && $0.body?.contains(tag) == true
        }
        if let body {
            let kept = earlier.popLast()
            var stands = kept?.body == body
            if let kept, !stands { stands = try await update(kept, repository, body) }
            if !stands { _ = try await forge.createComment(repository, number, body: body) }
        }
        for comment in earlier {
            try await unlessGone { try await forge.deleteComment(repository, id: comment.id) }
        }
    }

    /// False where somebody deleted the comment since it was listed.
    private func update(_ comment: IssueComment, _ repository: RepositoryName, _ body: String) async throws -> Bool {
        try await unlessGone { _ = try await forge.updateComment(repository, id: comment.id, body: body) }
    }

    /// Makes a call about something that may be gone; false where it is.
    @discardableResult
    private func unlessGone(_ call: () async throws -> Void) async throws -> Bool {
        do {
            try await call()
            return true
        } catch let error as ForgeError where error.isNotFound {
            return false
        }
    }
}
