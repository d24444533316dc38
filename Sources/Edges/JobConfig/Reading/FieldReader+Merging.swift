import Patterns
import SlipwayModel

/// How pull requests are merged, and which contexts they need: the nested parts of `tide`, and of `branch-protection`
/// what `tide` reads.
extension FieldReader {
    // MARK: Methods

    /// A map by organisation, `org/repo` or `org/repo@branch`; an organisation may hold a map by repository, which may
    /// hold one by expressions over the branch.
    mutating func mergeMethods(_ section: YAMLEntry) -> TideMergeMethods {
        var methods = TideMergeMethods()
        for entry in mapping(section) ?? [] {
            if case .mapping(let repositories) = entry.value.content {
                guard RepositoryName.isValid(entry.key) else {
                    refuse(
                        entry.line,
                        "merge_method has a map below '\(entry.key.prefix(80))'; only an organisation may have one")
                    continue
                }
                for repository in repositories { nestedMethod(repository, in: entry.key, &methods) }
                continue
            }
            let parts = entry.key.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            guard
                RepositoryName(parts[0]) != nil || parts.count == 1 && RepositoryName.isValid(entry.key),
                parts.count == 1 || !parts[1].isEmpty
            else {
                refuse(
                    entry.line,
                    "merge_method has an entry for '\(entry.key.prefix(80))'; write ORG, ORG/REPO or ORG/REPO@BRANCH")
                continue
            }
            methods.plain[entry.key] = mergeMethod(entry)
        }
        return methods
    }

    private mutating func nestedMethod(_ entry: YAMLEntry, in org: String, _ methods: inout TideMergeMethods) {
        guard entry.key == "*" || RepositoryName.isValid(entry.key) else {
            return refuse(
                entry.line,
                "merge_method of \(org) has an entry for '\(entry.key.prefix(80))'; write a repository's name or '*'")
        }
        let key = "\(org)/\(entry.key)"
        guard case .mapping(let branches) = entry.value.content else {
            methods.nested[key] = mergeMethod(entry)
            return
        }
        var found: [TideBranchMethod] = []
        for branch in branches {
            guard let method = mergeMethod(branch) else { continue }
            do throws(PatternError) {
                found.append(TideBranchMethod(branch: try Pattern(branch.key), method: method))
            } catch {
                refuse(branch.line, "the branch \(error)")
            }
        }
        methods.branches[key] = found.sorted { $0.branch.expression < $1.branch.expression }
    }

    private mutating func mergeMethod(_ entry: YAMLEntry) -> MergeMethod? {
        guard let name = text(entry) else { return nil }
        guard let method = MergeMethod(rawValue: name) else {
            refuse(
                entry.value.line,
                "the merge_method of \(entry.key.prefix(80)) is '\(name.prefix(40))'; write merge, squash or rebase")
            return nil
        }
        return method
    }

    mutating func mergeTemplate(_ section: YAMLEntry) -> TideMergeTemplate? {
        var template = TideMergeTemplate()
        for entry in mapping(section) ?? [] {
            switch entry.key {
            case "title": template.title = text(entry).flatMap { $0.isEmpty ? nil : $0 }
            case "body": template.body = text(entry).flatMap { $0.isEmpty ? nil : $0 }
            default: warnUnknown(entry, in: "merge_commit_template")
            }
            do throws(GoTemplateError) {
                _ = try template.render(TideMergeTemplate.specimen)
            } catch {
                refuse(entry.value.line, "the \(entry.key) of merge_commit_template '\(section.key)' \(error)")
                return nil
            }
        }
        return template
    }

    // MARK: Contexts

    /// - Parameter depth: 0 for everything, then organisations, repositories and branches.
    mutating func contextOptions(_ section: YAMLEntry, depth: Int) -> ContextPolicyTree {
        var tree = ContextPolicyTree()
        for entry in mapping(section) ?? [] {
            switch entry.key {
            case "skip-unknown-contexts": tree.policy.skipsUnknown = bool(entry)
            case "from-branch-protection": tree.policy.fromBranchProtection = bool(entry)
            case "overwrite-pending-contexts": tree.policy.overwritesPending = bool(entry)
            case "required-contexts": tree.policy.required = Set(texts(entry))
            case "required-if-present-contexts": tree.policy.requiredIfPresent = Set(texts(entry))
            case "optional-contexts": tree.policy.optional = Set(texts(entry))
            case "optional-regex-contexts":
                for text in texts(entry) {
                    do throws(PatternError) {
                        tree.policy.optionalPatterns.append(try Pattern(text))
                    } catch {
                        refuse(entry.value.line, "optional-regex-contexts: \(error)")
                    }
                }
            case Self.levels[depth]:
                for member in mapping(entry) ?? [] {
                    tree.below[member.key] = contextOptions(member, depth: depth + 1)
                }
            default: warnUnknown(entry, in: "context_options")
            }
        }
        if let contradiction = tree.policy.contradiction {
            refuse(section.line, "\(section.key): the context \(contradiction); keep it in one list")
        }
        return tree
    }

    /// What stands below each level of a policy.
    private static let levels = ["orgs", "repos", "branches", ""]

    // MARK: Protection

    /// Reads the contexts of `branch-protection`; its other keys protect branches at the forge, and are not ours.
    mutating func protection(_ section: YAMLEntry, depth: Int = 0) -> ProtectionTree {
        var tree = ProtectionTree()
        for entry in mapping(section) ?? [] {
            switch entry.key {
            case "protect": tree.protects = bool(entry)
            case "require_manually_triggered_jobs": tree.requiresManualJobs = bool(entry)
            case "required_status_checks":
                for member in mapping(entry) ?? [] where member.key == "contexts" {
                    tree.contexts = Set(texts(member))
                }
            case Self.levels[depth]:
                for member in mapping(entry) ?? [] {
                    tree.below[member.key] = protection(member, depth: depth + 1)
                }
            default: break
            }
        }
        return tree
    }
}
