package import Patterns
package import SlipwayModel

/// What becomes of a status context that stands on a pull request, or does not. Prow's `TideContextPolicy`.
package struct ContextPolicy: Sendable, Hashable, Codable {
    /// A context that nobody named blocks nothing.
    package var skipsUnknown: Bool?
    /// The protection of the branch names required contexts as well.
    package var fromBranchProtection: Bool?
    /// A context of ours that is pending is set to success when the pull request is merged with others.
    package var overwritesPending: Bool?
    package var required: Set<String> = []
    package var requiredIfPresent: Set<String> = []
    package var optional: Set<String> = []
    package var optionalPatterns: [Pattern] = []

    package init() {}

    /// The lists united; what the more particular policy says of the rest counts.
    func united(with particular: ContextPolicy) -> ContextPolicy {
        var policy = self
        policy.skipsUnknown = particular.skipsUnknown ?? skipsUnknown
        policy.fromBranchProtection = particular.fromBranchProtection ?? fromBranchProtection
        policy.overwritesPending = particular.overwritesPending ?? overwritesPending
        policy.required.formUnion(particular.required)
        policy.requiredIfPresent.formUnion(particular.requiredIfPresent)
        policy.optional.formUnion(particular.optional)
        policy.optionalPatterns += particular.optionalPatterns.filter { !optionalPatterns.contains($0) }
        return policy
    }

    /// Whether a context that stands on the pull request may fail. An unknown one may only where unknown ones are
    /// skipped.
    package func isOptional(_ context: String) -> Bool {
        if optional.contains(context) || optionalPatterns.contains(where: { $0.matches(context) }) { return true }
        if required.contains(context) || requiredIfPresent.contains(context) { return false }
        return skipsUnknown ?? false
    }

    /// Why no pull request could ever meet it; nil where one can.
    var contradiction: String? {
        for (one, other, words) in [
            (required, optional, "required and optional"),
            (required, requiredIfPresent, "required and required if present"),
            (optional, requiredIfPresent, "optional and required if present"),
        ] {
            let both = one.intersection(other).sorted()
            if !both.isEmpty { return "\(both.joined(separator: ", ")) is \(words)" }
        }
        for pattern in optionalPatterns {
            if let context = required.union(requiredIfPresent).sorted().first(where: { pattern.matches($0) }) {
                return "\(context) is required and matches the optional expression '\(pattern)'"
            }
        }
        return nil
    }
}

/// `tide.context_options`: a policy for everything, below it one for each organisation, repository and branch.
package struct ContextPolicyTree: Sendable, Hashable, Codable {
    package var policy = ContextPolicy()
    package var below: [String: ContextPolicyTree] = [:]

    package init() {}

    /// What is written down for a branch, from the general to the particular.
    package func policy(of repository: RepositoryName, branch: String) -> ContextPolicy {
        var node = self
        var result = policy
        for name in [repository.org, repository.repo, branch] {
            guard let next = node.below[name] else { break }
            result = result.united(with: next.policy)
            node = next
        }
        return result
    }
}

/// The part of `branch-protection` that says which contexts a branch requires, and below it the same of each
/// organisation, repository and branch.
package struct ProtectionTree: Sendable, Hashable, Codable {
    package var protects: Bool?
    /// Jobs that only a comment starts are required too.
    package var requiresManualJobs: Bool?
    package var contexts: Set<String> = []
    package var below: [String: ProtectionTree] = [:]

    package init() {}

    /// What is written down for a branch; its own words count more, the contexts are united. Nil for an organisation that
    /// is not named: what stands above them all is for those that are.
    package func protection(of repository: RepositoryName, branch: String) -> ProtectionTree? {
        guard below[repository.org] != nil else { return nil }
        var node = self
        var result = self
        result.below = [:]
        for name in [repository.org, repository.repo, branch] {
            guard let next = node.below[name] else { break }
            result.protects = next.protects ?? result.protects
            result.requiresManualJobs = next.requiresManualJobs ?? result.requiresManualJobs
            result.contexts.formUnion(next.contexts)
            node = next
        }
        return result
    }
}

extension TideSettings {
    /// The policy for a branch: what is written down, what its protection asks for, and what follows from its jobs
    /// (pkg/config, `GetTideContextPolicy` and `BranchRequirements`).
    ///
    /// - Parameter presubmits: of the repository.
    package func contextPolicy(
        of repository: RepositoryName, branch: String, presubmits: [ConfiguredJob]
    ) -> ContextPolicy {
        var policy = contextOptions.policy(of: repository, branch: branch)
        var requiresManualJobs = false
        let jobs = presubmits.filter { $0.runsAgainst(branch: branch) }
        if policy.fromBranchProtection == true,
            let protection = protection.protection(of: repository, branch: branch), protection.protects != false
        {
            requiresManualJobs = protection.requiresManualJobs ?? false
            let isProtected = protectsTested && jobs.contains { $0.job.isRequired && $0.alwaysRun }
            if protection.protects ?? isProtected { policy.required.formUnion(protection.contexts) }
        }
        for job in jobs {
            let context = job.job.context ?? job.job.name
            let isManual = !job.alwaysRun && job.runIfChanged == nil && job.skipIfOnlyChanged == nil
            if !job.job.isRequired {
                policy.optional.insert(context)
            } else if job.alwaysRun || isManual && requiresManualJobs {
                policy.required.insert(context)
            } else {
                policy.requiredIfPresent.insert(context)
            }
        }
        return policy
    }
}
