import Patterns
import SlipwayModel

/// Reads Prow's `config.yaml`: what jobs depend on; every other section that Prow knows is named with what follows
/// from its absence here.
struct ProwSettingsReader {
    private var fields: FieldReader
    private var settings = ProwSettings()
    private var protection = ProtectionTree()
    private var protectsTested = false

    static func read(_ source: SourceFile) -> LoadedProwSettings {
        var reader = ProwSettingsReader(fields: FieldReader(file: source.path))
        var result = LoadedProwSettings(file: ConfiguredFile(path: source.path))
        guard let root = reader.fields.compose(source) else {
            result.errors = reader.fields.errors
            return result
        }
        guard case .mapping(let sections) = root.content else {
            result.errors = [
                ConfigProblem(
                    file: source.path, line: root.line,
                    message: "config.yaml is \(root.kind); write sections such as plank, presets and tide")
            ]
            return result
        }
        reader.settings.jobQueueCapacities = [:]
        reader.settings.podNamespace = "default"
        var jobs = root
        jobs.content = .mapping(sections.filter { JobFileReader.sections.contains($0.key) })
        for section in sections where !JobFileReader.sections.contains(section.key) { reader.read(section) }
        result.file = JobFileReader.read(root: jobs, path: source.path)
        result.settings = reader.settings
        (result.protection, result.protectsTested) = (reader.protection, reader.protectsTested)
        result.giveProtectionToTide()
        result.settings.presets = result.file.presets
        result.settings.decoratesAllJobs = result.file.decoratesAllJobs
        result.errors = reader.fields.errors
        result.warnings = reader.fields.warnings
        return result
    }

    private mutating func read(_ section: YAMLEntry) {
        if section.key == "plank" {
            let entries = fields.mapping(section) ?? []
            keepOne(of: "default_decoration_configs", "default_decoration_config_entries", in: entries)
            keepOne(of: "report_template", "report_templates", in: entries)
            for entry in entries { readPlank(entry) }
        } else if section.key == "deck" {
            let entries = fields.mapping(section) ?? []
            keepOne(of: "rerun_auth_configs", "default_rerun_auth_configs", in: entries)
            checkBuckets(entries)
            for entry in entries { readDeck(entry) }
        } else if section.key == "pod_namespace" {
            settings.podNamespace = fields.text(section) ?? "default"
        } else if section.key == "github_reporter" {
            readReporter(section)
        } else if section.key == "in_repo_config" {
            for entry in fields.mapping(section) ?? [] { readInRepository(entry) }
        } else if ["owners_dir_denylist", "owners_dir_exclude", "owners_dir_blacklist"].contains(section.key) {
            readIgnoredOwnersFolders(section)
        } else if section.key == "tide" {
            var tide = settings.version.tide ?? TideSettings()
            fields.tide(section, into: &tide)
            settings.version.tide = tide
        } else if section.key == "branch-protection" {
            readProtection(section)
        } else if let consequence = Unserved.sections[section.key] {
            fields.warnUnserved(section, consequence)
        } else {
            fields.warnUnknown(section, in: "config.yaml")
        }
    }

    /// Protection itself is set at the forge; which contexts it requires is read, for `from-branch-protection` of tide.
    private mutating func readProtection(_ section: YAMLEntry) {
        protection = fields.protection(section)
        if case .mapping(let entries) = section.value.content {
            for entry in entries where entry.key == "protect-tested-repos" {
                protectsTested = fields.bool(entry) ?? false
            }
        }
    }

    /// Prow's rule for buckets; Slipway's pages read one artifact store.
    private mutating func checkBuckets(_ entries: [YAMLEntry]) {
        guard let buckets = entries.first(where: { $0.key == "additional_allowed_buckets" && !$0.value.isEmpty }),
            !entries.contains(where: { $0.key == "skip_storage_path_validation" && fields.bool($0) == false })
        else { return }
        fields.refuse(buckets.line, "additional_allowed_buckets needs skip_storage_path_validation: false; add it")
    }

    private mutating func readReporter(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            if entry.key == "job_types_to_report" {
                for (kind, line) in fields.locatedTexts(entry) where !["presubmit", "postsubmit"].contains(kind) {
                    fields.refuse(line, "job_types_to_report names '\(kind.prefix(60))'; write presubmit or postsubmit")
                }
            } else {
                fields.warnUnserved(entry, "presubmits and postsubmits are reported, and comments are kept everywhere")
            }
        }
    }

    /// An older key and the one that took its place: Prow refuses both at once.
    private mutating func keepOne(of older: String, _ newer: String, in entries: [YAMLEntry]) {
        guard entries.contains(where: { $0.key == newer && !$0.value.isEmpty }),
            let second = entries.first(where: { $0.key == older && !$0.value.isEmpty })
        else { return }
        fields.refuse(second.line, "\(older) and \(newer) exclude each other; keep the second")
    }

    private mutating func readPlank(_ entry: YAMLEntry) {
        switch entry.key {
        case "default_decoration_config_entries":
            for item in fields.list(entry) { readDefault(item) }
        case "default_decoration_configs": readDefaults(entry)
        case "job_queue_capacities":
            var capacities: [String: Int] = [:]
            for member in fields.mapping(entry) ?? [] { capacities[member.key] = fields.integer(member) }
            settings.jobQueueCapacities = capacities
            settings.version.queueCapacities = capacities
        case "report_templates":
            for member in fields.mapping(entry) ?? [] { readReportTemplate(member, for: member.key) }
        // The older key, for every repository.
        case "report_template": readReportTemplate(entry, for: "*")
        case "max_concurrency": settings.version.maxConcurrency = fields.count(entry) ?? 0
        default:
            if let consequence = Unserved.plankKeys[entry.key] {
                fields.warnUnserved(entry, consequence)
            } else {
                fields.warnUnknown(entry, in: "plank")
            }
        }
    }

    private mutating func readReportTemplate(_ entry: YAMLEntry, for repository: String) {
        guard let text = fields.text(entry) else { return }
        do throws(GoTemplateError) {
            _ = try ReportTemplate(text)
            settings.version.reportTemplates[repository] = text
        } catch {
            fields.refuse(entry.value.line, "the report template '\(repository.prefix(60))' \(error)")
        }
    }

    private mutating func readIgnoredOwnersFolders(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            switch entry.key {
            case "default": settings.version.ignoredOwnersFolders.expressions = expressions(entry)
            case "repos":
                for member in fields.mapping(entry) ?? [] {
                    settings.version.ignoredOwnersFolders.ofRepositories[member.key] = expressions(member)
                }
            case "ignore_preconfigured_defaults":
                settings.version.ignoredOwnersFolders.leavesOutUsual = fields.bool(entry) ?? false
            default: fields.warnUnknown(entry, in: section.key)
            }
        }
    }

    private mutating func expressions(_ entry: YAMLEntry) -> [String] {
        fields.locatedTexts(entry).compactMap { text, line in
            do throws(PatternError) {
                return try Pattern(text).expression
            } catch {
                fields.refuse(line, "\(error)")
                return nil
            }
        }
    }

    private mutating func readDeck(_ entry: YAMLEntry) {
        switch entry.key {
        case "rerun_auth_configs":
            let rules = (fields.mapping(entry) ?? []).compactMap { member in
                fields.rerunAuthorization(member).map { (member.key, $0) }
            }
            settings.version.rerunRules = JobScope.ordered(rules).map(RerunRule.init)
        case "default_rerun_auth_configs":
            for item in fields.list(entry) { readRerunDefault(item) }
        default: fields.warnUnserved(entry, "pages are Slipway's own")
        }
    }

    private mutating func readInRepository(_ entry: YAMLEntry) {
        for member in entry.key == "enabled" || entry.key == "allowed_clusters" ? fields.mapping(entry) ?? [] : [] {
            guard isPlace(member) else { continue }
            if entry.key == "enabled" {
                settings.inRepository.enabled[member.key] = fields.bool(member)
            } else if !member.value.isNull {
                settings.inRepository.allowedClusters[member.key] = fields.texts(member)
            }
        }
        if entry.key != "enabled", entry.key != "allowed_clusters" { fields.warnUnknown(entry, in: "in_repo_config") }
    }

    /// `*`, an organisation or a repository.
    private mutating func isPlace(_ entry: YAMLEntry) -> Bool {
        if entry.key.hasPrefix("https://") || entry.key.hasPrefix("http://") {
            fields.warn(entry.line, "'\(entry.key)' is a Gerrit host and has no effect: Gerrit is not served")
            return false
        }
        guard entry.key == "*" || RepositoryName.isValid(entry.key) || RepositoryName(entry.key) != nil else {
            fields.refuse(
                entry.line,
                "'\(entry.key.prefix(100))' is neither an organisation nor a repository; write *, ORG or ORG/REPO")
            return false
        }
        return true
    }

    private mutating func readRerunDefault(_ node: YAMLNode) {
        guard case .mapping(let entries) = node.content else {
            return fields.refuse(
                node.line, "an entry of default_rerun_auth_configs is \(node.kind); write repo and rerun_auth_configs")
        }
        var (scope, authorization): (JobScope, RerunAuthorization?) = (JobScope(), nil)
        for entry in entries {
            switch entry.key {
            case "repo": scope.repository = fields.text(entry)
            case "cluster": scope.cluster = fields.text(entry)
            case "rerun_auth_configs": authorization = fields.rerunAuthorization(entry)
            default: fields.warnUnknown(entry, in: "default_rerun_auth_configs")
            }
        }
        if let authorization {
            settings.version.rerunRules.append(RerunRule(scope: scope, authorization: authorization))
        }
    }

    private mutating func readDefault(_ node: YAMLNode) {
        guard case .mapping(let entries) = node.content else {
            return fields.refuse(
                node.line,
                "an entry of default_decoration_config_entries is \(node.kind); write repo, cluster and config")
        }
        var result = ProwSettings.DecorationDefault(decoration: DecorationDraft())
        for entry in entries {
            switch entry.key {
            case "repo": result.repository = fields.text(entry)
            case "cluster": result.cluster = fields.text(entry)
            case "config": result.decoration = fields.decoration(entry)
            default: fields.warnUnknown(entry, in: "default_decoration_config_entries")
            }
        }
        settings.decorationDefaults.append(result)
    }

    /// The older form, a mapping by repository.
    private mutating func readDefaults(_ section: YAMLEntry) {
        let entries = (fields.mapping(section) ?? []).map { ($0.key, fields.decoration($0)) }
        settings.decorationDefaults += JobScope.ordered(entries).map {
            .init(repository: $0.scope.repository, decoration: $0.value)
        }
    }
}
