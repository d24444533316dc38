import SlipwayModel

/// One value of a YAML document and the line it begins on. Aliases share their anchor's storage.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    var content: Content
    /// From 1.
    var line: Int
    /// Values in here once every alias is written out; saturates.
    var weight: Int
    /// Levels below this one, aliases written out.
    var height: Int

    /// The word for what stands here, for messages.
    var kind: String {
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

    var isNull: Bool {
        guard case .scalar(let scalar) = content else { return false }
        return scalar.resolved == .null
    }
}

/// One key of a mapping with its value, in the order of the document.
struct YAMLEntry: Sendable {
    var key: String
    var line: Int
    var value: YAMLNode
}
