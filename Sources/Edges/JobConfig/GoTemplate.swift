import FoundationEssentials
package import SlipwayModel

/// The part of Go's `text/template` that configurations write: text, `{{.A.B}}`, `{{$.A}}`, `with`, `if` and `range` with
/// `else` and `end`, comments, trim markers, and the functions `index`, `len`, `eq`, `ne`, `and`, `or`, `not`, `print` and
/// `urlquery`, also in a pipeline. Variables and templates within templates are refused.
package struct GoTemplate: Sendable {
    /// Bytes of a template, and of what it writes.
    package static let maximumBytes = 16_384
    static let maximumDepth = 32

    private let nodes: [Node]

    package init(_ text: String) throws(GoTemplateError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw GoTemplateError("has more than \(Self.maximumBytes) bytes; shorten it")
        }
        var parser = GoTemplateParser(try GoTemplateParser.pieces(of: text))
        nodes = try parser.parse()
    }

    /// - Parameter data: what `.` is; objects have fields.
    /// - Throws: where a field does not exist, as Go does.
    package func render(_ data: JSONValue) throws(GoTemplateError) -> String {
        var output = ""
        try Self.render(nodes, dot: data, root: data, into: &output)
        return output
    }

    indirect enum Node: Sendable {
        enum Block: String, Sendable { case with, `if`, range }

        case text(String)
        case output(Pipeline)
        case block(Block, Pipeline, [Node], otherwise: [Node])
    }

    /// Commands of which each takes the value of the one before as its last argument.
    struct Pipeline: Sendable {
        var commands: [[Operand]]
    }

    indirect enum Operand: Sendable {
        /// `.A.B`, or `$.A.B` from the root.
        case field([String], fromRoot: Bool)
        case literal(JSONValue)
        case function(String)
        case pipeline(Pipeline)
    }

    private static func render(
        _ nodes: [Node], dot: JSONValue, root: JSONValue, into output: inout String
    ) throws(GoTemplateError) {
        for node in nodes {
            switch node {
            case .text(let text): output += text
            case .output(let pipeline): output += try value(of: pipeline, dot, root).printed
            case .block(.range, let pipeline, let body, let otherwise):
                let items = try value(of: pipeline, dot, root).arrayValue ?? []
                if items.isEmpty { try render(otherwise, dot: dot, root: root, into: &output) }
                for item in items { try render(body, dot: item, root: root, into: &output) }
            case .block(let block, let pipeline, let body, let otherwise):
                let value = try value(of: pipeline, dot, root)
                try render(
                    value.isTrue ? body : otherwise, dot: block == .with && value.isTrue ? value : dot, root: root,
                    into: &output)
            }
            guard output.utf8.count <= maximumBytes else {
                throw GoTemplateError("writes more than \(maximumBytes) bytes; shorten it")
            }
        }
    }

    private static func value(
        of pipeline: Pipeline, _ dot: JSONValue, _ root: JSONValue
    ) throws(GoTemplateError) -> JSONValue {
        var last: JSONValue?
        for command in pipeline.commands {
            var arguments: [JSONValue] = []
            for operand in command.dropFirst() { arguments.append(try value(of: operand, dot, root)) }
            if let last { arguments.append(last) }
            if case .function(let name)? = command.first {
                last = try GoTemplateFunctions.call(name, arguments)
            } else if let first = command.first, arguments.isEmpty {
                last = try value(of: first, dot, root)
            } else {
                throw GoTemplateError("gives arguments to what is no function; write e.g. index .Spec.Refs.Pulls 0")
            }
        }
        return last ?? .null
    }

    private static func value(
        of operand: Operand, _ dot: JSONValue, _ root: JSONValue
    ) throws(GoTemplateError) -> JSONValue {
        switch operand {
        case .literal(let value): return value
        case .function(let name): return try GoTemplateFunctions.call(name, [])
        case .pipeline(let pipeline): return try value(of: pipeline, dot, root)
        case .field(let path, let fromRoot):
            var value = fromRoot ? root : dot
            for name in path {
                guard let member = value[name] else {
                    throw GoTemplateError("names the field '\(name.prefix(60))', which does not exist; correct it")
                }
                value = member
            }
            return value
        }
    }
}

/// Why a text is no template, or cannot be filled in; continues a sentence that names the template.
package struct GoTemplateError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

enum GoTemplateFunctions {
    static let names: Set<String> = ["index", "len", "eq", "ne", "and", "or", "not", "print", "urlquery"]

    static func call(_ name: String, _ arguments: [JSONValue]) throws(GoTemplateError) -> JSONValue {
        let first = arguments.first
        switch (name, arguments.count) {
        case ("index", 2...):
            var value = arguments[0]
            for key in arguments.dropFirst() {
                if let items = value.arrayValue, let index = key.intValue, items.indices.contains(Int(index)) {
                    value = items[Int(index)]
                } else if let key = key.stringValue, case .object = value {
                    value = value[key] ?? .null
                } else {
                    throw GoTemplateError("takes the index \(key.printed.prefix(60)) of what does not have it")
                }
            }
            return value
        case ("len", 1):
            if let text = first?.stringValue { return .integer(Int64(text.utf8.count)) }
            return .integer(Int64(first?.arrayValue?.count ?? first?.objectValue?.count ?? 0))
        case ("eq", 2...): return .bool(arguments.dropFirst().contains { $0 == first })
        case ("ne", 2): return .bool(arguments[0] != arguments[1])
        case ("and", 1...): return arguments.first { !$0.isTrue } ?? arguments[arguments.count - 1]
        case ("or", 1...): return arguments.first(where: \.isTrue) ?? arguments[arguments.count - 1]
        case ("not", 1): return .bool(first?.isTrue == false)
        case ("print", _): return .string(arguments.map(\.printed).joined())
        case ("urlquery", _): return .string(escaped(arguments.map(\.printed).joined()))
        default:
            throw GoTemplateError("gives '\(name)' \(arguments.count) arguments, which it does not take; correct them")
        }
    }

    /// Go's `url.QueryEscape`.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if byte < 0x80, scalar.properties.isAlphabetic || (0x30...0x39).contains(byte) || "-_.~".utf8.contains(byte)
            {
                result.unicodeScalars.append(scalar)
            } else if byte == UInt8(ascii: " ") {
                result += "+"
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}

extension JSONValue {
    /// Go's truth: not empty, not zero, not false.
    fileprivate var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .string(let value): !value.isEmpty
        case .array(let items): !items.isEmpty
        case .object: true
        }
    }

    fileprivate var printed: String {
        switch self {
        case .null: "<no value>"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .string(let value): value
        case .array(let items): "[\(items.map(\.printed).joined(separator: " "))]"
        case .object(let members):
            "{\(members.sorted { $0.key < $1.key }.map(\.value.printed).joined(separator: " "))}"
        }
    }
}
