import SlipwayModel

extension FieldReader {
    /// `leases:` of a job: a list of types, or of mappings with `type` or `types`, `count`, `reason`.
    mutating func leases(_ section: YAMLEntry) -> [LeaseItem]? {
        let items = list(section).compactMap { lease($0) }
        return items.isEmpty ? nil : items
    }

    private mutating func lease(_ node: YAMLNode) -> LeaseItem? {
        if case .scalar(let scalar) = node.content, !node.isNull { return checked([scalar.text], 1, nil, node.line) }
        guard case .mapping(let entries) = node.content else {
            refuse(node.line, "an entry of leases is \(node.kind); write the type of a resource, or type: and count:")
            return nil
        }
        var types: [String] = []
        var count = 1
        var reason: String?
        for entry in entries {
            switch entry.key {
            case "type": types += text(entry).map { [$0] } ?? []
            case "types": types += texts(entry)
            case "count": count = self.count(entry) ?? 1
            case "reason": reason = text(entry)
            default: warnUnknown(entry, in: "leases")
            }
        }
        return checked(types, count, reason, node.line)
    }

    private mutating func checked(_ types: [String], _ count: Int, _ reason: String?, _ line: Int) -> LeaseItem? {
        guard !types.isEmpty, types.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 253 }), types.count <= 20 else {
            refuse(line, "an entry of leases names no type of resource, or more than 20; write type: NAME")
            return nil
        }
        guard (1...100).contains(count) else {
            refuse(line, "count is \(count) in leases; write 1 to 100")
            return nil
        }
        return LeaseItem(types: types, count: count, reason: reason)
    }
}
