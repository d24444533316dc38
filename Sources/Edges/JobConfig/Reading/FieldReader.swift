import SlipwayModel

/// Reads typed values out of YAML and collects what is wrong with them. One per file.
package struct FieldReader {
    package let file: String
    /// The job that is being read, for messages.
    var job: String?
    package private(set) var errors: [ConfigProblem] = []
    package private(set) var warnings: [ConfigProblem] = []
    private var unserved: Set<String> = []

    package init(file: String) { self.file = file }

    package mutating func refuse(_ line: Int, _ message: String) {
        errors.append(ConfigProblem(file: file, line: line, job: job, message: message))
    }

    package mutating func warn(_ line: Int, _ message: String) {
        warnings.append(ConfigProblem(file: file, line: line, job: job, message: message))
    }

    /// A key of Prow's that changes nothing here: said once per file.
    package mutating func warnUnserved(_ entry: YAMLEntry, _ consequence: String) {
        guard unserved.insert(entry.key).inserted else { return }
        warnings.append(
            ConfigProblem(
                file: file, line: entry.line, job: job,
                message: "\(entry.key) has no effect: \(consequence) (said once per file)"))
    }

    package mutating func warnUnknown(_ entry: YAMLEntry, in place: String) {
        warn(entry.line, "'\(entry.key)' is not a key of \(place) and is ignored; correct its spelling or remove it")
    }

    private mutating func refuse(_ entry: YAMLEntry, expected: String) {
        refuse(entry.value.line, "\(entry.key) is \(entry.value.kind); write \(expected)")
    }

    // MARK: Scalars. Nothing behind the colon counts as an absent key, as in Prow.

    /// Text. Numbers and truth values become text, as in Prow; and as in Prow an empty text counts as an absent key.
    package mutating func text(_ entry: YAMLEntry) -> String? {
        if let text = scalarText(entry.value, entry.key) { return text.isEmpty ? nil : text }
        if !entry.value.isNull { refuse(entry, expected: "text") }
        return nil
    }

    /// Text and its line.
    mutating func located(_ entry: YAMLEntry) -> JobDraft.Text? {
        text(entry).map { JobDraft.Text(value: $0, line: entry.value.line) }
    }

    private mutating func scalarText(_ node: YAMLNode, _ key: String) -> String? {
        guard case .scalar(let scalar) = node.content else { return nil }
        switch scalar.resolved {
        case .string(let text): return text
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value):
            let text = String(value)
            if text != scalar.text { warn(node.line, "\(key) is the number \(text); put \(scalar.text) in quotes") }
            return text
        case .number:
            warn(node.line, "\(key) is a number taken as the text '\(scalar.text)'; put it in quotes")
            return scalar.text
        default: return nil
        }
    }

    package mutating func bool(_ entry: YAMLEntry) -> Bool? {
        if case .scalar(let scalar) = entry.value.content, case .bool(let value) = scalar.resolved { return value }
        if !entry.value.isNull { refuse(entry, expected: "true or false, without quotes") }
        return nil
    }

    /// A whole number from 0 on.
    package mutating func count(_ entry: YAMLEntry) -> Int? {
        if case .scalar(let scalar) = entry.value.content, case .integer(let value) = scalar.resolved {
            if value >= 0 { return Int(value) }
            refuse(entry.value.line, "\(entry.key) is \(value); write 0 or more")
        } else if !entry.value.isNull {
            refuse(entry, expected: "a whole number, without quotes")
        }
        return nil
    }

    /// A whole number.
    mutating func integer(_ entry: YAMLEntry) -> Int? {
        if case .scalar(let scalar) = entry.value.content, case .integer(let value) = scalar.resolved {
            return Int(value)
        }
        if !entry.value.isNull { refuse(entry, expected: "a whole number, without quotes") }
        return nil
    }

    /// Seconds, from a duration as Go writes it, or from a number, which counts nanoseconds as in Prow.
    mutating func duration(_ entry: YAMLEntry) -> Double? {
        if case .scalar(let scalar) = entry.value.content, case .integer(let nanoseconds) = scalar.resolved {
            if nanoseconds > 0 {
                if nanoseconds < 1_000_000_000 {
                    warn(
                        entry.value.line, "\(entry.key) \(nanoseconds) counts nanoseconds; write e.g. 90s, 30m or 1h20m"
                    )
                }
                return Double(nanoseconds) / 1e9
            }
        }
        guard let text = text(entry) else { return nil }
        guard let seconds = GoDuration.seconds(text) else {
            refuse(
                entry.value.line, "\(entry.key) '\(text.prefix(60))' is not a duration; write e.g. 90s, 30m or 1h20m")
            return nil
        }
        guard seconds > 0 else {
            refuse(entry.value.line, "\(entry.key) '\(text)' is not a time that can pass; write more than 0")
            return nil
        }
        return seconds
    }

    // MARK: Collections

    package mutating func list(_ entry: YAMLEntry) -> [YAMLNode] {
        if case .sequence(let items) = entry.value.content { return items }
        if !entry.value.isNull { refuse(entry, expected: "a list ('- ' before each entry)") }
        return []
    }

    package mutating func mapping(_ entry: YAMLEntry) -> [YAMLEntry]? {
        if case .mapping(let entries) = entry.value.content { return entries }
        if !entry.value.isNull { refuse(entry, expected: "a mapping (keys below it, indented)") }
        return nil
    }

    /// Each text of a list with its line.
    package mutating func locatedTexts(_ entry: YAMLEntry) -> [(text: String, line: Int)] {
        list(entry).compactMap { item in
            if let text = scalarText(item, entry.key) { return (text, item.line) }
            refuse(item.line, "an entry of \(entry.key) is \(item.kind); write text")
            return nil
        }
    }

    package mutating func texts(_ entry: YAMLEntry) -> [String] {
        list(entry).compactMap { item in
            if let text = scalarText(item, entry.key) { return text }
            refuse(item.line, "an entry of \(entry.key) is \(item.kind); write text")
            return nil
        }
    }

    mutating func textMap(_ entry: YAMLEntry) -> [String: String] {
        var result: [String: String] = [:]
        for member in mapping(entry) ?? [] {
            if let text = scalarText(member.value, member.key) {
                result[member.key] = text
            } else if member.value.isNull {
                result[member.key] = ""
            } else {
                refuse(member.value.line, "\(member.key) in \(entry.key) is \(member.value.kind); write text")
            }
        }
        return result
    }

    /// A list of mappings, carried as JSON.
    mutating func objects(_ entry: YAMLEntry) -> [JSONValue] {
        list(entry).compactMap { item in
            if case .mapping = item.content { return item.json }
            refuse(item.line, "an entry of \(entry.key) is \(item.kind); write a mapping")
            return nil
        }
    }

    // MARK: Documents and parts that several readers share

    /// The document of a file that holds at most so many values; nil where it is empty or broken.
    package mutating func compose(_ source: SourceFile, valueLimit: Int) -> YAMLNode? {
        do throws(YAMLError) {
            let document = try YAMLComposer.compose(source.bytes, limits: .init(values: valueLimit))
            for warning in document.warnings { warn(warning.line, warning.message) }
            return document.root
        } catch {
            refuse(error.line, error.message)
            return nil
        }
    }

    /// The document of a file, decompressed where it is gzip's; nil where it is empty or broken.
    mutating func compose(_ source: SourceFile) -> YAMLNode? {
        do throws(YAMLError) {
            let document = try YAMLComposer.compose(try Gzip.plain(source.bytes))
            for warning in document.warnings { warn(warning.line, warning.message) }
            return document.root
        } catch {
            refuse(error.line, error.message)
            return nil
        }
    }

    mutating func decoration(_ section: YAMLEntry) -> DecorationDraft {
        var draft = DecorationDraft()
        for entry in mapping(section) ?? [] {
            switch entry.key {
            case "timeout": draft.timeout = duration(entry)
            case "grace_period": draft.gracePeriod = duration(entry)
            case "skip_cloning": draft.skipCloning = bool(entry)
            case "censor_secrets", "censoring_options": draft.censoring[entry.key] = entry.value.json
            case "gcs_configuration": artifactPlaces(entry, &draft)
            default:
                let names = secrets(entry)
                if !names.isEmpty { draft.secrets = (draft.secrets ?? []) + names }
                if let consequence = Unserved.decorationKeys[entry.key] {
                    warnUnserved(entry, consequence)
                } else {
                    warnUnknown(entry, in: section.key)
                }
            }
        }
        return draft
    }

    /// Secrets that decoration would mount in Prow, as volumes of their names.
    private mutating func secrets(_ entry: YAMLEntry) -> [String] {
        switch entry.key {
        case "ssh_key_secrets": texts(entry)
        case "gcs_credentials_secret", "s3_credentials_secret", "cookiefile_secret": text(entry).map { [$0] } ?? []
        case "oauth_token_secret", "github_app_private_key_secret":
            (mapping(entry) ?? []).filter { $0.key == "name" }.compactMap { text($0) }
        default: []
        }
    }

    private mutating func artifactPlaces(_ section: YAMLEntry, _ draft: inout DecorationDraft) {
        for entry in mapping(section) ?? [] {
            switch entry.key {
            case "path_strategy":
                guard let name = text(entry) else { continue }
                draft.pathStrategy = PathStrategy.Name(rawValue: name)
                if draft.pathStrategy == nil {
                    refuse(
                        entry.value.line,
                        "path_strategy '\(name.prefix(60))' does not exist; write legacy, single or explicit")
                }
            case "default_org": draft.defaultOrg = text(entry)
            case "default_repo": draft.defaultRepo = text(entry)
            default:
                if let consequence = Unserved.storageKeys[entry.key] {
                    warnUnserved(entry, consequence)
                } else {
                    warnUnknown(entry, in: section.key)
                }
            }
        }
    }

    mutating func preset(_ node: YAMLNode) -> Preset? {
        guard case .mapping(let entries) = node.content else {
            refuse(node.line, "an entry of presets is \(node.kind); write labels and what they add")
            return nil
        }
        var preset = Preset(file: file, line: node.line)
        for entry in entries {
            switch entry.key {
            case "labels": preset.labels = textMap(entry)
            case "env": preset.env = objects(entry)
            case "volumes": preset.volumes = objects(entry)
            case "volumeMounts": preset.volumeMounts = objects(entry)
            case "tolerations": preset.tolerations = objects(entry)
            default: warnUnknown(entry, in: "a preset")
            }
        }
        return preset
    }
}
