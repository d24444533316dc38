import Fleet
import Forge
import FoundationEssentials
import Git
import JobConfig
import Postgres
import SlipwayModel

/// Asks the forge what decisions need to know, outside of transactions.
struct FactGatherer: Sendable {
    let forge: ForgeClient
    let people: People
    let owners: OwnersReader
    let mirrors: GitMirrors
    let database: PostgresPool
    /// What Merging says keeps a pull request from being merged.
    let mergeObstacles: @Sendable (RepositoryName, Int) async throws -> [MergeObstacle]

    /// Answers all questions, several at once.
    ///
    /// - Throws: `RetryLater` while the forge cannot be asked: nothing is decided on half an answer.
    func gather(_ questions: Set<Question>, about context: PullContext, into facts: inout PullFacts) async throws {
        let open = questions.subtracting(facts.asked)
        guard !open.isEmpty else { return }
        do {
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for question in open where question != .owners && question != .generatedFiles {
                    group.addTask { try await answer(question, context) }
                }
                for try await answer in group { answer.note(in: &facts) }
            }
            let needsFiles = open.contains(.owners) || open.contains(.generatedFiles)
            if needsFiles, facts.changedFiles == nil {
                facts.changedFiles = try await forge.pullFiles(context.pull.repository, context.pull.number)
                facts.asked.insert(.changedFiles)
            }
            if open.contains(.generatedFiles) {
                facts.generatedFiles = try await GeneratedFiles.read(
                    context.pull, among: (facts.changedFiles ?? []).map(\.filename), mirrors)
            }
            if open.contains(.owners) {
                facts.owners = try await owners.facts(of: context, changedFiles: facts.changedFiles ?? [])
            }
        } catch let error as ForgeError {
            throw RetryLater("\(error)", after: .seconds(10))
        }
        facts.asked.formUnion(open)
    }

    /// An answer on its way into the facts.
    private enum Answer: Sendable {
        case yes(Question, Bool)
        case permission(String, String)
        case repositoryLabels([String])
        case labels(Int, [String])
        case milestones([String])
        case changedFiles([ChangedFile])
        case commits([RepositoryCommit])
        case statuses([CommitStatus])
        case branch(String, String?)
        case checkRuns([CheckRun], mayWrite: Bool)
        case requiredContexts([String])
        case overrides(StandingOverrides)
        case earlier([ApprovalRemark]?)
        case runs([PullRun])
        case obstacles([MergeObstacle])
        case refused(Question, String)
        case none

        func note(in facts: inout PullFacts) {
            switch self {
            case .yes(.trusted(let login), let yes): facts.trusted[login.lowercased()] = yes
            case .yes(.member(let login), let yes): facts.members[login.lowercased()] = yes
            case .yes(.collaborator(let login), let yes): facts.collaborators[login.lowercased()] = yes
            case .yes(.assignable(let login), let yes): facts.assignable[login.lowercased()] = yes
            case .yes(let question, let yes): facts.teams[question] = yes
            case .permission(let login, let permission): facts.permissions[login.lowercased()] = permission
            case .repositoryLabels(let names): facts.repositoryLabels = names
            case .labels(let number, let names): facts.labelsOfOthers[number] = names
            case .milestones(let titles): facts.milestones = titles
            case .changedFiles(let files): facts.changedFiles = files
            case .commits(let commits): facts.commits = commits
            case .statuses(let statuses): facts.statuses = statuses
            case .branch(let name, let head): facts.branches[name] = head
            case .checkRuns(let runs, let mayWrite): (facts.checkRuns, facts.writesChecks) = (runs, mayWrite)
            case .requiredContexts(let contexts): facts.requiredContexts = contexts
            case .overrides(let standing):
                (facts.overrides, facts.overriddenChecks) = (standing.contexts, standing.checks)
            case .runs(let runs): facts.runs = runs
            case .obstacles(let obstacles): facts.obstacles = obstacles
            case .refused(let question, let reason): facts.refusals[question] = reason
            case .earlier(let remarks): facts.earlier = remarks
            case .none: break
            }
        }
    }

    private func answer(_ question: Question, _ context: PullContext) async throws -> Answer {
        do {
            return try await ask(question, context)
        } catch let error as ForgeError where error.isPermanent || error.status == 403 {
            return .refused(question, "\(error)")
        }
    }

    private func ask(_ question: Question, _ context: PullContext) async throws -> Answer {
        let repository = context.pull.repository
        switch question {
        case .trusted(let login):
            return .yes(question, try await people.isTrusted(login, in: repository, context.settings.trigger))
        case .member(let login): return .yes(question, try await people.isMember(login, of: repository.org))
        case .collaborator(let login): return .yes(question, try await people.isCollaborator(login, of: repository))
        case .needsNoSignOff(let login):
            guard let rule = context.settings.signOff.trust else { return .yes(question, false) }
            return .yes(question, try await people.isTrusted(login, in: repository, rule))
        case .permission(let login):
            return .permission(login, try await people.permission(login, of: repository))
        case .teamMember(let org, let team, let login):
            return .yes(question, try await people.isTeamMember(login, of: org, team: team))
        case .assignable(let login):
            return .yes(question, try await forge.isAssignable(repository, context.pull.number, login))
        case .repositoryLabels: return .repositoryLabels(try await forge.labels(of: repository).map(\.name))
        case .labels(let number): return .labels(number, try await forge.labels(repository, number).map(\.name))
        case .milestones: return .milestones(try await forge.milestones(of: repository).map(\.title))
        case .changedFiles: return .changedFiles(try await forge.pullFiles(repository, context.pull.number))
        case .commits: return .commits(try await forge.pullCommits(repository, context.pull.number))
        case .statuses:
            return .statuses(try await forge.combinedStatus(repository, ref: context.pull.headSHA).statuses)
        case .checkRuns:
            return .checkRuns(
                try await forge.checkRuns(repository, ref: context.pull.headSHA) ?? [], mayWrite: forge.isApp)
        case .requiredContexts(let branch):
            return .requiredContexts(try await forge.requiredContexts(repository, branch))
        case .branch(let name):
            guard GitName.isRef(name) else { return .branch(name, nil) }
            return .branch(name, try await forge.branchHead(repository, name))
        case .overrides: return .overrides(try await database.overrides(of: context.pull.key))
        case .runs: return .runs(try await database.runs(on: context.pull))
        case .obstacles: return .obstacles(try await mergeObstacles(repository, context.pull.number))
        case .earlier: return .earlier(try await EarlierRemarks.read(context.pull, bot: context.bot, forge, database))
        case .history, .owners, .generatedFiles: return .none
        }
    }
}
