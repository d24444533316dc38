import SlipwayModel

/// Files beside `config.yaml` that hold a part of it, one per organisation or repository: Prow's
/// `--supplemental-prow-config-dir`. As there, they may bring `tide.queries`, `tide.merge_method`,
/// `branch-protection.orgs` and `slack_reporter_configs`, and no two files may say the same.
enum SupplementalProwConfig {
    /// Prow's `--supplemental-prow-configs-filename-suffix`, as it is by default.
    static let suffix = "_prowconfig.yaml"

    static func add(_ source: SourceFile, to loaded: inout LoadedProwSettings) {
        var fields = FieldReader(file: source.path)
        defer {
            loaded.errors += fields.errors
            loaded.warnings += fields.warnings
        }
        guard let root = fields.compose(source) else { return }
        guard case .mapping(let sections) = root.content else {
            return fields.refuse(root.line, "the file is \(root.kind); write sections such as tide")
        }
        for section in sections {
            switch section.key {
            case "tide":
                var tide = loaded.settings.version.tide ?? TideSettings()
                add(section, to: &tide, &fields)
                loaded.settings.version.tide = tide
            case "branch-protection": add(section, to: &loaded.protection, &fields)
            case "slack_reporter_configs":
                fields.warnUnserved(section, Unserved.sections[section.key] ?? "it is not served")
            default: refuse(section, &fields)
            }
        }
    }

    private static func refuse(_ entry: YAMLEntry, _ fields: inout FieldReader) {
        fields.refuse(
            entry.line,
            "\(entry.key) may not stand in a supplemental file; move it to config.yaml, here belong queries and "
                + "merge_method of tide, and orgs of branch-protection")
    }

    private static func add(_ section: YAMLEntry, to tide: inout TideSettings, _ fields: inout FieldReader) {
        var own = section
        var allowed: [YAMLEntry] = []
        for entry in fields.mapping(section) ?? [] {
            if entry.key == "queries" || entry.key == "merge_method" {
                allowed.append(entry)
            } else {
                refuse(entry, &fields)
            }
        }
        own.value.content = .mapping(allowed)
        var added = TideSettings()
        fields.tide(own, into: &added)
        tide.queries += added.queries
        let taken = tide.mergeMethods.names
        for entry in allowed where entry.key == "merge_method" {
            guard case .mapping(let members) = entry.value.content else { continue }
            for member in members where taken.contains(member.key) {
                fields.refuse(
                    member.line, "another file has a merge_method of \(member.key.prefix(120)); keep one of the two")
            }
        }
        tide.mergeMethods.add(added.mergeMethods)
    }

    private static func add(
        _ section: YAMLEntry, to protection: inout ProtectionTree, _ fields: inout FieldReader
    ) {
        for entry in fields.mapping(section) ?? [] {
            guard entry.key == "orgs" else {
                refuse(entry, &fields)
                continue
            }
            for org in fields.mapping(entry) ?? [] {
                let added = fields.protection(org, depth: 1)
                guard let known = protection.below[org.key] else {
                    protection.below[org.key] = added
                    continue
                }
                let twice = added.below.keys.filter { known.below[$0] != nil }.sorted()
                if known.saysSomething, added.saysSomething {
                    fields.refuse(org.line, "another file protects the branches of \(org.key); keep one of the two")
                }
                for name in twice {
                    fields.refuse(
                        org.line, "another file protects the branches of \(org.key)/\(name); keep one of the two")
                }
                protection.below[org.key] = known.saysSomething ? known : added
                protection.below[org.key]?.below = known.below.merging(added.below) { first, _ in first }
            }
        }
    }
}

extension ProtectionTree {
    /// By itself, not by what is below it.
    fileprivate var saysSomething: Bool { protects != nil || requiresManualJobs != nil || !contexts.isEmpty }
}

extension TideMergeMethods {
    /// Keys of `merge_method` itself.
    fileprivate var names: Set<String> {
        let nested = Set(nested.keys).union(branches.keys).compactMap {
            $0.split(separator: "/").first.map(String.init)
        }
        return Set(plain.keys).union(nested)
    }

    fileprivate mutating func add(_ other: TideMergeMethods) {
        plain.merge(other.plain) { first, _ in first }
        nested.merge(other.nested) { first, _ in first }
        branches.merge(other.branches) { first, _ in first }
    }
}
