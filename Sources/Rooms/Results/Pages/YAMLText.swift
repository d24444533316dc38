package import SlipwayModel
import Yams

/// A value as YAML, keys in alphabetical order, so that equal values give equal texts.
package enum YAMLText {
    package static func of(_ value: JSONValue) throws -> String {
        let encoder = YAMLEncoder()
        encoder.options.sortKeys = true
        return try encoder.encode(value)
    }
}
