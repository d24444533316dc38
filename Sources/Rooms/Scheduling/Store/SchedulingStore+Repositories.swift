import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

extension SchedulingStore {
    static let repositoryStatements = [noteBranch, forgetBranchJobs, insertBranchJobs]

    /// Notes what is at a branch's head; answers whether that is something else than before. Of pushes, which overtake each
    /// other, only the one that follows on what is known counts.
    static let noteBranch = Statement(
        "scheduling.note_branch",
        """
        with known as (
            select hash, config_version
              from scheduling.repository_branches
             where org = $1 and repo = $2 and branch = $3 and ($8::text is null or commit = $8)
               for no key update
        ), stored as (
            insert into scheduling.repository_branches as branch
                   (org, repo, branch, commit, config_version, hash, problems)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (org, repo, branch) do update
               set commit = excluded.commit, config_version = excluded.config_version, hash = excluded.hash,
                   problems = excluded.problems, read_at = now()
             where $8::text is null or branch.commit = $8
            returning branch.hash
        )
        select exists (select from stored) and not exists (select from known where hash = $6)
        """)

    static let forgetBranchJobs = Statement(
        "scheduling.forget_branch_jobs",
        "delete from scheduling.repository_jobs where org = $1 and repo = $2 and branch = $3")

    static let insertBranchJobs = Statement(
        "scheduling.insert_branch_jobs",
        """
        insert into scheduling.repository_jobs (org, repo, branch, name, kind, hash, source, definition)
        select $1, $2, $3, name, kind, hash, source, definition
          from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
               as job (name, kind, hash, source, definition)
        """)
}

/// What a repository's own files say at the head of a branch.
struct BranchJobs: Sendable {
    var repository: RepositoryName
    var branch: String
    var jobs: RepositoryJobs
    /// The head that a push replaced; nil where the forge was asked for the head.
    var previous: String?
}

extension Transaction {
    func note(_ branches: [BranchJobs]) async throws {
        // In one order, so that no two transactions wait for each other.
        for branch in branches.sorted(by: {
            ($0.repository.description, $0.branch) < ($1.repository.description, $1.branch)
        }) {
            let (org, repo, jobs) = (branch.repository.org, branch.repository.repo, branch.jobs)
            guard !jobs.commit.isEmpty else { continue }
            let isChanged = try await execute(
                SchedulingStore.noteBranch, org, repo, branch.branch, jobs.commit, jobs.version, jobs.hash,
                jobs.problems.prefix(100).map(\.description), branch.previous
            ).one().decode(Bool.self)
            guard isChanged else { continue }
            let bound = jobs.jobs(against: branch.branch)
            try await execute(SchedulingStore.forgetBranchJobs, org, repo, branch.branch)
            try await execute(
                SchedulingStore.insertBranchJobs, org, repo, branch.branch, bound.map(\.job.name),
                bound.map(\.job.kind.rawValue), bound.map(\.hash), bound.map(\.job.source), bound.map(JSON.init))
        }
    }
}
