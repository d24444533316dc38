import CYaml

/// Why a document cannot be read, and where.
struct YAMLError: Error {
    var line: Int
    var message: String
}

/// Builds the tree of a document from libyaml's events.
///
/// libyaml comes with Yams, whose own composer neither bounds what it builds nor keeps the lines apart from the
/// tree, and takes ten times as long: it tries seven regular expressions on each key.
final class YAMLComposer {
    /// What a document may hold; far beyond any honest configuration.
    struct Limits: Sendable {
        var depth = 64
        /// Values once every alias is written out.
        var values = 1_000_000
    }

    struct Document {
        /// Nil for an empty file.
        var root: YAMLNode?
        var warnings: [(line: Int, message: String)]
    }

    private let limits: Limits
    private let bytes: [UInt8]
    /// At one place for its whole life: libyaml keeps a pointer to it.
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private var anchors: [String: YAMLNode] = [:]
    private var warnings: [(line: Int, message: String)] = []
    private var values = 0

    private init(_ bytes: [UInt8], limits: Limits) {
        self.bytes = bytes
        self.limits = limits
        yaml_parser_initialize(parser)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Reads the first document, as Prow does; a second one is a warning.
    static func compose(_ bytes: [UInt8], limits: Limits = Limits()) throws(YAMLError) -> Document {
        guard !bytes.isEmpty else { return Document(root: nil, warnings: []) }
        let composer = YAMLComposer(bytes, limits: limits)
        // libyaml reads the bytes only within this scope.
        let result: Result<Document, YAMLError> = bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_input_string(composer.parser, buffer.baseAddress, buffer.count)
            do throws(YAMLError) {
                return .success(try composer.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func document() throws(YAMLError) -> Document {
        try next { _ throws(YAMLError) in }
        var root: YAMLNode?
        var kind = YAML_NO_EVENT
        try next { event throws(YAMLError) in kind = event.type }
        if kind == YAML_DOCUMENT_START_EVENT {
            root = try node(depth: 0)
            try next { _ throws(YAMLError) in }
            var line = 0
            try next { event throws(YAMLError) in
                kind = event.type
                line = Int(event.start_mark.line) + 1
            }
            if kind == YAML_DOCUMENT_START_EVENT {
                warnings.append((line, "a second document begins here and is not read; move it into a file of its own"))
            }
        }
        return Document(root: root, warnings: warnings)
    }

    // MARK: Events

    /// The next event, given to `body` and deleted after it.
    private func next(_ body: (yaml_event_t) throws(YAMLError) -> Void) throws(YAMLError) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        try body(event)
    }

    /// What an event says, in Swift's own types.
    private enum Token {
        case alias(String)
        case scalar(YAMLScalar, anchor: String?)
        case sequence(anchor: String?)
        case mapping(anchor: String?)
        case end
    }

    private func token() throws(YAMLError) -> (Token, line: Int) {
        var result = (Token.end, line: 0)
        try next { event throws(YAMLError) in
            result.line = Int(event.start_mark.line) + 1
            switch event.type {
            case YAML_ALIAS_EVENT: result.0 = .alias(YAMLComposer.text(event.data.alias.anchor) ?? "")
            case YAML_SCALAR_EVENT:
                let data = event.data.scalar
                let text = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
                // A plain scalar without a tag is looked at; a tag other than `!!str` changes nothing.
                let isText = data.style != YAML_PLAIN_SCALAR_STYLE || YAMLComposer.isStringTag(data.tag)
                result.0 = .scalar(YAMLScalar(text: text, isText: isText), anchor: YAMLComposer.text(data.anchor))
            case YAML_SEQUENCE_START_EVENT:
                result.0 = .sequence(anchor: YAMLComposer.text(event.data.sequence_start.anchor))
            case YAML_MAPPING_START_EVENT:
                result.0 = .mapping(anchor: YAMLComposer.text(event.data.mapping_start.anchor))
            default: break
            }
        }
        return result
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func isStringTag(_ tag: UnsafeMutablePointer<yaml_char_t>?) -> Bool {
        guard let tag = text(tag) else { return false }
        return tag == "tag:yaml.org,2002:str" || tag == "!"
    }

    // MARK: Nodes

    private func node(depth: Int) throws(YAMLError) -> YAMLNode {
        let (token, line) = try token()
        return try node(token, line: line, depth: depth)
    }

    private func node(_ token: Token, line: Int, depth: Int) throws(YAMLError) -> YAMLNode {
        guard depth <= limits.depth else {
            throw YAMLError(line: line, message: "it nests deeper than \(limits.depth) levels; flatten it")
        }
        var node = YAMLNode(content: .sequence([]), line: line, weight: 1, height: 0)
        var anchor: String?
        switch token {
        case .end: throw YAMLError(line: line, message: "it ends in the middle of a value; complete it")
        case .alias(let name):
            guard let known = anchors[name] else {
                throw YAMLError(line: line, message: "the alias *\(name) has no anchor &\(name) before it; define it")
            }
            node = known
            node.line = line
            guard depth + known.height <= limits.depth else {
                throw YAMLError(
                    line: line,
                    message: "with the alias *\(name) it nests deeper than \(limits.depth) levels; flatten it")
            }
        case .scalar(let scalar, let name):
            node.content = .scalar(scalar)
            anchor = name
        case .sequence(let name):
            anchor = name
            var items: [YAMLNode] = []
            while true {
                let (token, line) = try self.token()
                if case .end = token { break }
                let item = try self.node(token, line: line, depth: depth + 1)
                node.add(item)
                items.append(item)
            }
            node.content = .sequence(items)
        case .mapping(let name):
            anchor = name
            node.content = .mapping(try entries(of: &node, depth: depth))
        }
        // Written-out size is counted where it arises: a bomb ends at its first alias too many.
        values += 1
        guard node.weight <= limits.values, values <= limits.values else {
            throw YAMLError(
                line: line,
                message:
                    "with its aliases written out it holds more than \(limits.values) values; split it or use fewer aliases"
            )
        }
        if let anchor { anchors[anchor] = node }
        return node
    }

    private func entries(of node: inout YAMLNode, depth: Int) throws(YAMLError) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var index: [String: Int] = [:]
        var merged: [YAMLEntry] = []
        while true {
            let (token, line) = try token()
            if case .end = token { break }
            let keyNode = try self.node(token, line: line, depth: depth + 1)
            guard case .scalar(let key) = keyNode.content else {
                throw YAMLError(line: line, message: "a key is \(keyNode.kind); write keys as plain text")
            }
            let value = try self.node(depth: depth + 1)
            node.add(value)
            if key.text == "<<", !key.isText {
                merged += try YAMLComposer.merge(value)
                continue
            }
            let position: Int?
            if entries.count < 8 {
                position = entries.firstIndex { $0.key == key.text }
            } else {
                if index.isEmpty { for (place, entry) in entries.enumerated() { index[entry.key] = place } }
                position = index[key.text]
            }
            if let position {
                let message =
                    "the key '\(key.text)' was already set in line \(entries[position].line); the later one counts,"
                    + " remove one of them"
                warnings.append((line, message))
                entries[position] = YAMLEntry(key: key.text, line: line, value: value)
            } else {
                if !index.isEmpty { index[key.text] = entries.count }
                entries.append(YAMLEntry(key: key.text, line: line, value: value))
            }
        }
        if !merged.isEmpty {
            // What stands in the mapping itself wins, then the first of the merged ones.
            var known = Set(entries.map(\.key))
            for entry in merged where known.insert(entry.key).inserted { entries.append(entry) }
        }
        return entries
    }

    private static func merge(_ value: YAMLNode) throws(YAMLError) -> [YAMLEntry] {
        switch value.content {
        case .mapping(let entries): return entries
        case .sequence(let items):
            var all: [YAMLEntry] = []
            for item in items {
                guard case .mapping(let entries) = item.content else { break }
                all += entries
            }
            return all
        case .scalar: throw YAMLError(line: value.line, message: "'<<' merges mappings; give it an alias of one")
        }
    }

    // MARK: Errors

    private func failure() -> YAMLError {
        let parser = parser.pointee
        let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be parsed"
        if parser.error == YAML_READER_ERROR {
            let line = bytes.prefix(parser.problem_offset).count { $0 == UInt8(ascii: "\n") } + 1
            return YAMLError(line: line, message: "it is not valid YAML: \(problem); save the file as UTF-8 text")
        }
        let context = parser.context.map { String(cString: $0) + " (line \(parser.context_mark.line + 1)): " } ?? ""
        let place = "line \(parser.problem_mark.line + 1), column \(parser.problem_mark.column + 1)"
        return YAMLError(
            line: Int(parser.problem_mark.line) + 1,
            message: "it is not valid YAML: \(context)\(problem) at \(place); correct the indentation or quoting there")
    }
}

extension YAMLNode {
    /// Counts a child in.
    fileprivate mutating func add(_ child: YAMLNode) {
        weight = weight.addingReportingOverflow(child.weight).overflow ? .max : weight + child.weight
        height = max(height, child.height + 1)
    }
}
