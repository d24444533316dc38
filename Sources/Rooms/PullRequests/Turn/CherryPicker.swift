import Fleet
import Forge
import FoundationEssentials
import Git
import Logging
import Postgres
import SlipwayModel

/// Brings merged changes to other branches: a branch of ours with the same commits on the other base, and a pull request
/// from it. Every step may be repeated.
struct CherryPicker: Sendable {
    let bus: FleetBus
    let forge: ForgeClient
    let mirrors: GitMirrors
    let reader: PullReader

    private struct Pick: Sendable {
        var key: PullKey
        var branch: String
        var actor: String
        var attempts: Int
    }

    private enum Outcome: Sendable {
        /// - Parameter kinds: labels of kinds, which the change has on every branch.
        case opened(Int, kinds: [String])
        /// It cannot be done, and somebody has to be told why.
        case failed(String)
    }

    private static let maximumAttempts = 5

    func round() async throws {
        let due = try await bus.database.execute(PullRequestsStore.duePicks).map { row in
            let (org, repo, number, branch, actor, attempts) = try row.decode(
                (String, String, Int, String, String, Int).self)
            return Pick(
                key: PullKey(RepositoryName(org: org, repo: repo), number), branch: branch, actor: actor,
                attempts: attempts)
        }
        for pick in due {
            guard let outcome = try await attempt(pick) else { continue }
            try await bus.commit { effects in
                let (org, repo) = (pick.key.repository.org, pick.key.repository.repo)
                let text: String
                switch outcome {
                case .opened(let number, _):
                    try await effects.database.execute(
                        PullRequestsStore.settlePick, org, repo, pick.key.number, pick.branch, number)
                    text = PullRequestsText.picked(pick.actor, pick.branch, number)
                case .failed(let reason):
                    try await effects.database.execute(
                        PullRequestsStore.failPick, org, repo, pick.key.number, pick.branch, reason)
                    text = PullRequestsText.notPicked(pick.actor, pick.branch, reason)
                }
                let tag = "<!-- slipway-cherry-pick \(pick.branch) -->"
                guard let held = try await effects.database.lock(pick.key) else { return }
                if case .opened(let number, let kinds) = outcome {
                    effects.emit(
                        ForgeDesired(
                            repository: pick.key.repository, target: "pull/\(number)",
                            key: "assignee/\(number)/\(pick.actor.lowercased())",
                            value: .assignee(number: number, login: pick.actor, present: true), version: held.wishes))
                    for kind in kinds {
                        effects.emit(
                            ForgeDesired(
                                repository: pick.key.repository, target: "pull/\(number)",
                                key: "label/\(number)/\(kind.lowercased())",
                                value: .label(number: number, name: kind, present: true, look: nil),
                                version: held.wishes))
                    }
                }
                effects.emit(
                    ForgeDesired(
                        repository: pick.key.repository, target: "pull/\(pick.key.number)",
                        key: "comment/\(pick.key.number)/\(tag)",
                        value: .comment(number: pick.key.number, tag: tag, body: "\(text)\n\n\(tag)"),
                        version: held.wishes + 1))
            }
        }
    }

    /// - Returns: nil where it is tried again later.
    private func attempt(_ pick: Pick) async throws -> Outcome? {
        do {
            return try await bring(pick)
        } catch let error as ForgeError where error.isPermanent {
            return .failed(PullRequestsText.forgeRefused(error.message))
        } catch {
            bus.logger.warning("\(pick.key.repository)#\(pick.key.number) was not picked onto \(pick.branch): \(error)")
            return pick.attempts < Self.maximumAttempts ? nil : .failed(PullRequestsText.forgeRefused("\(error)"))
        }
    }

    private func bring(_ pick: Pick) async throws -> Outcome {
        let repository = pick.key.repository
        guard let pull = try await reader.pull(pick.key) else { return .failed(PullRequestsText.pullGone) }
        guard let target = try await mirrors.head(of: pick.branch, in: repository) else {
            return .failed(PullRequestsText.branchGone(pick.branch))
        }
        let commits = try await forge.pullCommits(repository, pick.key.number)
        guard commits.allSatisfy({ ($0.parents?.count ?? 0) == 1 }), !commits.isEmpty else {
            return .failed(PullRequestsText.mergesAreNotPicked)
        }
        let git = try await mirrors.repository(repository, having: commits.map(\.sha))
        var tip = target
        for commit in commits {
            guard let parent = commit.parents?.first?.sha else { continue }
            guard case .clean(let tree) = try await git.cherryPick(commit.sha, of: parent, onto: tip) else {
                return .failed(PullRequestsText.pickConflicts(commit.sha, pick.branch))
            }
            if try await git.tree(of: tip) == tree { continue }
            // Equal commits however often it is tried: the author's date stands for the committer's.
            let date = Int64(commit.commit.author?.date?.date.timeIntervalSince1970 ?? 0)
            let author = commit.commit.author.map { (GitIdentity(name: $0.name, email: $0.email), date) }
            tip = try await git.commitTree(
                tree, parents: [tip], message: commit.commit.message, author: author, date: date)
        }
        guard tip != target else { return .failed(PullRequestsText.pickedAlready(pick.branch)) }
        let branch = "cherry-pick-\(pick.key.number)-to-\(pick.branch)"
        let present = try await mirrors.head(of: branch, in: repository)
        if present != tip {
            switch try await mirrors.push(tip, to: branch, of: repository, expecting: present ?? "") {
            case .landed: break
            case .moved: throw RetryLater("the branch \(branch) moved", after: .seconds(5))
            case .refused(let words): return .failed(PullRequestsText.forgeRefused(words))
            }
        }
        let open = try await forge.pulls(repository, base: pick.branch, head: "\(repository.org):\(branch)")
        let kinds = pull.labels.filter { $0.hasPrefix("kind/") }
        if let known = open.first { return .opened(known.number, kinds: kinds) }
        let opened = try await forge.openPull(
            repository, title: "[\(pick.branch)] \(pull.title)", head: branch, base: pick.branch,
            body: PullRequestsText.pickBody(
                pick.key.number, pick.actor, releaseNote: ReleaseNotePlugin.block(pull.body)))
        return .opened(opened.number, kinds: kinds)
    }
}
