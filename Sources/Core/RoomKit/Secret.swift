import FoundationEssentials

/// A value that is never printed.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value itself, for the one place that needs it.
    package let reveal: String

    package init(_ value: String) { reveal = value }

    /// Reads `file:/path` from that file (one trailing newline dropped); anything else is the value.
    package init(reference: String) throws {
        guard reference.hasPrefix("file:") else {
            reveal = reference
            return
        }
        let path = String(reference.dropFirst("file:".count))
        guard let bytes = try? Data(contentsOf: URL(filePath: path)), bytes.count <= 65536 else {
            throw SettingsError("the secret file '\(path)' cannot be read; check that it exists and its permissions")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        reveal = text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    package var description: String { "redacted" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: nil) }
}
