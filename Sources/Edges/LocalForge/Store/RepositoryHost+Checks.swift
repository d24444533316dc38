import Forge
import Git
import SlipwayModel

/// Check runs.
extension RepositoryHost {
    /// What a request says of a check run; all but name and commit can change.
    struct CheckRunRequest: Decodable, Sendable {
        var name: String?
        var headSHA: String?
        var status: String?
        var conclusion: String?
        var detailsURL: String?

        enum CodingKeys: String, CodingKey {
            case name, status, conclusion
            case headSHA = "head_sha"
            case detailsURL = "details_url"
        }

        private static let statuses = ["queued", "in_progress", "completed"]
        private static let conclusions = [
            "action_required", "cancelled", "failure", "neutral", "skipped", "success", "timed_out",
        ]

        /// Changes what is said, by GitHub's rules: a conclusion completes it, and nothing is completed without one.
        func apply(to run: inout CheckRun) throws {
            guard Self.statuses.contains(status ?? "queued") else {
                throw ForgeRefusal.invalid("CheckRun", "status", "status is queued, in_progress or completed")
            }
            guard Self.conclusions.contains(conclusion ?? "success") else {
                throw ForgeRefusal.invalid(
                    "CheckRun", "conclusion", "conclusion is one of \(Self.conclusions.joined(separator: ", "))")
            }
            run.detailsURL = detailsURL ?? run.detailsURL
            run.status = conclusion == nil ? status ?? run.status : "completed"
            let isCompleted = run.status == "completed"
            run.conclusion = isCompleted ? conclusion ?? run.conclusion : nil
            run.completedAt = isCompleted ? run.completedAt ?? .now() : nil
            guard !isCompleted || run.conclusion != nil else {
                throw ForgeRefusal.invalid("CheckRun", "conclusion", "what is completed has a conclusion")
            }
        }
    }

    func addCheckRun(_ request: CheckRunRequest, by login: String) async throws -> CheckRun {
        try await exclusively { host in
            let sha = request.headSHA ?? ""
            guard sha.count == 40, try await host.git.objectType(sha) == "commit" else {
                throw ForgeRefusal(status: 422, message: "No commit found for SHA: \(sha.prefix(100))")
            }
            guard let name = request.name, (1...255).contains(name.count) else {
                throw ForgeRefusal.invalid("CheckRun", "name", "a name has 1 to 255 characters")
            }
            var changed = host.state
            var run = CheckRun(id: changed.takeID(), name: name, headSHA: sha, status: "queued")
            run.startedAt = .now()
            try request.apply(to: &run)
            changed.add(run)
            let actions = run.status == "completed" ? ["created", "completed"] : ["created"]
            try host.commit(changed, actions.map { host.event($0, run, by: login) })
            return run
        }
    }

    func updateCheckRun(_ id: Int64, _ request: CheckRunRequest, by login: String) async throws -> CheckRun {
        try await exclusively { host in
            var changed = host.state
            for (sha, runs) in changed.checkRuns ?? [:] {
                guard let index = runs.firstIndex(where: { $0.id == id }) else { continue }
                var run = runs[index]
                try request.apply(to: &run)
                changed.checkRuns?[sha]?[index] = run
                let isEnd = run.status == "completed" && runs[index].status != "completed"
                try host.commit(changed, isEnd ? [host.event("completed", run, by: login)] : [])
                return run
            }
            throw ForgeRefusal.notFound
        }
    }

    private func event(_ action: String, _ run: CheckRun, by login: String) -> Cause {
        Cause("check_run", action) {
            CheckRunEvent(action: action, checkRun: run, repository: $0.repository(), sender: $0.account(login))
        }
    }
}
