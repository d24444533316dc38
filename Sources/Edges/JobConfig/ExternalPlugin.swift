package import SlipwayModel

/// A program of somebody else's that gets deliveries: an entry of `external_plugins` in Prow's `plugins.yaml`.
package struct ExternalPlugin: Hashable, Sendable {
    /// An organisation or `org/repo`.
    package var scope: String
    package var name: String
    /// Where deliveries are posted; `http://<name>` by default, as in Prow.
    package var endpoint: String
    /// Names of events; all of them where it is empty.
    package var events: [String]

    package init(scope: String, name: String, endpoint: String, events: [String]) {
        self.scope = scope
        self.name = name
        self.endpoint = endpoint
        self.events = events
    }

    package func wants(_ event: String, of repository: RepositoryName) -> Bool {
        (scope == repository.org || scope == repository.description) && (events.isEmpty || events.contains(event))
    }

    /// Reads `external_plugins` of a `plugins.yaml` and its supplemental files; other sections are not looked at.
    ///
    /// - Returns: the plugins, and what is wrong with them. Where anything is, none should be used.
    package static func read(_ sources: [SourceFile]) -> (plugins: [ExternalPlugin], problems: [ConfigProblem]) {
        let parts = sources.map(read)
        return (parts.flatMap(\.plugins), parts.flatMap(\.problems))
    }

    /// The same of one file.
    package static func read(_ source: SourceFile) -> (plugins: [ExternalPlugin], problems: [ConfigProblem]) {
        var reader = FieldReader(file: source.path)
        var plugins: [ExternalPlugin] = []
        guard let root = reader.compose(source) else { return ([], reader.errors) }
        guard case .mapping(let sections) = root.content else {
            reader.refuse(root.line, "plugins.yaml is \(root.kind); write sections such as external_plugins")
            return ([], reader.errors)
        }
        for section in sections where section.key == "external_plugins" {
            for scope in reader.mapping(section) ?? [] {
                let isName = RepositoryName(scope.key) != nil || RepositoryName.isValid(scope.key)
                if !isName {
                    reader.refuse(
                        scope.line, "'\(scope.key)' in external_plugins is neither an organization nor org/repo")
                }
                for item in reader.list(scope) {
                    if let plugin = Self.plugin(item, scope: scope.key, &reader) { plugins.append(plugin) }
                }
            }
        }
        return (plugins, reader.errors)
    }

    private static func plugin(_ node: YAMLNode, scope: String, _ reader: inout FieldReader) -> ExternalPlugin? {
        guard case .mapping(let entries) = node.content else {
            reader.refuse(node.line, "a plugin of \(scope) is \(node.kind); write name, endpoint and events")
            return nil
        }
        var name = ""
        var endpoint: String?
        var events: [String] = []
        for entry in entries {
            switch entry.key {
            case "name": name = reader.text(entry) ?? ""
            case "endpoint": endpoint = reader.text(entry)
            case "events": events = reader.texts(entry)
            default: reader.warnUnknown(entry, in: "a plugin")
            }
        }
        guard !name.isEmpty else {
            reader.refuse(node.line, "a plugin of \(scope) has no name; write 'name: …'")
            return nil
        }
        // Slipway does its work itself; one that somebody runs has an endpoint.
        if endpoint == nil, PluginNames.builtIn[name] != nil { return nil }
        let address = endpoint.flatMap { $0.isEmpty ? nil : $0 } ?? "http://\(name)"
        guard address.hasPrefix("http://") || address.hasPrefix("https://") else {
            reader.refuse(
                node.line,
                "the endpoint '\(address.prefix(200))' of the plugin \(name) is not an address; write http://…")
            return nil
        }
        return ExternalPlugin(scope: scope, name: name, endpoint: address, events: events)
    }
}
