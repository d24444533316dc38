import Patterns
import SlipwayModel

/// A `plugins.yaml` that was read.
package struct LoadedPlugins: Sendable {
    package var settings = PluginSettings()
    package var errors: [ConfigProblem] = []
    package var warnings: [ConfigProblem] = []
}

extension LoadedConfiguration {
    /// The configuration together with a `plugins.yaml`.
    package func with(_ plugins: LoadedPlugins) -> LoadedConfiguration {
        var copy = self
        copy.settings.plugins = plugins.settings
        copy.errors = (errors + plugins.errors).sorted()
        copy.warnings = (warnings + plugins.warnings).sorted()
        return copy
    }
}

extension JobConfiguration {
    /// Reads Prow's `plugins.yaml` with the supplemental files that bring the rest of it.
    package static func plugins(_ file: SourceFile, supplements: [SourceFile] = []) -> LoadedPlugins {
        PluginSettingsReader.read(file, supplements: supplements)
    }

    /// Reads Prow's `plugins.yaml` from a path; what cannot be read is among the errors.
    ///
    /// - Parameter supplementalFolders: each `_pluginconfig.yaml` below them brings a part of it.
    package static func plugins(path: String, supplementalFolders: [String] = []) -> LoadedPlugins {
        let (files, errors) = pluginFiles(path: path, supplementalFolders: supplementalFolders)
        guard let file = files.first else { return LoadedPlugins(errors: errors) }
        var result = plugins(file, supplements: Array(files.dropFirst()))
        result.errors += errors
        return result
    }

    /// A `plugins.yaml`, if it can be read, and behind it the supplemental files in the order of their paths.
    package static func pluginFiles(
        path: String, supplementalFolders: [String]
    ) -> (files: [SourceFile], errors: [ConfigProblem]) {
        let (file, error) = ConfigurationFolder.file(path)
        guard let file else {
            return ([], [ConfigProblem(file: path, line: 0, message: error?.message ?? "it cannot be read")])
        }
        let folders = supplementalFolders.map {
            ConfigurationFolder.read($0, suffixes: [PluginSettingsReader.supplementSuffix])
        }
        return ([file] + folders.flatMap(\.files), folders.flatMap(\.errors))
    }
}

/// Reads `plugins.yaml` and its supplemental files. What has no effect is named with what follows from that.
struct PluginSettingsReader {
    /// Prow's `--supplemental-plugin-configs-filename-suffix`, as it is by default.
    static let supplementSuffix = "_pluginconfig.yaml"
    /// What supplemental files may bring, as in Prow (pkg/plugins, `mergeFrom`).
    private static let supplementSections: Set<String> = [
        "plugins", "external_plugins", "triggers", "approve", "lgtm", "label", "bugzilla", "welcome",
    ]

    var fields: FieldReader
    var settings = PluginSettings()
    /// The file holds a part only, beside those that were read before.
    private(set) var isSupplement = false
    /// Sections and scopes, of the files before and of this one.
    private var taken: Set<[String]> = []
    private var own: Set<[String]> = []

    private init(file: String) { fields = FieldReader(file: file) }

    static func read(_ source: SourceFile, supplements: [SourceFile]) -> LoadedPlugins {
        var reader = PluginSettingsReader(file: source.path)
        var result = LoadedPlugins()
        for (place, file) in ([source] + supplements).enumerated() {
            reader.fields = FieldReader(file: file.path)
            reader.isSupplement = place > 0
            reader.read(file)
            result.errors += reader.fields.errors.sorted()
            result.warnings += reader.fields.warnings.sorted()
        }
        result.settings = reader.settings
        return result
    }

    private mutating func read(_ source: SourceFile) {
        guard let root = fields.compose(source) else { return }
        guard case .mapping(let sections) = root.content else {
            return fields.refuse(
                root.line, "plugins.yaml is \(root.kind); write sections such as plugins and approve")
        }
        for section in sections {
            if isSupplement, !Self.supplementSections.contains(section.key) {
                refuseInSupplement(section)
            } else {
                read(section)
            }
        }
        taken.formUnion(own)
    }

    mutating func refuseInSupplement(_ entry: YAMLEntry) {
        fields.refuse(
            entry.line,
            "\(entry.key.prefix(120)) may not stand in a supplemental file; move it to plugins.yaml, here belong "
                + "plugins, external_plugins, triggers, approve, lgtm, and restricted_labels of label")
    }

    /// False where another file has the scope in that section.
    private mutating func takes(_ scope: YAMLEntry, in section: String) -> Bool {
        guard !taken.contains([section, scope.key]) else {
            fields.refuse(
                scope.line, "another file has \(section) of \(scope.key.prefix(120)); keep one of the two")
            return false
        }
        own.insert([section, scope.key])
        return true
    }

    private mutating func read(_ section: YAMLEntry) {
        switch section.key {
        case "plugins": readPlugins(section)
        case "external_plugins": readExternal(section)
        case "triggers": settings.triggers += items(section) { $0.trigger($1) }
        case "approve": settings.approve += items(section) { $0.approve($1) }
        case "lgtm": settings.lgtm += items(section) { $0.lgtm($1) }
        case "owners": readOwners(section)
        case "blunderbuss": readBlunderbuss(section)
        case "size": readSize(section)
        case "label": readLabel(section)
        case "blockades": settings.blockades = items(section) { $0.blockade($1) }
        case "require_matching_label": settings.matchingLabels = items(section) { $0.matchingLabel($1) }
        case "repo_milestone": readMaintainers(section)
        case "milestone_applier":
            for repository in fields.mapping(section) ?? [] {
                settings.milestonesOfBranches[repository.key] = fields.textMap(repository)
            }
        case "branch_cleaner":
            for entry in fields.mapping(section) ?? [] {
                if entry.key == "preserved_branches" {
                    for scope in fields.mapping(entry) ?? [] {
                        settings.preservedBranches[scope.key] = fields.texts(scope)
                    }
                } else {
                    fields.warnUnknown(entry, in: "branch_cleaner")
                }
            }
        case "override": readOverride(section)
        case "cherry_pick_unapproved": readUnapproved(section)
        case "cherry_pick_approved": settings.cherryPickApproved = items(section) { $0.approvedPicks($1) }
        case "retitle":
            for entry in fields.mapping(section) ?? [] {
                if entry.key == "allow_closed_issues" {
                    settings.retitleAllowsClosed = fields.bool(entry) ?? false
                } else {
                    fields.warnUnknown(entry, in: "retitle")
                }
            }
        case "sigmention":
            for entry in fields.mapping(section) ?? [] {
                if entry.key == "regexp" {
                    settings.sigMentionPattern = pattern(entry)
                } else {
                    fields.warnUnknown(entry, in: "sigmention")
                }
            }
        case "help": readHelp(section)
        case "dco": readSignOff(section)
        default:
            if let consequence = Self.unserved[section.key] {
                fields.warnUnserved(section, consequence)
            } else {
                fields.warnUnknown(section, in: "plugins.yaml")
            }
        }
    }

    /// Sections that change nothing here.
    private static let unserved: [String: String] = {
        let fun = "its plugin is for fun, and says nothing"
        return [
            "cat": fun, "goose": fun, "heart": fun, "dog": fun, "pony": fun, "yuks": fun,
            "slack": "nothing is reported to Slack", "welcome": "nobody is welcomed",
            "project_config": "GitHub's classic projects are gone",
            "project_manager": "GitHub's classic projects are gone",
            "config_updater": "configuration is applied by 'slipway config apply', or from config.folder",
            "golint": "changes are not read line by line", "bugzilla": "Bugzilla is not served",
            "jira": "Jira is not served",
            "requiresig": "it was replaced by require_matching_label",
            "trigger_github_workflows": "GitHub's own workflows are not started",
            "cherry_picker": "whoever is trusted may pick",
        ]
    }()

    // MARK: What holds where

    private mutating func readPlugins(_ section: YAMLEntry) {
        for scope in fields.mapping(section) ?? [] where takes(scope, in: "plugins") {
            checkScope(scope.key, scope.line, in: "plugins")
            var enabled = PluginSettings.Enabled()
            if case .sequence = scope.value.content {
                // The older form, a list alone.
                enabled.names = names(scope)
            } else {
                for entry in fields.mapping(scope) ?? [] {
                    switch entry.key {
                    case "plugins": enabled.names = names(entry)
                    case "excluded_repos": enabled.excludedRepositories = fields.texts(entry)
                    default: fields.warnUnknown(entry, in: "plugins of \(scope.key)")
                    }
                }
            }
            settings.plugins[scope.key, default: PluginSettings.Enabled()].names += enabled.names
            settings.plugins[scope.key]?.excludedRepositories = enabled.excludedRepositories
        }
    }

    private mutating func names(_ entry: YAMLEntry) -> [String] {
        let names = fields.texts(entry)
        for name in names where !PluginNames.served.contains(name) {
            if let consequence = PluginNames.unserved[name] {
                var named = entry
                named.key = "the plugin \(name)"
                fields.warnUnserved(named, consequence)
            } else {
                fields.warn(
                    entry.line, "there is no plugin '\(name.prefix(60))'; correct its spelling or remove it")
            }
        }
        return names.filter { PluginNames.served.contains($0) }
    }

    private mutating func readExternal(_ section: YAMLEntry) {
        for scope in fields.mapping(section) ?? [] where takes(scope, in: "external_plugins") {
            checkScope(scope.key, scope.line, in: "external_plugins")
            for item in fields.list(scope) {
                guard case .mapping(let entries) = item.content,
                    let name = entries.first(where: { $0.key == "name" }).flatMap({ fields.text($0) })
                else { continue }
                if let own = PluginNames.builtIn[name], !entries.contains(where: { $0.key == "endpoint" }) {
                    settings.plugins[scope.key, default: PluginSettings.Enabled()].names.append(own)
                } else {
                    settings.externalPlugins[scope.key, default: []].append(name)
                }
            }
        }
    }

    mutating func checkScope(_ scope: String, _ line: Int, in section: String) {
        guard RepositoryName(scope) == nil, !RepositoryName.isValid(scope) else { return }
        fields.refuse(line, "'\(scope.prefix(120))' in \(section) is neither an organization nor org/repo")
    }

    // MARK: Parts

    /// The mappings of a list, each read by `read`.
    private mutating func items<Item>(
        _ section: YAMLEntry, _ read: (inout PluginSettingsReader, [YAMLEntry]) -> Item
    ) -> [Item] {
        var result: [Item] = []
        for node in fields.list(section) {
            if case .mapping(let entries) = node.content {
                result.append(read(&self, entries))
            } else {
                fields.refuse(node.line, "an entry of \(section.key) is \(node.kind); write a mapping")
            }
        }
        return result
    }

    /// A regular expression that compiles.
    mutating func pattern(_ entry: YAMLEntry) -> String? {
        guard let text = fields.text(entry) else { return nil }
        return check(text, entry) ? text : nil
    }

    mutating func patterns(_ entry: YAMLEntry) -> [String] { fields.texts(entry).filter { check($0, entry) } }

    private mutating func check(_ text: String, _ entry: YAMLEntry) -> Bool {
        do {
            _ = try Pattern(text)
            return true
        } catch {
            fields.refuse(entry.line, "\(entry.key) '\(text.prefix(80))' is no regular expression: \(error)")
            return false
        }
    }
}
