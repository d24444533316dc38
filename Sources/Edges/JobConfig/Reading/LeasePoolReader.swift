import FoundationEssentials
import SlipwayModel

extension LoadedLeasePools {
    /// Reads a file of at most 16 MB; one that cannot be read is an error of the answer.
    package static func load(path: String) -> LoadedLeasePools {
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count <= 16 << 20 else {
            let problem = ConfigProblem(
                file: path, line: 0, message: "the file cannot be read, or has more than 16 MB; check its path")
            return LoadedLeasePools(pools: [], errors: [problem], warnings: [])
        }
        return load(SourceFile(path: path, bytes: Array(bytes)))
    }

    package static func load(_ source: SourceFile) -> LoadedLeasePools { LeasePoolReader.read(source) }
}

/// Reads Boskos's `resources:`, with its rules: types are given once, names are DNS-1123 subdomains and given once, a
/// dynamic type has `0 < max-count` and `min-count ≤ max-count`, and what dynamic types need is there at its most.
struct LeasePoolReader {
    private var fields: FieldReader
    private var pools: [(pool: LeasePool, line: Int)] = []
    private var names: [String: Int] = [:]

    /// More resources than any installation has; a slip of the pen must not fill a database.
    private static let maximumResources = 1_000_000

    static func read(_ source: SourceFile) -> LoadedLeasePools {
        var reader = LeasePoolReader(fields: FieldReader(file: source.path))
        if let root = reader.fields.compose(source) {
            reader.readRoot(root)
        } else if reader.fields.errors.isEmpty {
            reader.fields.refuse(0, "the file is empty; write resources: and a list of types below it")
        }
        reader.checkNeeds()
        return LoadedLeasePools(
            pools: reader.pools.map(\.pool), errors: reader.fields.errors.sorted(),
            warnings: reader.fields.warnings.sorted())
    }

    private mutating func readRoot(_ root: YAMLNode) {
        guard case .mapping(let entries) = root.content else {
            return fields.refuse(root.line, "the file is \(root.kind); write resources: and a list of types below it")
        }
        for entry in entries {
            guard entry.key == "resources" else {
                fields.warnUnknown(entry, in: "a file of resources")
                continue
            }
            for item in fields.list(entry) { readPool(item) }
        }
        if pools.isEmpty, fields.errors.isEmpty {
            fields.refuse(
                root.line, "there are no resources in the file; write resources: and a list of types below it")
        }
        let count = pools.reduce(0) { $0 + min($1.pool.size, Self.maximumResources) }
        if count > Self.maximumResources {
            fields.refuse(
                root.line, "\(count) resources are more than \(Self.maximumResources); correct names or max-count")
        }
    }

    private mutating func readPool(_ node: YAMLNode) {
        guard case .mapping(let entries) = node.content else {
            return fields.refuse(node.line, "an entry of resources is \(node.kind); write a mapping that has a type")
        }
        let before = fields.errors.count
        var pool = LeasePool(type: "")
        var lines: [String: Int] = [:]
        for entry in entries {
            lines[entry.key] = entry.value.line
            read(entry, into: &pool)
        }
        if pool.type.isEmpty, fields.errors.count == before {
            return fields.refuse(node.line, "an entry of resources has no type; add the key type")
        }
        if let other = pools.first(where: { $0.pool.type == pool.type }) {
            fields.refuse(
                lines["type"] ?? node.line,
                "the type '\(pool.type)' stands in line \(other.line) already; join the two entries")
        }
        if pool.isDynamic, lines["names"] == nil { checkDynamic(pool, lines, node.line) }
        if fields.errors.count == before { pools.append((pool, node.line)) }
    }

    private mutating func checkDynamic(_ pool: LeasePool, _ lines: [String: Int], _ line: Int) {
        if pool.maximum <= 0 {
            fields.refuse(
                lines["max-count"] ?? line,
                "'\(pool.type)' has neither names nor a max-count above 0; write the names, or how many there may be")
        }
        if pool.minimum < 0 || pool.minimum > pool.maximum {
            fields.refuse(
                lines["min-count"] ?? line,
                "min-count \(pool.minimum) of '\(pool.type)' is not from 0 to its max-count, \(pool.maximum)")
        }
        if pool.maximum > Self.maximumResources {
            fields.refuse(lines["max-count"] ?? line, "max-count is over \(Self.maximumResources)")
        }
    }

    private mutating func read(_ entry: YAMLEntry, into pool: inout LeasePool) {
        switch entry.key {
        case "type":
            pool.type = fields.text(entry) ?? ""
            checkText(pool.type, entry)
        case "state":
            if let state = fields.text(entry), !state.isEmpty { pool.state = state }
            checkText(pool.state, entry)
        case "names": readNames(entry, into: &pool)
        case "min-count": pool.minimum = fields.integer(entry) ?? 0
        case "max-count": pool.maximum = fields.integer(entry) ?? 0
        case "lifespan": pool.lifespan = lifespan(entry)
        case "needs": pool.needs = counts(entry, from: 1)
        case "config":
            if !entry.value.isNull { pool.config = entry.value.json }
        case "cost-per-hour": pool.costPerHour = amount(entry)
        case "quota": pool.quota = fields.count(entry)
        case "quotas": pool.quotas = counts(entry, from: 0)
        case "reservations": pool.reservations = counts(entry, from: 0)
        case "patience": pool.patience = fields.duration(entry) ?? pool.patience
        case "janitor": pool.janitor = janitor(entry)
        default: fields.warnUnknown(entry, in: "a type of resources")
        }
    }

    private mutating func checkText(_ text: String, _ entry: YAMLEntry) {
        if text.utf8.count > 253 || text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            fields.refuse(entry.value.line, "\(entry.key) has more than 253 bytes or a control character in it")
        }
    }

    private mutating func readNames(_ entry: YAMLEntry, into pool: inout LeasePool) {
        for item in fields.list(entry) {
            guard case .scalar(let scalar) = item.content, !item.isNull else {
                fields.refuse(item.line, "an entry of names is \(item.kind); write the name of a resource")
                continue
            }
            let name = scalar.text
            if !Self.isSubdomain(name) {
                fields.refuse(
                    item.line,
                    "'\(name.prefix(80))' is no name for a resource; write a DNS name: lower-case letters, digits, "
                        + "'-' and '.', at most 253 of them, each part beginning and ending with a letter or digit")
            } else if let other = names[name] {
                fields.refuse(
                    item.line, "the resource '\(name)' stands in line \(other) already; take one of them away")
            } else {
                names[name] = item.line
                pool.names.append(name)
            }
        }
    }

    /// RFC 1123, as Kubernetes narrows it.
    static func isSubdomain(_ name: String) -> Bool {
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, let last = part.last, first != UInt8(ascii: "-"), last != UInt8(ascii: "-")
            else { return false }
            return part.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        }
    }

    /// A duration as Go writes it, or a whole number of nanoseconds.
    private mutating func lifespan(_ entry: YAMLEntry) -> Double? {
        if case .scalar(let scalar) = entry.value.content, case .integer(let nanoseconds) = scalar.resolved {
            guard nanoseconds >= 0 else {
                fields.refuse(entry.value.line, "lifespan is \(nanoseconds); write a time that can pass, e.g. 12h")
                return nil
            }
            return Double(nanoseconds) / 1e9
        }
        return fields.duration(entry)
    }

    private mutating func amount(_ entry: YAMLEntry) -> Double {
        if case .scalar(let scalar) = entry.value.content {
            switch scalar.resolved {
            case .integer(let value) where value >= 0: return Double(value)
            case .number(let value) where value >= 0: return value
            case .null: return 0
            default: break
            }
        }
        fields.refuse(entry.value.line, "\(entry.key) is \(entry.value.kind); write an amount from 0 on, e.g. 1.25")
        return 0
    }

    private mutating func counts(_ entry: YAMLEntry, from least: Int) -> [String: Int] {
        var result: [String: Int] = [:]
        for member in fields.mapping(entry) ?? [] {
            guard let count = fields.integer(member) else { continue }
            guard count >= least, count <= Self.maximumResources else {
                fields.refuse(
                    member.value.line,
                    "\(member.key) in \(entry.key) is \(count); write \(least) to \(Self.maximumResources)")
                continue
            }
            result[member.key] = count
        }
        return result
    }

    private mutating func janitor(_ section: YAMLEntry) -> LeasePool.Janitor? {
        var janitor = LeasePool.Janitor(command: [])
        for entry in fields.mapping(section) ?? [] {
            switch entry.key {
            case "command": janitor.command = fields.texts(entry)
            case "timeout": janitor.timeout = fields.duration(entry) ?? janitor.timeout
            case "workers": janitor.workers = max(1, fields.count(entry) ?? janitor.workers)
            default: fields.warnUnknown(entry, in: section.key)
            }
        }
        guard !janitor.command.isEmpty else {
            fields.refuse(section.line, "janitor has no command; write the program and its arguments as a list")
            return nil
        }
        return janitor
    }

    private mutating func checkNeeds() {
        var needed: [String: Int] = [:]
        var lines: [String: Int] = [:]
        let supply = Dictionary(pools.map { ($0.pool.type, $0.pool.size) }, uniquingKeysWith: max)
        for (pool, line) in pools where pool.isDynamic {
            for (type, count) in pool.needs {
                if type == pool.type { fields.refuse(line, "'\(type)' needs itself; take it out of its needs") }
                needed[type, default: 0] += count * pool.maximum
                lines[type] = lines[type] ?? line
            }
        }
        for (type, count) in needed.sorted(by: { $0.key < $1.key }) {
            let line = lines[type] ?? 0
            guard let there = supply[type] else {
                fields.refuse(line, "there is no type '\(type)', which is needed here; add it or correct needs")
                continue
            }
            if count > there {
                fields.refuse(
                    line,
                    "\(count) resources of type '\(type)' are needed when every type has its max-count, and there are "
                        + "\(there); add some, or lower max-count or needs")
            }
        }
    }
}
