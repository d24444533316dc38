/// What a template shows. Text is escaped when it is shown, whatever the template's author wrote around it; only
/// `Markup` is not.
package enum PageValue: Sendable {
    case text(String)
    case markup(Markup)
    case flag(Bool)
    case list([PageValue])
    case object([String: PageValue])
    case nothing

    package static func number(_ value: some BinaryInteger) -> PageValue { .text(String(value)) }
    package static func optional(_ text: String?) -> PageValue { text.map { .text($0) } ?? .nothing }
    package static func objects(_ objects: some Sequence<[String: PageValue]>) -> PageValue {
        .list(objects.map { .object($0) })
    }
}

extension PageValue: ExpressibleByStringInterpolation, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(booleanLiteral value: Bool) { self = .flag(value) }
    package init(arrayLiteral elements: PageValue...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, PageValue)...) {
        self = .object(Dictionary(elements) { $1 })
    }
}

/// HTML (or SVG) that is shown as it is. Made only from literals, and from text by escaping it.
package struct Markup: Sendable, Hashable, ExpressibleByStringInterpolation {
    package private(set) var html: String

    package init(stringLiteral value: String) { html = value }
    package init(stringInterpolation: StringInterpolation) { html = stringInterpolation.html }

    /// Text, escaped for content and for quoted attributes.
    package init(escaping text: String) { html = Markup.escape(text) }

    package init(joining parts: some Sequence<Markup>, by separator: Markup = "") {
        html = parts.map(\.html).joined(separator: separator.html)
    }

    /// JSON as a script's literal: nothing in it can end the script or begin a comment of HTML.
    package static func script(_ json: String) -> Markup {
        Markup(
            rendered: json.replacing("<", with: "\\u003c").replacing(">", with: "\\u003e")
                .replacing("&", with: "\\u0026").replacing("\u{2028}", with: "\\u2028")
                .replacing("\u{2029}", with: "\\u2029"))
    }

    /// What the template engine rendered: safe because every value in it was escaped.
    init(rendered: String) { html = rendered }

    package static func + (left: Markup, right: Markup) -> Markup { Markup(rendered: left.html + right.html) }
    package static func += (left: inout Markup, right: Markup) { left.html += right.html }

    package struct StringInterpolation: StringInterpolationProtocol {
        var html: String

        package init(literalCapacity: Int, interpolationCount: Int) {
            html = ""
            html.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        package mutating func appendLiteral(_ literal: String) { html += literal }
        package mutating func appendInterpolation(_ text: String) { html += Markup.escape(text) }
        package mutating func appendInterpolation(_ number: some BinaryInteger) { html += String(number) }
        package mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
    }

    /// Escapes byte by byte: a quote with a combining mark behind it is one `Character`, yet two code points to a
    /// browser.
    static func escape(_ text: String) -> String {
        guard text.utf8.contains(where: isSpecial) else { return text }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count + 32)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): escaped.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: "<"): escaped.append(contentsOf: "&lt;".utf8)
            case UInt8(ascii: ">"): escaped.append(contentsOf: "&gt;".utf8)
            case UInt8(ascii: "\""): escaped.append(contentsOf: "&quot;".utf8)
            case UInt8(ascii: "'"): escaped.append(contentsOf: "&#39;".utf8)
            case 0x00..<0x09, 0x0B..<0x0D, 0x0E..<0x20, 0x7F:
                // Control characters have no place in HTML; the replacement character shows that something was there.
                escaped.append(contentsOf: "\u{FFFD}".utf8)
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"), 0x7F:
            true
        case 0x09, 0x0A, 0x0D: false
        default: byte < 0x20
        }
    }
}
