import Forge
import FoundationEssentials
import Git
import SlipwayModel

/// What follows from a push: branches and tags are compared with those recorded.
extension RepositoryHost {
    func beginPush() { pushesUnderWay += 1 }

    /// Takes a push in. Where that fails (its sender went away, and the task with it), it is done by the task that
    /// delivers.
    func endPush(by pusher: String) async {
        do {
            try await takePushes(pusher: pusher, own: 1)
        } catch {
            leavePushes()
        }
        pushesUnderWay -= 1
    }

    /// Takes in every push since the last time, so also those that another process, or none, was told of.
    ///
    /// - Parameters:
    ///   - pusher: Who to name where no record of the hook says it.
    ///   - own: How many of the pushes under way the caller itself is.
    func takePushes(pusher: String, own: Int = 0) async throws {
        try await exclusively { host in
            var records = try PushRecord.waiting(in: host.git.folder)
            // Two pushes to one ref are taken in the order in which they followed each other, whichever hook was first.
            var found = true
            while found {
                found = false
                for index in records.indices {
                    guard let place = records[index].updates.firstIndex(where: host.fits) else { continue }
                    found = true
                    let update = records[index].updates.remove(at: place)
                    let name = records[index].pusher
                    try await host.take(ref: update.ref, new: update.new, pusher: name.isEmpty ? pusher : name)
                }
            }
            // Then whatever no hook recorded; but a push that still runs is about to record.
            let actual = try await host.git.refs()
            let isQuiet = host.pushesUnderWay <= own
            for ref in Set(actual.keys).union(host.state.refs.keys).sorted()
            where isQuiet && actual[ref] != host.state.refs[ref] {
                try await host.take(ref: ref, new: actual[ref] ?? PushEvent.zeroSHA, pusher: pusher)
            }
            for record in records where isQuiet || record.updates.isEmpty { record.remove() }
            host.pushesWereTaken()
        }
    }

    /// Whether an update begins where the recorded ref stands (and is of a branch or tag at all).
    private func fits(_ update: PushRecord.Update) -> Bool {
        guard update.ref.hasPrefix("refs/heads/") || update.ref.hasPrefix("refs/tags/"), update.old != update.new else {
            return false
        }
        return update.old == (state.refs[update.ref] ?? PushEvent.zeroSHA)
    }

    /// One ref moved: the push itself, and what it means for pull requests.
    ///
    /// - Parameter merged: The pull request whose merge moved it.
    func take(ref: String, new: String, pusher: String, merged: Int? = nil) async throws {
        let zero = PushEvent.zeroSHA
        let old = state.refs[ref] ?? zero
        var changed = state
        changed.refs[ref] = new == zero ? nil : new
        var causes: [Cause] = []

        let push = try await pushedCommits(ref: ref, old: old, new: new, others: state.refs)
        let isBranch = ref.hasPrefix("refs/heads/")
        let short = String(ref.dropFirst(isBranch ? 11 : 10))
        if old == zero || new == zero {
            causes.append(
                Cause(old == zero ? "create" : "delete", nil) {
                    ReferenceEvent(
                        ref: short, refType: isBranch ? "branch" : "tag", repository: $0.repository(),
                        sender: $0.account(pusher))
                })
        }
        causes.append(
            Cause("push", nil) {
                PushEvent(
                    ref: ref, before: old, after: new, forced: push.isForced, commits: push.commits,
                    repository: $0.repository(), pusher: pusher, sender: $0.account(pusher))
            })

        if isBranch {
            if new != zero, changed.branch(changed.defaultBranch) == nil {
                changed.defaultBranch = short
                _ = try await git.check(["symbolic-ref", "HEAD", ref])
            }
            for number in state.pulls.keys.sorted() {
                guard let pull = changed.pulls[number], pull.isOpen else { continue }
                if pull.headRef == short {
                    causes += try await moveHead(of: pull, to: new, pusher: pusher, in: &changed)
                } else if pull.baseRef == short, new != zero {
                    var isMerged = number == merged
                    if !isMerged { isMerged = try await git.isAncestor(pull.headSHA, of: new) }
                    guard isMerged else { continue }
                    causes.append(close(pull, mergedAs: new, by: pusher, in: &changed))
                }
            }
        }
        try commit(changed, causes)
    }

    /// The head branch of an open pull request moved or went away.
    private func moveHead(
        of pull: RepositoryState.Pull, to new: String, pusher: String, in changed: inout RepositoryState
    ) async throws -> [Cause] {
        if new == PushEvent.zeroSHA { return [close(pull, mergedAs: nil, by: pusher, in: &changed)] }
        var moved = pull
        moved.headSHA = new
        moved.baseSHA = changed.branch(pull.baseRef) ?? pull.baseSHA
        moved.updatedAt = .now()
        try await git.updateRef("refs/pull/\(pull.number)/head", to: new)
        moved.mergeability = try await mergeability(of: moved, in: changed)
        changed.pulls[pull.number] = moved
        return [
            Cause("pull_request", "synchronize") {
                PullRequestEvent(
                    action: "synchronize", pullRequest: $0.pull(moved), repository: $0.repository(),
                    sender: $0.account(pusher), before: pull.headSHA, after: new)
            }
        ]
    }

    private func close(
        _ pull: RepositoryState.Pull, mergedAs commit: String?, by login: String, in changed: inout RepositoryState
    ) -> Cause {
        var closed = pull
        closed.isOpen = false
        closed.updatedAt = .now()
        closed.closedAt = closed.updatedAt
        if let commit {
            closed.mergedAt = closed.updatedAt
            closed.mergeCommitSHA = commit
        }
        changed.pulls[pull.number] = closed
        return Cause("pull_request", "closed") {
            PullRequestEvent(
                action: "closed", pullRequest: $0.pull(closed), repository: $0.repository(),
                sender: $0.account(login))
        }
    }

    /// The commits of a push as its event lists them: oldest first, at most 2,048, with the paths they name.
    private func pushedCommits(ref: String, old: String, new: String, others: [String: String]) async throws -> (
        commits: [PushEvent.Commit], isForced: Bool
    ) {
        let zero = PushEvent.zeroSHA
        guard ref.hasPrefix("refs/heads/"), new != zero else { return ([], false) }
        let known =
            old == zero
            ? Set(others.filter { $0.key.hasPrefix("refs/heads/") && $0.key != ref }.values).sorted() : [old]
        let commits = try await git.commits([new] + known.map { "^\($0)" }, limit: 2048).reversed()
        let files = try await git.files(of: commits.map(\.sha))
        let isForced = old == zero ? false : !(try await git.isAncestor(old, of: new))
        let listed = commits.map { commit in
            func paths(_ wanted: (Character) -> Bool) -> [String] {
                (files[commit.sha] ?? []).filter { wanted($0.status) }.map(\.path)
            }
            return PushEvent.Commit(
                id: commit.sha, message: commit.message, timestamp: commit.committer.date,
                added: paths { $0 == "A" }, modified: paths { $0 != "A" && $0 != "D" }, removed: paths { $0 == "D" })
        }
        return (listed, isForced)
    }

    /// Whether a pull request merges with its base branch as that stands now; `refs/pull/N/merge` follows.
    func mergeability(of pull: RepositoryState.Pull, in state: RepositoryState) async throws
        -> RepositoryState.Mergeability?
    {
        guard let base = state.branch(pull.baseRef) else { return nil }
        if let known = pull.mergeability, known.base == base, known.head == pull.headSHA { return known }
        var merged: String?
        if let tree = try await git.merge(base, pull.headSHA).tree {
            merged = try await git.commitTree(
                tree, parents: [base, pull.headSHA], message: "Merge \(pull.headSHA) into \(base)\n")
        }
        try await git.updateRef("refs/pull/\(pull.number)/merge", to: merged)
        return RepositoryState.Mergeability(
            base: base, head: pull.headSHA, mergeable: merged != nil, mergeSHA: merged)
    }
}
