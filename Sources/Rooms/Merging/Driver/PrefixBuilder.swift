import Forge
import FoundationEssentials
import Git
import JobConfig
import SlipwayModel

/// Merges members onto a base one after the other, in a bare copy. Equal arguments make equal commits, whoever makes
/// them and when: so a worker that takes over finds what another one built.
struct PrefixBuilder: Sendable {
    /// The branch and what it stands at after one member.
    struct Step: Hashable, Sendable {
        var number: Int
        var head: String
        var method: MergeMethod
        var commit: String
        var tree: String
    }

    enum Outcome: Sendable {
        case built([Step])
        case conflicted(number: Int, withBase: Bool, files: [String])
        case unbuildable(number: Int, reason: String)
    }

    /// How a member is merged.
    struct Plan: Sendable {
        var pull: MergeCandidate
        var method: MergeMethod
        var template: TideMergeTemplate?

        /// Why the template says nothing of this pull request, and the forge's own words are used.
        var templateProblem: String? {
            guard let template else { return nil }
            do throws(GoTemplateError) {
                _ = try template.render(pull.templateSubject)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    /// Most commits that are rebased one by one; GitHub's own limit for a rebase.
    static let rebaseLimit = 100

    let mirrors: GitMirrors
    /// Who commits.
    let identity: GitIdentity

    func build(
        _ repository: RepositoryName, base: TrainBase, members: [TrainMember], plans: [Int: Plan]
    ) async throws -> Outcome {
        let git: GitRepository
        do {
            git = try await mirrors.repository(repository, having: [base.commit] + members.map(\.head))
        } catch let error as GitMirrorError where error.isPermanent {
            return try await missing(repository, members, error)
        }
        return try await build(in: git, base: base, members: members, plans: plans)
    }

    /// The same in a copy that has all commits.
    func build(
        in git: GitRepository, base: TrainBase, members: [TrainMember], plans: [Int: Plan]
    ) async throws -> Outcome {
        var tip = base.commit
        var steps: [Step] = []
        var date = try await time(of: base.commit, git)
        for member in members {
            guard let plan = plans[member.number] else {
                return .unbuildable(number: member.number, reason: MergingText.unknownPull(member.number))
            }
            date = max(date + 1, Int64(member.enteredAt.timeIntervalSince1970))
            let step: Step?
            switch plan.method {
            case .merge, .squash: step = try await merge(member, plan, onto: tip, date: date, git)
            case .rebase:
                let commits = try await commits(of: member, onto: tip, git)
                guard commits.count <= Self.rebaseLimit else {
                    return .unbuildable(number: member.number, reason: MergingText.tooManyCommits(Self.rebaseLimit))
                }
                step = try await rebase(member, commits, onto: tip, date: date, git)
                date += Int64(commits.count)
            }
            guard let step else { return try await conflict(member, tip: tip, base: base.commit, git) }
            steps.append(step)
            tip = step.commit
        }
        return .built(steps)
    }

    /// What members change together.
    func changedFiles(_ repository: RepositoryName, from base: TrainBase, to tree: String) async throws -> [String] {
        let git = try await mirrors.repository(repository, having: [base.commit])
        let output = try await git.check(["diff-tree", "-r", "-z", "--name-only", "--no-renames", base.tree, tree])
        return output.bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Steps

    private func merge(
        _ member: TrainMember, _ plan: Plan, onto tip: String, date: Int64, _ git: GitRepository
    ) async throws -> Step? {
        guard let tree = try await git.merge(tip, member.head).tree else { return nil }
        let commit = try await git.commitTree(
            tree, parents: plan.method == .merge ? [tip, member.head] : [tip],
            message: MergingText.commitMessage(plan.pull, plan.method, plan.template), committer: identity, date: date)
        return Step(number: member.number, head: member.head, method: plan.method, commit: commit, tree: tree)
    }

    /// Oldest first, merges left out, as a rebase does.
    private func commits(of member: TrainMember, onto tip: String, _ git: GitRepository) async throws -> [GitCommit] {
        try await git.commits(
            ["--no-merges", "--topo-order", member.head, "^\(tip)"], limit: Self.rebaseLimit + 1
        ).reversed()
    }

    private func rebase(
        _ member: TrainMember, _ commits: [GitCommit], onto tip: String, date: Int64, _ git: GitRepository
    ) async throws -> Step? {
        var current = tip
        var tree = try await git.tree(of: tip)
        for (index, commit) in commits.enumerated() {
            guard let parent = commit.parents.first,
                let picked = try await git.cherryPick(commit.sha, of: parent, onto: current).tree
            else { return nil }
            tree = picked
            let author = GitIdentity(name: commit.author.name, email: commit.author.email)
            current = try await git.commitTree(
                tree, parents: [current], message: commit.message,
                author: (author, Int64(commit.author.date?.date.timeIntervalSince1970 ?? 0)), committer: identity,
                date: date + Int64(index))
        }
        return Step(number: member.number, head: member.head, method: .rebase, commit: current, tree: tree)
    }

    private func conflict(
        _ member: TrainMember, tip: String, base: String, _ git: GitRepository
    ) async throws -> Outcome {
        var files: [String] = []
        if case .conflict(let paths) = try await git.merge(tip, member.head) { files = paths }
        var isAlone = tip == base
        if !isAlone, case .conflict(let paths) = try await git.merge(base, member.head) {
            isAlone = true
            files = paths
        }
        return .conflicted(number: member.number, withBase: isAlone, files: files)
    }

    /// Which member's head the forge does not have any more.
    private func missing(
        _ repository: RepositoryName, _ members: [TrainMember], _ error: GitMirrorError
    ) async throws -> Outcome {
        for member in members {
            do {
                _ = try await mirrors.repository(repository, having: [member.head])
            } catch let error as GitMirrorError where error.isPermanent {
                return .unbuildable(number: member.number, reason: MergingText.headGone(member.head))
            }
        }
        throw error
    }

    private func time(of commit: String, _ git: GitRepository) async throws -> Int64 {
        let output = try await git.check(["show", "-s", "--format=%ct", commit, "--"])
        return Int64(output.firstLine) ?? 0
    }
}
