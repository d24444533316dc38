#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Colour, only where somebody sees it.
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
}
