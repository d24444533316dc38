import Forge
import SlipwayModel

/// Assignees, reviewers, milestones and reviews.
extension RepositoryHost {
    /// Whether somebody can be asked for a review: a member of the organisation, or a collaborator.
    func knows(_ login: String) -> Bool {
        site.accounts.snapshot.role(name.org, login) != nil || state.collaborators[login] != nil
    }

    /// Whether somebody can be assigned to a pull request: the same, and whoever wrote there.
    func canAssign(_ login: String, to number: Int) -> Bool {
        guard let pull = state.pulls[number] else { return false }
        return knows(login) || pull.author == login
            || state.comments.contains { $0.number == number && $0.author == login }
    }

    /// Assigns and takes off; like GitHub it leaves out whoever cannot be assigned.
    func assign(_ number: Int, add: [String], remove: [String], by login: String) async throws -> Issue {
        let able = add.filter { canAssign($0, to: number) }
        return try await change(number, by: login) { pull in
            var assignees = pull.assignees ?? []
            var causes: [String] = []
            for name in able where !assignees.contains(name) {
                assignees.append(name)
                causes.append("assigned")
            }
            for name in remove where assignees.contains(name) {
                assignees.removeAll { $0 == name }
                causes.append("unassigned")
            }
            pull.assignees = assignees
            return causes
        }
    }

    /// Asks for reviews, or no more; whoever cannot review is a refusal, as at GitHub.
    func requestReviews(_ number: Int, add: [String], remove: [String], by login: String) async throws -> Issue {
        if let stranger = add.first(where: { !knows($0) }) {
            throw ForgeRefusal.invalid(
                "PullRequest", "reviewers", "Reviews may only be requested from collaborators; \(stranger) is none.")
        }
        return try await change(number, by: login) { pull in
            guard !add.contains(pull.author) else {
                throw ForgeRefusal.invalid(
                    "PullRequest", "reviewers", "Review cannot be requested from pull request author.")
            }
            var reviewers = pull.requestedReviewers ?? []
            var causes: [String] = []
            for name in add where !reviewers.contains(name) {
                reviewers.append(name)
                causes.append("review_requested")
            }
            for name in remove where reviewers.contains(name) {
                reviewers.removeAll { $0 == name }
                causes.append("review_request_removed")
            }
            pull.requestedReviewers = reviewers
            return causes
        }
    }

    /// - Parameter milestone: its number; nil takes it away.
    func setMilestone(_ number: Int, to milestone: Int?, by login: String) async throws -> Issue {
        if let milestone, state.milestones?[milestone] == nil {
            throw ForgeRefusal.invalid("Issue", "milestone", "there is no milestone \(milestone)")
        }
        return try await change(number, by: login) { pull in
            guard pull.milestone != milestone else { return [] }
            pull.milestone = milestone
            return [milestone == nil ? "demilestoned" : "milestoned"]
        }
    }

    func createMilestone(_ title: String) async throws -> Milestone {
        try await exclusively { host in
            var changed = host.state
            var milestones = changed.milestones ?? [:]
            let number = (milestones.keys.max() ?? 0) + 1
            milestones[number] = title
            changed.milestones = milestones
            try host.commit(changed)
            return Milestone(number: number, title: title)
        }
    }

    /// How a label looks from now on.
    func updateLabel(_ name: String, color: String?, description: String?) async throws -> Label {
        try await exclusively { host in
            guard var label = host.state.labels[name] else { throw ForgeRefusal.notFound }
            label.color = color ?? label.color
            label.description = description ?? label.description
            var changed = host.state
            changed.labels[name] = label
            try host.commit(changed)
            return label
        }
    }

    /// - Parameter event: APPROVE, REQUEST_CHANGES or COMMENT.
    func addReview(_ number: Int, event: String, body: String, by login: String) async throws -> Review {
        let states = ["APPROVE": "approved", "REQUEST_CHANGES": "changes_requested", "COMMENT": "commented"]
        return try await exclusively { host in
            guard var pull = host.state.pulls[number] else { throw ForgeRefusal.notFound }
            guard let found = states[event] else {
                throw ForgeRefusal.invalid("Review", "event", "event is APPROVE, REQUEST_CHANGES or COMMENT")
            }
            guard found == "commented" || login != pull.author else {
                throw ForgeRefusal.invalid("Review", "event", "Can not \(event.lowercased()) your own pull request")
            }
            var changed = host.state
            let review = RepositoryState.Review(
                id: changed.takeID(), author: login, body: body, state: found, sha: pull.headSHA, submittedAt: .now())
            pull.reviews = (pull.reviews ?? []) + [review]
            pull.updatedAt = .now()
            changed.pulls[number] = pull
            let record = pull
            try host.commit(
                changed,
                [
                    Cause("pull_request_review", "submitted") {
                        PullRequestReviewEvent(
                            action: "submitted", review: $0.review(review, on: record), pullRequest: $0.pull(record),
                            repository: $0.repository(), sender: $0.account(login))
                    }
                ])
            return host.presenter.review(review, on: record)
        }
    }

    /// Changes a pull request; an event for each action that `body` names.
    private func change(
        _ number: Int, by login: String, _ body: @Sendable (inout RepositoryState.Pull) throws -> [String]
    ) async throws -> Issue {
        try await exclusively { host in
            guard var pull = host.state.pulls[number] else { throw ForgeRefusal.notFound }
            let actions = try body(&pull)
            if !actions.isEmpty {
                pull.updatedAt = .now()
                var changed = host.state
                changed.pulls[number] = pull
                try host.commit(changed, actions.map { host.event($0, pull, by: login) })
            }
            return host.presenter.issue(pull)
        }
    }
}
