import FoundationEssentials
import SlipwayModel

/// Reads a template's text into nodes: first its pieces, text and actions in turn, then blocks by recursive descent.
struct GoTemplateParser {
    enum Piece: Sendable {
        case text(String)
        /// What stands between the braces.
        case action(String)
    }

    private enum End { case finished, otherwise, end }

    private let pieces: [Piece]
    private var position = 0

    init(_ pieces: [Piece]) { self.pieces = pieces }

    static func pieces(of text: String) throws(GoTemplateError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = Substring(text)
        var trims = false
        while let open = rest.firstRange(of: "{{") {
            var before = String(rest[..<open.lowerBound])
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else {
                throw GoTemplateError("has '{{' without '}}'; close it")
            }
            var action = rest[..<close.lowerBound]
            rest = rest[close.upperBound...]
            if trims { before = String(before.drop(while: { $0.isWhitespace })) }
            if action.hasPrefix("-"), action.dropFirst().first?.isWhitespace == true {
                action = action.dropFirst()
                while before.last?.isWhitespace == true { before.removeLast() }
            }
            trims = false
            if action.hasSuffix("-"), action.dropLast().last?.isWhitespace == true {
                action = action.dropLast()
                trims = true
            }
            if !before.isEmpty { pieces.append(.text(before)) }
            let content = action.drop(while: { $0.isWhitespace })
            if !content.hasPrefix("/*") { pieces.append(.action(String(content))) }
        }
        let last = trims ? String(rest.drop(while: { $0.isWhitespace })) : String(rest)
        if !last.isEmpty { pieces.append(.text(last)) }
        return pieces
    }

    mutating func parse() throws(GoTemplateError) -> [GoTemplate.Node] {
        let (nodes, end) = try block(depth: 0)
        guard end == .finished else { throw GoTemplateError("has an 'end' or 'else' without a block; remove it") }
        return nodes
    }

    private mutating func block(depth: Int) throws(GoTemplateError) -> ([GoTemplate.Node], End) {
        guard depth <= GoTemplate.maximumDepth else {
            throw GoTemplateError("nests deeper than \(GoTemplate.maximumDepth) blocks; simplify it")
        }
        var nodes: [GoTemplate.Node] = []
        while position < pieces.count {
            let piece = pieces[position]
            position += 1
            guard case .action(let action) = piece else {
                if case .text(let text) = piece { nodes.append(.text(text)) }
                continue
            }
            var tokens = try GoTemplateTokens(action)
            guard case .word(let word)? = tokens.first else {
                nodes.append(.output(try tokens.pipeline()))
                continue
            }
            switch word {
            case "end": return (nodes, .end)
            case "else":
                guard tokens.count == 1 else {
                    throw GoTemplateError("has 'else' with a condition; write if within else")
                }
                return (nodes, .otherwise)
            case "with", "if", "range":
                guard let kind = GoTemplate.Node.Block(rawValue: word) else { continue }
                tokens.removeFirst()
                nodes.append(try block(kind, tokens, depth: depth))
            default: nodes.append(.output(try tokens.pipeline()))
            }
        }
        return (nodes, .finished)
    }

    private mutating func block(
        _ kind: GoTemplate.Node.Block, _ condition: GoTemplateTokens, depth: Int
    ) throws(GoTemplateError) -> GoTemplate.Node {
        var condition = condition
        let pipeline = try condition.pipeline()
        let (body, end) = try block(depth: depth + 1)
        var otherwise: [GoTemplate.Node] = []
        var last = end
        if end == .otherwise { (otherwise, last) = try block(depth: depth + 1) }
        guard last == .end else { throw GoTemplateError("has '\(kind.rawValue)' without 'end'; add {{end}}") }
        return .block(kind, pipeline, body, otherwise: otherwise)
    }
}

/// The words of one action.
struct GoTemplateTokens {
    enum Token: Sendable, Hashable {
        case word(String)
        case field([String], fromRoot: Bool)
        case literal(JSONValue)
        case pipe, open, close
    }

    private var tokens: ArraySlice<Token>

    var first: Token? { tokens.first }
    var count: Int { tokens.count }
    mutating func removeFirst() { tokens = tokens.dropFirst() }

    init(_ action: String) throws(GoTemplateError) {
        var found: [Token] = []
        var rest = Substring(action)
        while let next = rest.first {
            switch next {
            case _ where next.isWhitespace: rest.removeFirst()
            case "|", "(", ")":
                found.append(next == "|" ? .pipe : next == "(" ? .open : .close)
                rest.removeFirst()
            case "\"", "`":
                rest.removeFirst()
                guard let close = rest.firstIndex(of: next), !rest[..<close].contains("\\") || next == "`" else {
                    throw GoTemplateError(
                        "has a text that does not end or that holds a backslash; write it in backquotes")
                }
                found.append(.literal(.string(String(rest[..<close]))))
                rest = rest[rest.index(after: close)...]
            default:
                let word = rest.prefix { !$0.isWhitespace && !"|()\"`".contains($0) }
                found.append(try Self.token(String(word)))
                rest = rest.dropFirst(word.count)
            }
        }
        tokens = found[...]
    }

    private static func token(_ word: String) throws(GoTemplateError) -> Token {
        if let number = Int64(word) { return .literal(.integer(number)) }
        switch word {
        case "true", "false": return .literal(.bool(word == "true"))
        case "nil": return .literal(.null)
        case ".": return .field([], fromRoot: false)
        case "$": return .field([], fromRoot: true)
        default: break
        }
        if word.hasPrefix(".") || word.hasPrefix("$.") {
            let path = word.drop { $0 == "$" }.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
            guard path.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } }) else {
                throw GoTemplateError("has the field '\(word.prefix(60))', which is none; write e.g. .Spec.Job")
            }
            return .field(path.map(String.init), fromRoot: word.hasPrefix("$"))
        }
        if word.hasPrefix("$") {
            throw GoTemplateError("has the variable '\(word.prefix(60))', which is not served; write the field instead")
        }
        return .word(word)
    }

    /// All that is left.
    mutating func pipeline() throws(GoTemplateError) -> GoTemplate.Pipeline {
        let pipeline = try commands(depth: 0)
        guard tokens.isEmpty else { throw GoTemplateError("has a ')' without '('; remove it") }
        return pipeline
    }

    private mutating func commands(depth: Int) throws(GoTemplateError) -> GoTemplate.Pipeline {
        guard depth <= GoTemplate.maximumDepth else {
            throw GoTemplateError("nests more than \(GoTemplate.maximumDepth) parentheses; simplify it")
        }
        var commands: [[GoTemplate.Operand]] = [[]]
        loop: while let token = tokens.first {
            var operand: GoTemplate.Operand
            switch token {
            case .close: break loop
            case .pipe:
                removeFirst()
                commands.append([])
                continue loop
            case .open:
                removeFirst()
                operand = .pipeline(try self.commands(depth: depth + 1))
                guard tokens.first == .close else { throw GoTemplateError("has a '(' without ')'; close it") }
            case .word(let name):
                guard GoTemplateFunctions.names.contains(name) else {
                    let known = GoTemplateFunctions.names.sorted().joined(separator: ", ")
                    throw GoTemplateError("has '\(name.prefix(60))', which is not served; write one of \(known)")
                }
                operand = .function(name)
            case .field(let path, let fromRoot): operand = .field(path, fromRoot: fromRoot)
            case .literal(let value): operand = .literal(value)
            }
            removeFirst()
            commands[commands.count - 1].append(operand)
        }
        guard commands.allSatisfy({ !$0.isEmpty }) else {
            throw GoTemplateError("has an action that says nothing; write e.g. {{.Spec.Job}}")
        }
        return GoTemplate.Pipeline(commands: commands)
    }
}
