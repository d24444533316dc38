#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Colour and progress, only where somebody sees them.
package enum Terminal {
    package enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case dim = "2"
    }

    /// Standard output is a terminal and NO_COLOR is not set.
    package static let hasColour = isatty(1) == 1 && getenv("NO_COLOR") == nil

    package static func paint(_ text: String, _ colour: Colour) -> String {
        hasColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Overwrites one line of standard error with what is going on; an empty text takes the line away. Says nothing
    /// where standard error is no terminal.
    package static func progress(_ text: String) {
        guard isatty(2) == 1 else { return }
        write("\r\u{1B}[K\(text)")
    }

    /// A line on standard error.
    package static func complain(_ line: String) { write(line + "\n") }

    /// Bytes on standard output, at once and as they are.
    package static func output(_ bytes: some Sequence<UInt8>) { write(Array(bytes), to: 1) }

    private static func write(_ text: String) { write(Array(text.utf8), to: 2) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { bytes in
                #if canImport(Glibc)
                    Glibc.write(descriptor, bytes.baseAddress, bytes.count)
                #else
                    Darwin.write(descriptor, bytes.baseAddress, bytes.count)
                #endif
            }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}
