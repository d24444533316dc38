import SlipwayModel

/// Prow's section `tide`.
extension FieldReader {
    mutating func tide(_ section: YAMLEntry, into settings: inout TideSettings) {
        for entry in mapping(section) ?? [] {
            switch entry.key {
            case "queries": settings.queries = list(entry).compactMap { tideQuery($0) }
            case "merge_method": settings.mergeMethods = mergeMethods(entry)
            case "merge_commit_template":
                for member in mapping(entry) ?? [] {
                    guard isOwner(member, in: entry.key) else { continue }
                    settings.mergeTemplates[member.key] = mergeTemplate(member)
                }
            case "context_options": settings.contextOptions = contextOptions(entry, depth: 0)
            case "blocker_label": settings.blockerLabel = label(entry)
            case "squash_label": settings.squashLabel = label(entry)
            case "rebase_label": settings.rebaseLabel = label(entry)
            case "merge_label": settings.mergeLabel = label(entry)
            case "priority": settings.priorities = list(entry).compactMap { priority($0) }
            case "batch_size_limit": settings.batchSizeLimits = byOwner(entry) { $0.batchSizeLimit($1) }
            case "prioritize_existing_batches":
                settings.prioritizeExistingBatches = byOwner(entry) { $0.bool($1) }
            case "github_merge_blocks_policy": settings.mergeBlocksPolicies = byOwner(entry) { $0.blocksPolicy($1) }
            case "target_urls": settings.targetURLs = byOwner(entry) { $0.address($1) }
            case "pr_status_base_urls": settings.statusBaseURLs = byOwner(entry) { $0.address($1) }
            case "target_url": singleAddress(entry, section, other: "target_urls", &settings.targetURLs)
            case "pr_status_base_url":
                singleAddress(entry, section, other: "pr_status_base_urls", &settings.statusBaseURLs)
            case "display_all_tide_queries_in_status": settings.showsAllQueries = bool(entry) ?? false
            default:
                if let consequence = Unserved.tideKeys[entry.key] {
                    warnUnserved(entry, consequence)
                } else {
                    warnUnknown(entry, in: section.key)
                }
            }
        }
        checkLabels(settings, section)
    }

    // MARK: Queries

    private mutating func tideQuery(_ node: YAMLNode) -> TideQuery? {
        guard case .mapping(let entries) = node.content else {
            refuse(
                node.line, "an entry of tide.queries is \(node.kind); write orgs or repos and what they have to meet")
            return nil
        }
        let before = errors.count
        var query = TideQuery()
        query.line = node.line
        var lines: [String: Int] = [:]
        for entry in entries {
            lines[entry.key] = entry.line
            switch entry.key {
            case "orgs": query.orgs = distinct(entry)
            case "repos": query.repos = distinct(entry)
            case "excludedRepos": query.excludedRepos = distinct(entry)
            case "labels": query.labels = distinct(entry)
            case "missingLabels": query.missingLabels = distinct(entry)
            case "includedBranches": query.includedBranches = distinct(entry)
            case "excludedBranches": query.excludedBranches = distinct(entry)
            case "author": query.author = text(entry).flatMap { $0.isEmpty ? nil : $0 }
            case "milestone": query.milestone = text(entry).flatMap { $0.isEmpty ? nil : $0 }
            case "reviewApprovedRequired": query.reviewApprovedRequired = bool(entry) ?? false
            default: warnUnknown(entry, in: "a query of tide")
            }
        }
        check(query, lines)
        return errors.count == before ? query : nil
    }

    /// Prow's `TideQuery.Validate`.
    private mutating func check(_ query: TideQuery, _ lines: [String: Int]) {
        let line = { (key: String) in lines[key] ?? query.line }
        for org in query.orgs where org.isEmpty || org.contains("/") {
            refuse(line("orgs"), "orgs of a query names '\(org.prefix(80))'; write an organisation without a slash")
        }
        for repo in query.repos {
            guard let name = RepositoryName(repo) else {
                refuse(line("repos"), "repos of a query names '\(repo.prefix(80))'; write ORG/REPO")
                continue
            }
            if query.orgs.contains(name.org) {
                refuse(
                    line("repos"),
                    "the query has \(repo) already by its organisation \(name.org); remove it from repos")
            }
        }
        for repo in query.excludedRepos {
            guard let name = RepositoryName(repo) else {
                refuse(line("excludedRepos"), "excludedRepos of a query names '\(repo.prefix(80))'; write ORG/REPO")
                continue
            }
            if !query.orgs.contains(name.org) {
                refuse(
                    line("excludedRepos"),
                    "excludedRepos names \(repo), but the query does not have \(name.org) among its orgs; remove it")
            }
        }
        if query.orgs.isEmpty, query.repos.isEmpty {
            refuse(query.line, "a query of tide has neither orgs nor repos, so it finds nothing; add one of them")
        }
        let both = Set(query.labels).intersection(query.missingLabels).sorted()
        if !both.isEmpty {
            refuse(
                line("missingLabels"),
                "a query requires and forbids the label '\(both[0])', so nothing can meet it; remove one of the two")
        }
        if !query.includedBranches.isEmpty, !query.excludedBranches.isEmpty {
            refuse(
                line("excludedBranches"),
                "a query has includedBranches and excludedBranches; keep one, what is not included is excluded")
        }
    }

    private mutating func distinct(_ entry: YAMLEntry) -> [String] {
        let values = texts(entry)
        var seen: Set<String> = []
        if let twice = values.first(where: { !seen.insert($0).inserted }) {
            refuse(entry.line, "\(entry.key) names '\(twice.prefix(80))' twice; remove one of the two")
        }
        return values
    }

    // MARK: Values by organisation or repository

    private mutating func byOwner<Value>(
        _ section: YAMLEntry, _ read: (inout FieldReader, YAMLEntry) -> Value?
    ) -> [String: Value] {
        var result: [String: Value] = [:]
        for member in mapping(section) ?? [] where isOwner(member, in: section.key, orAll: true) {
            result[member.key] = read(&self, member)
        }
        return result
    }

    private mutating func isOwner(_ member: YAMLEntry, in section: String, orAll: Bool = false) -> Bool {
        if orAll, member.key == "*" { return true }
        if RepositoryName.isValid(member.key) || RepositoryName(member.key) != nil { return true }
        refuse(
            member.line,
            "\(section) has an entry for '\(member.key.prefix(80))'; write an organisation or ORG/REPO"
                + (orAll ? ", or '*' for everything" : ""))
        return false
    }

    private mutating func batchSizeLimit(_ entry: YAMLEntry) -> Int? {
        guard let limit = integer(entry) else { return nil }
        guard limit >= -1 else {
            refuse(
                entry.value.line,
                "the batch_size_limit of \(entry.key) is \(limit); write a number of pull requests, 0 for any, -1 for none"
            )
            return nil
        }
        return limit
    }

    private mutating func blocksPolicy(_ entry: YAMLEntry) -> TideSettings.MergeBlocksPolicy? {
        guard let name = text(entry) else { return nil }
        guard let policy = TideSettings.MergeBlocksPolicy(rawValue: name) else {
            refuse(
                entry.value.line,
                "the github_merge_blocks_policy of \(entry.key) is '\(name.prefix(40))'; write ignore, permit or block")
            return nil
        }
        return policy
    }

    private mutating func address(_ entry: YAMLEntry) -> String? {
        guard let text = text(entry), !text.isEmpty else { return nil }
        guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
            refuse(entry.value.line, "\(entry.key) leads to '\(text.prefix(80))'; write a URL with http:// or https://")
            return nil
        }
        return text
    }

    private mutating func singleAddress(
        _ entry: YAMLEntry, _ section: YAMLEntry, other: String, _ addresses: inout [String: String]
    ) {
        if case .mapping(let entries) = section.value.content, entries.contains(where: { $0.key == other }) {
            refuse(entry.line, "\(entry.key) and \(other) are both set; keep \(other), with '*' for everything")
        } else if let address = address(entry) {
            addresses["*"] = address
        }
    }

    // MARK: Labels

    private mutating func label(_ entry: YAMLEntry) -> String? {
        text(entry).flatMap { $0.isEmpty ? nil : $0 }
    }

    private mutating func priority(_ node: YAMLNode) -> [String]? {
        guard case .mapping(let entries) = node.content else {
            refuse(node.line, "an entry of priority is \(node.kind); write labels and a list of them")
            return nil
        }
        var labels: [String] = []
        for entry in entries {
            if entry.key == "labels" { labels = texts(entry) } else { warnUnknown(entry, in: "priority") }
        }
        guard !labels.isEmpty else {
            refuse(node.line, "an entry of priority has no labels, so every pull request would go first; add one")
            return nil
        }
        return labels
    }

    private mutating func checkLabels(_ settings: TideSettings, _ section: YAMLEntry) {
        let labels = [settings.squashLabel, settings.rebaseLabel, settings.mergeLabel].compactMap(\.self)
        if Set(labels).count < labels.count {
            refuse(
                section.line,
                "squash_label, rebase_label and merge_label share a label, which would mean two methods; tell them apart"
            )
        }
    }
}
