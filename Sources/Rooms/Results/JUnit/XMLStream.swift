import CExpat

/// Reads XML as it arrives and tells a handler of elements and text. No document type, so no entities; depth bounded.
final class XMLStream {
    protocol Handler: AnyObject {
        func begin(_ element: String, _ attributes: [String: String])
        func text(_ bytes: UnsafeBufferPointer<UInt8>)
        func end(_ element: String)
        /// A sentence once the handler wants no more; asked after every element.
        var refusal: String? { get }
    }

    private let parser: XML_Parser
    private let handler: any Handler
    private let maximumDepth: Int
    private var depth = 0
    private var failure: String?

    /// - Parameter encoding: overrides what the document says of itself; nil to believe it.
    init(encoding: String?, maximumDepth: Int, handler: any Handler) {
        guard let parser = XML_ParserCreate(encoding) else {
            preconditionFailure("expat could not make a parser (out of memory?)")
        }
        self.parser = parser
        self.handler = handler
        self.maximumDepth = maximumDepth
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { context, name, attributes in XMLStream.of(context)?.begin(name, attributes) },
            { context, name in XMLStream.of(context)?.end(name) })
        XML_SetCharacterDataHandler(parser) { context, start, count in XMLStream.of(context)?.text(start, count) }
        XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
            XMLStream.of(context)?.stop("it has a document type declaration, which is refused")
        }
    }

    deinit { XML_ParserFree(parser) }

    /// Hands over the next bytes; nil while all is well, else what is wrong and where.
    func parse(_ bytes: [UInt8], isLast: Bool) -> String? {
        if let failure { return failure }
        let status = bytes.withUnsafeBytes { buffer in
            XML_Parse(
                parser, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count), isLast ? 1 : 0)
        }
        guard status == XML_STATUS_ERROR, failure == nil else { return failure }
        let reason = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "not well-formed"
        failure = "line \(XML_GetCurrentLineNumber(parser)): \(reason)"
        return failure
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> XMLStream? {
        context.map { Unmanaged<XMLStream>.fromOpaque($0).takeUnretainedValue() }
    }

    private func begin(
        _ name: UnsafePointer<XML_Char>?, _ list: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        guard let name else { return }
        depth += 1
        guard depth <= maximumDepth else { return stop("its elements are nested deeper than \(maximumDepth)") }
        var attributes: [String: String] = [:]
        var index = 0
        while let key = list?[index], let value = list?[index + 1] {
            attributes[Self.localName(key)] = String(cString: value)
            index += 2
        }
        handler.begin(Self.localName(name), attributes)
        if let refusal = handler.refusal { stop(refusal) }
    }

    private func end(_ name: UnsafePointer<XML_Char>?) {
        depth -= 1
        if let name, failure == nil { handler.end(Self.localName(name)) }
    }

    private func text(_ start: UnsafePointer<XML_Char>?, _ count: Int32) {
        guard let start, failure == nil else { return }
        start.withMemoryRebound(to: UInt8.self, capacity: Int(count)) {
            handler.text(UnsafeBufferPointer(start: $0, count: Int(count)))
        }
    }

    private func stop(_ reason: String) {
        if failure == nil { failure = "line \(XML_GetCurrentLineNumber(parser)): \(reason)" }
        XML_StopParser(parser, 0)
    }

    /// Without a namespace's prefix.
    private static func localName(_ name: UnsafePointer<XML_Char>) -> String {
        let text = String(cString: name)
        return text.utf8.lastIndex(of: UInt8(ascii: ":")).map { String(text[text.index(after: $0)...]) } ?? text
    }
}
