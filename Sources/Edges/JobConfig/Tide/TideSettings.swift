package import SlipwayModel

/// The section `tide` of Prow's `config.yaml`: which pull requests are merged, when, and how (pkg/config/tide.go).
package struct TideSettings: Sendable, Hashable {
    /// What is done where the forge itself says that a merge is blocked: `github_merge_blocks_policy`.
    package enum MergeBlocksPolicy: String, Sendable, Hashable, Codable, CaseIterable {
        /// The forge's word is not asked for.
        case ignore
        /// The pull request stays in its pool, and the forge's refusal counts when it is merged. Prow's default.
        case permit
        /// The pull request is kept out of its pool.
        case block
    }

    /// Any of them suffices.
    package var queries: [TideQuery] = []
    package var mergeMethods = TideMergeMethods()
    /// `merge_commit_template`, by organisation or repository.
    package var mergeTemplates: [String: TideMergeTemplate] = [:]
    package var contextOptions = ContextPolicyTree()
    /// The part of the section `branch-protection` that `from-branch-protection` reads.
    package var protection = ProtectionTree()
    /// `protect-tested-repos` of the same.
    package var protectsTested = false
    /// An open issue that carries it stops its repository's pools, or only the branches that its title names.
    package var blockerLabel: String?
    /// Labels of a pull request that say how it alone is merged.
    package var squashLabel: String?
    package var rebaseLabel: String?
    package var mergeLabel: String?
    /// Sets of labels, the most urgent first: a pull request that carries a whole set goes before those of later sets.
    package var priorities: [[String]] = []
    /// Pull requests tested together at most, by `*`, organisation or repository: 0 = any number, -1 = each alone.
    package var batchSizeLimits: [String: Int] = [:]
    /// Whether pull requests that came later wait for the tests under way, by `*`, organisation or repository.
    package var prioritizeExistingBatches: [String: Bool] = [:]
    package var mergeBlocksPolicies: [String: MergeBlocksPolicy] = [:]
    /// Where the status of the merger leads, by `*`, organisation or repository.
    package var targetURLs: [String: String] = [:]
    /// The same, with a query for the pull request added.
    package var statusBaseURLs: [String: String] = [:]
    /// `display_all_tide_queries_in_status`: the status names what each query misses, not only the nearest one's.
    package var showsAllQueries = false

    package init() {}
}

extension TideSettings {
    /// The entry of a map by `*`, organisation and repository that is the most particular one.
    private func particular<Value>(_ entries: [String: Value], _ repository: RepositoryName) -> Value? {
        entries[repository.description] ?? entries[repository.org] ?? entries["*"]
    }

    /// The queries that can take pull requests of a repository.
    package func queries(of repository: RepositoryName) -> [TideQuery] {
        queries.filter { $0.covers(repository) }
    }

    /// 0 = any number, -1 = each pull request alone.
    package func batchSizeLimit(of repository: RepositoryName) -> Int {
        max(-1, particular(batchSizeLimits, repository) ?? 0)
    }

    package func prioritizesExistingBatches(in repository: RepositoryName) -> Bool {
        particular(prioritizeExistingBatches, repository) ?? true
    }

    package func mergeBlocksPolicy(of repository: RepositoryName) -> MergeBlocksPolicy {
        particular(mergeBlocksPolicies, repository) ?? .permit
    }

    /// Where the status leads that is written on a pull request; nil where the configuration names no place.
    package func statusURL(_ repository: RepositoryName, author: String, head: String) -> String? {
        if let url = particular(targetURLs, repository), !url.isEmpty { return url }
        guard let base = particular(statusBaseURLs, repository), !base.isEmpty else { return nil }
        let query = PercentQuery.escape("is:pr repo:\(repository) author:\(author) head:\(head)")
        return base + (base.contains("?") ? "&" : "?") + "query=" + query
    }

    /// The template of a repository's merge commits: its own, else its organisation's.
    package func mergeTemplate(of repository: RepositoryName) -> TideMergeTemplate? {
        mergeTemplates[repository.description] ?? mergeTemplates[repository.org]
    }

    /// The first set of `priority` that a pull request with these labels carries whole; the number of sets where none.
    package func priority(of labels: Set<String>) -> Int {
        priorities.firstIndex { labels.isSuperset(of: $0) } ?? priorities.count
    }
}

extension TideSettings: Codable {
    enum CodingKeys: String, CodingKey {
        case queries, protection, priorities
        case mergeMethods = "merge_methods"
        case mergeTemplates = "merge_templates"
        case contextOptions = "context_options"
        case protectsTested = "protects_tested"
        case blockerLabel = "blocker_label"
        case squashLabel = "squash_label"
        case rebaseLabel = "rebase_label"
        case mergeLabel = "merge_label"
        case batchSizeLimits = "batch_size_limits"
        case prioritizeExistingBatches = "prioritize_existing_batches"
        case mergeBlocksPolicies = "merge_blocks_policies"
        case targetURLs = "target_urls"
        case statusBaseURLs = "status_base_urls"
        case showsAllQueries = "shows_all_queries"
    }

    /// Tolerant of what an older version did not write.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys, _ fallback: Value) throws -> Value {
            try container.decodeIfPresent(Value.self, forKey: key) ?? fallback
        }
        queries = try value(.queries, [])
        mergeMethods = try value(.mergeMethods, TideMergeMethods())
        mergeTemplates = try value(.mergeTemplates, [:])
        contextOptions = try value(.contextOptions, ContextPolicyTree())
        protection = try value(.protection, ProtectionTree())
        protectsTested = try value(.protectsTested, false)
        blockerLabel = try value(.blockerLabel, nil)
        squashLabel = try value(.squashLabel, nil)
        rebaseLabel = try value(.rebaseLabel, nil)
        mergeLabel = try value(.mergeLabel, nil)
        priorities = try value(.priorities, [])
        batchSizeLimits = try value(.batchSizeLimits, [:])
        prioritizeExistingBatches = try value(.prioritizeExistingBatches, [:])
        mergeBlocksPolicies = try value(.mergeBlocksPolicies, [:])
        targetURLs = try value(.targetURLs, [:])
        statusBaseURLs = try value(.statusBaseURLs, [:])
        showsAllQueries = try value(.showsAllQueries, false)
    }
}

/// Percent-encoding of a query's value as Go's `url.Values` does it.
private enum PercentQuery {
    static func escape(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " "): result += "+"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
