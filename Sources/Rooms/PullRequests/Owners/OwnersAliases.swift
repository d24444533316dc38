package import JobConfig

/// OWNERS_ALIASES: names for groups of people, one level deep. (Prow: `ParseAliasesConfig`.)
///
/// An alias within an alias is not looked up, neither by Prow nor here: it stands for a login of that name, and a
/// warning says so; a circle of them is an error. A broken file has no aliases.
package struct OwnersAliases: Sendable {
    static let memberLimit = 20_000

    /// The members of each alias, names and logins lower case.
    package private(set) var members: [String: [OwnersFile.Name]] = [:]
    package private(set) var errors: [ConfigProblem] = []
    package private(set) var warnings: [ConfigProblem] = []

    package init() {}

    package init(_ source: SourceFile) {
        var fields = FieldReader(file: source.path)
        var lines: [String: Int] = [:]
        if source.bytes.count > OwnersFile.byteLimit {
            fields.refuse(0, OwnersText.tooLarge)
        } else if let root = fields.compose(source, valueLimit: OwnersFile.valueLimit), !root.isNull {
            if case .mapping(let sections) = root.content {
                for section in sections {
                    if section.key == "aliases" {
                        for alias in fields.mapping(section) ?? [] {
                            let name = OwnersFile.login(alias.key)
                            lines[name] = alias.line
                            members[name] = Self.members(of: alias, &fields)
                        }
                    } else {
                        fields.warnUnknown(section, in: "OWNERS_ALIASES")
                    }
                }
            } else {
                fields.refuse(root.line, OwnersText.aliasesNotAMapping(root.kind))
            }
        }
        for (name, people) in members {
            if people.isEmpty { fields.warn(lines[name] ?? 0, OwnersText.emptyAlias(name)) }
            for person in people where members[person.login] != nil && !isCircle(from: name, to: person.login) {
                fields.warn(person.line, OwnersText.nestedAlias(name, person.login))
            }
        }
        for name in circles().sorted() { fields.refuse(lines[name] ?? 0, OwnersText.aliasCircle(name)) }
        errors = fields.errors.sorted()
        warnings = fields.warnings.sorted()
        // A circle harms nobody, because aliases are not followed; everything else means that we misread it.
        if errors.contains(where: { problem in !lines.contains { OwnersText.aliasCircle($0.key) == problem.message } })
        {
            members = [:]
        }
    }

    /// The people of a list of names, aliases written out, without duplicates, in alphabetical order.
    package func people(_ names: [OwnersFile.Name]) -> [String] {
        var people: Set<String> = []
        for name in names {
            if let group = members[name.login] {
                people.formUnion(group.map(\.login))
            } else {
                people.insert(name.login)
            }
        }
        return people.sorted()
    }

    private static func members(of alias: YAMLEntry, _ fields: inout FieldReader) -> [OwnersFile.Name] {
        // `{maria, dora}` is a mapping of names to nothing, which people write.
        if case .mapping(let entries) = alias.value.content {
            return entries.map { OwnersFile.Name(login: OwnersFile.login($0.key), line: $0.line) }
        }
        let people = fields.locatedTexts(alias).map {
            OwnersFile.Name(login: OwnersFile.login($0.text.filter { !$0.isWhitespace }), line: $0.line)
        }
        if people.count > memberLimit { fields.refuse(alias.line, OwnersText.tooManyMembers(alias.key)) }
        return people
    }

    /// Aliases that lead back to themselves.
    private func circles() -> Set<String> {
        Set(members.keys.filter { isCircle(from: $0, to: $0) })
    }

    private func isCircle(from start: String, to first: String) -> Bool {
        var seen: Set<String> = []
        var open = first == start ? (members[start] ?? []).map(\.login) : [first]
        while let name = open.popLast() {
            if name == start { return true }
            guard seen.insert(name).inserted else { continue }
            for person in members[name] ?? [] where members[person.login] != nil { open.append(person.login) }
        }
        return false
    }
}
