/// W3C trace context (`traceparent`), the part that ties a delivery to everything it causes.
package struct TraceContext: Hashable, Sendable, CustomStringConvertible {
    // 128 bits, not all zero.
    private let upper: UInt64
    private let lower: UInt64
    // Not zero.
    private let span: UInt64

    /// A new trace.
    package init() {
        upper = .random(in: 1...UInt64.max)
        lower = .random(in: 1...UInt64.max)
        span = .random(in: 1...UInt64.max)
    }

    private init(_ upper: UInt64, _ lower: UInt64, _ span: UInt64) {
        self.upper = upper
        self.lower = lower
        self.span = span
    }

    /// Parses a `traceparent` header; nil where it is malformed (a new trace begins then).
    package init?(_ traceparent: String) {
        // VERSION-TRACE-SPAN-FLAGS; a later version may have more to say.
        let text = Array(traceparent.utf8)
        let dash = UInt8(ascii: "-")
        guard text.count >= 53, text[2] == dash, text[35] == dash, text[52] == dash,
            text[..<2] != [UInt8(ascii: "f"), UInt8(ascii: "f")],
            let upper = UInt64(lowerHexadecimal: text[3..<19]), let lower = UInt64(lowerHexadecimal: text[19..<35]),
            let span = UInt64(lowerHexadecimal: text[36..<52]), upper | lower != 0, span != 0
        else { return nil }
        self.init(upper, lower, span)
    }

    /// The same trace, a new span.
    package func child() -> TraceContext { TraceContext(upper, lower, .random(in: 1...UInt64.max)) }

    /// 32 lower-case hexadecimal digits.
    package var traceID: String { upper.lowerHexadecimal + lower.lowerHexadecimal }
    /// 16 lower-case hexadecimal digits.
    package var spanID: String { span.lowerHexadecimal }

    package var description: String { "00-\(traceID)-\(spanID)-01" }

    /// The trace that the current task works for.
    @TaskLocal package static var current: TraceContext?
}
