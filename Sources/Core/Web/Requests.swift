import FoundationEssentials
package import Hummingbird
import NIOCore

/// The names and values of a query string or a form, decoded and bounded.
package struct QueryParameters: Sendable {
    /// A query or form of more bytes or names is refused.
    package static let maximumBytes = 8 << 10
    package static let maximumCount = 100

    private let values: [(name: String, value: String)]

    /// The query of a request. 400 for what is no UTF-8, 414 for one that is too long.
    package init(of request: Request) throws(WebError) {
        try self.init(request.uri.query ?? "", status: .uriTooLong)
    }

    /// `a=b&c=d`, percent-encoded, `+` for a space.
    package init(_ text: String, status: HTTPResponse.Status = .badRequest) throws(WebError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw WebError(
                status, "\(text.utf8.count) bytes of parameters; at most \(Self.maximumBytes) are taken. Ask for less.")
        }
        var values: [(String, String)] = []
        for part in text.utf8.split(separator: UInt8(ascii: "&")) {
            guard values.count < Self.maximumCount else {
                throw WebError(status, "More than \(Self.maximumCount) parameters; ask for less.")
            }
            let pieces = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(pieces[0]), let value = pieces.count == 2 ? Self.decode(pieces[1]) : "" else {
                throw .badRequest(
                    "A parameter is not percent-encoded UTF-8: '\(String(decoding: part.prefix(80), as: UTF8.self))'.")
            }
            values.append((name, value))
        }
        self.values = values
    }

    /// The first value of that name; nil where it is absent or empty.
    package subscript(name: String) -> String? {
        values.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    /// All values of that name that are not empty.
    package func all(_ name: String) -> [String] {
        values.filter { $0.name == name && !$0.value.isEmpty }.map(\.value)
    }

    package func has(_ name: String) -> Bool { values.contains { $0.name == name } }

    /// A bounded text; 400 beyond `maximum` bytes or with a control character in it.
    package func text(_ name: String, maximum: Int = 200) throws(WebError) -> String? {
        guard let value = self[name] else { return nil }
        guard value.utf8.count <= maximum else {
            throw .badRequest("The parameter '\(name)' has \(value.utf8.count) bytes; at most \(maximum) are taken.")
        }
        guard !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .badRequest("The parameter '\(name)' holds a control character; leave it out.")
        }
        return value
    }

    /// A whole number in a range; 400 for anything else.
    package func integer(
        _ name: String, in range: ClosedRange<Int64> = 0...Int64.max
    ) throws(WebError) -> Int64? {
        guard let value = self[name] else { return nil }
        guard let number = Int64(value), range.contains(number) else {
            throw .badRequest(
                "The parameter '\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound), not "
                    + "'\(value.prefix(40))'.")
        }
        return number
    }

    /// One of an enum's raw values; 400 with the list for anything else.
    package func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws(WebError) -> Choice? where Choice.RawValue == String {
        guard let value = self[name] else { return nil }
        guard let choice = Choice(rawValue: value) else {
            throw .badRequest(
                "The parameter '\(name)' must be one of "
                    + Choice.allCases.map(\.rawValue).joined(separator: ", ") + ", not '\(value.prefix(40))'.")
        }
        return choice
    }

    private static func decode(_ bytes: Substring.UTF8View) -> String? {
        PercentEncoding.decode(bytes, plusIsSpace: true)
    }
}

enum PercentEncoding {
    /// The text of `%XX` and plain bytes; nil where that is malformed, no UTF-8, or holds a NUL.
    static func decode(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        var decoded: [UInt8] = []
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace: decoded.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        guard !decoded.contains(0) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Request {
    package func query() throws(WebError) -> QueryParameters { try QueryParameters(of: self) }

    /// The fields of a posted form (`application/x-www-form-urlencoded`), at most 8 KB of them.
    package func form() async throws -> QueryParameters {
        let buffer: ByteBuffer
        do {
            buffer = try await body.collect(upTo: QueryParameters.maximumBytes)
        } catch is NIOTooManyBytesError {
            throw WebError(
                .contentTooLarge, "The form has more than \(QueryParameters.maximumBytes) bytes; send less.")
        }
        return try QueryParameters(String(buffer: buffer))
    }
}

extension SlipwayContext {
    /// A component of the route's path, percent-decoded; 400 when it is malformed or longer than `maximum` bytes.
    package func pathText(_ name: String, maximum: Int = 255) throws(WebError) -> String {
        guard let value = parameters.get(name), let text = PercentEncoding.decode(value.utf8), !text.isEmpty,
            text.utf8.count <= maximum, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else {
            throw .badRequest(
                "The part '\(name)' of the path is empty, too long, not UTF-8, or holds a control character.")
        }
        return text
    }

    /// The components that a `**` route caught, percent-decoded.
    package func pathRest() throws(WebError) -> [String] {
        var components: [String] = []
        for component in parameters.getCatchAll() {
            guard let text = PercentEncoding.decode(component.utf8) else {
                throw .badRequest("The path is not percent-encoded UTF-8.")
            }
            components.append(text)
        }
        return components
    }
}

/// Percent-encoding for links.
package enum Link {
    /// Joins path components, each encoded; begins with a slash.
    package static func path(_ components: String...) -> String {
        components.reduce(into: "") { $0 += "/" + encode($1) }
    }

    /// `?a=b&c=d` of what has a value; empty where nothing has.
    package static func query(_ values: [(String, String?)]) -> String {
        let parts = values.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(encode(name))=\(encode($0))" }
        }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    /// Everything but unreserved characters (RFC 3986) as `%XX`.
    package static func encode(_ text: String) -> String {
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default:
                encoded.append(UInt8(ascii: "%"))
                for nibble in [byte >> 4, byte & 15] {
                    encoded.append(nibble < 10 ? nibble + UInt8(ascii: "0") : nibble - 10 + UInt8(ascii: "A"))
                }
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// The link if it is one that a page may carry: http, https, or a path of this site; nil for the rest (`javascript:`).
    package static func external(_ text: String?) -> String? {
        guard let text, text.hasPrefix("https://") || text.hasPrefix("http://"), text.utf8.count <= 2048,
            !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
        else { return nil }
        return text
    }

    /// A place to go back to after signing in: a path of this site and nothing else.
    package static func local(_ text: String?) -> String? {
        guard let text, text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= 2048 else { return nil }
        let second = text.utf8.dropFirst().first
        guard second != UInt8(ascii: "/"), second != UInt8(ascii: "\\"),
            !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") })
        else { return nil }
        return text
    }
}
