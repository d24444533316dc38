/// The place of a file or folder in an artifact store, relative to its root: components joined by `/`.
///
/// Whatever is held by this type is safe to append to a folder's path: no component is empty, `.` or `..`, none holds
/// a slash or NUL, and lengths stay within what file systems and object stores accept. Names that begin with a dot
/// are fine (`.log`).
package struct ArtifactPath: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// Object stores take keys of up to 1,024 bytes.
    package static let maximumBytes = 1024
    /// File systems take names of up to 255 bytes.
    package static let maximumComponentBytes = 255

    package let components: [String]

    /// The store's root, the only path without components.
    package static let root = ArtifactPath(unchecked: [])

    private init(unchecked components: [String]) { self.components = components }

    /// Parses `a/b/c`; the empty text is the root.
    package init(_ text: some StringProtocol) throws(ArtifactPathError) {
        guard !text.isEmpty else {
            self = .root
            return
        }
        // Split by bytes: a combining character behind a slash must not hide it.
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        try self.init(components: parts.map { String(decoding: $0, as: UTF8.self) })
    }

    package init(components: [String]) throws(ArtifactPathError) {
        var bytes = -1
        for component in components {
            try ArtifactPath.check(component)
            bytes += component.utf8.count + 1
        }
        guard bytes <= ArtifactPath.maximumBytes else { throw .tooLong(bytes) }
        self.components = components
    }

    private static func check(_ component: String) throws(ArtifactPathError) {
        let bytes = component.utf8
        guard !bytes.isEmpty else { throw .emptyComponent }
        guard component != ".", component != ".." else { throw .dotComponent(component) }
        guard bytes.count <= maximumComponentBytes else { throw .componentTooLong(bytes.count) }
        guard !bytes.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) else { throw .forbiddenByte }
    }

    /// A path below this one; `component` may be several joined by `/`.
    package func appending(_ text: some StringProtocol) throws(ArtifactPathError) -> ArtifactPath {
        try ArtifactPath(components: components + ArtifactPath(text).components)
    }

    /// The containing folder; nil for the root.
    package var parent: ArtifactPath? {
        components.isEmpty ? nil : ArtifactPath(unchecked: Array(components.dropLast()))
    }

    /// The last component; empty for the root.
    package var name: String { components.last ?? "" }

    package var isRoot: Bool { components.isEmpty }

    /// Whether this is `folder` or lies somewhere below it.
    package func isWithin(_ folder: ArtifactPath) -> Bool {
        components.starts(with: folder.components)
    }

    /// Components joined by `/`, without one at either end.
    package var description: String { components.joined(separator: "/") }

    package static func < (left: ArtifactPath, right: ArtifactPath) -> Bool {
        left.components.lexicographicallyPrecedes(right.components)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try ArtifactPath(container.decode(String.self))
        } catch let error as ArtifactPathError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a text is no `ArtifactPath`.
package enum ArtifactPathError: Error, Hashable, CustomStringConvertible {
    case emptyComponent
    case dotComponent(String)
    case componentTooLong(Int)
    case tooLong(Int)
    case forbiddenByte

    package var description: String {
        switch self {
        case .emptyComponent:
            "An artifact's path must not begin or end with a slash or hold two in a row."
        case .dotComponent(let component):
            "An artifact's path must not hold '\(component)' as a component; write the path without it."
        case .componentTooLong(let bytes):
            "A name in an artifact's path has \(bytes) bytes; at most \(ArtifactPath.maximumComponentBytes) are allowed."
        case .tooLong(let bytes):
            "An artifact's path has \(bytes) bytes; at most \(ArtifactPath.maximumBytes) are allowed."
        case .forbiddenByte:
            "A name in an artifact's path must not hold a slash or a NUL byte."
        }
    }
}
