import SlipwayModel

/// One value of a YAML document and the line it begins on. Aliases share their anchor's storage.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    package var content: Content
    /// From 1.
    package var line: Int
    /// Values in here once every alias is written out; saturates.
    var weight: Int
    /// Levels below this one, aliases written out.
    var height: Int

    /// The word for what stands here, for messages.
    package var kind: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar):
            switch scalar.resolved {
            case .null: "nothing"
            case .bool: "a truth value"
            case .integer, .number: "a number"
            default: "text"
            }
        }
    }

    /// Nothing, or a text, list or mapping of nothing.
    var isEmpty: Bool {
        switch content {
        case .scalar(let scalar): scalar.resolved == .null || scalar.resolved == .string("")
        case .sequence(let items): items.isEmpty
        case .mapping(let entries): entries.isEmpty
        }
    }

    func isText(_ text: String) -> Bool {
        guard case .scalar(let scalar) = content else { return false }
        return scalar.resolved == .string(text)
    }

    package var isNull: Bool {
        guard case .scalar(let scalar) = content else { return false }
        return scalar.resolved == .null
    }
}

/// One key of a mapping with its value, in the order of the document.
package struct YAMLEntry: Sendable {
    package var key: String
    package var line: Int
    package var value: YAMLNode
}
