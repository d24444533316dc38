import FoundationEssentials
import SlipwayModel
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test("a UUID of version 7: the time, then the version and the variant, the rest at random")
    func version7() {
        let id = UUID.version7(milliseconds: 0x0190_1234_5678)
        #expect(id.lowercased.hasPrefix("01901234-5678-7"))
        #expect("89ab".contains(Array(id.lowercased)[19]))
        #expect(id.lowercased == id.uuidString.lowercased())
        #expect(UUID.version7(milliseconds: 1) != UUID.version7(milliseconds: 1))
        #expect(UUID.version7(milliseconds: 1).lowercased < UUID.version7(milliseconds: 2).lowercased)
        // Of many, each random bit is set in some and clear in others.
        let many = (0..<64).map { _ in UUID.version7(milliseconds: 0).uuid }
        let lows = many.map { [$0.7, $0.9, $0.10, $0.11, $0.12, $0.13, $0.14, $0.15] }
        for byte in 0..<8 {
            #expect(lows.reduce(0) { $0 | $1[byte] } == 0xFF)
            #expect(lows.reduce(0xFF) { $0 & $1[byte] } == 0)
        }
    }

    @Test(
        "a traceparent that is understood",
        arguments: [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000010000000000000000-0000000000000001-00",
            // A later version may have more to say.
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes",
        ])
    func traceparent(text: String) throws {
        let trace = try #require(TraceContext(text))
        let parts = text.split(separator: "-")
        #expect(trace.traceID == parts[1] && trace.spanID == parts[2])
        #expect(trace.child().traceID == trace.traceID && trace.child().spanID != trace.spanID)
        #expect(TraceContext(trace.description) == trace)
        #expect(trace.description == "00-\(parts[1])-\(parts[2])-01")
    }

    @Test(
        "a traceparent that is not",
        arguments: [
            "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-bb7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        ])
    func noTraceparent(text: String) { #expect(TraceContext(text) == nil) }

    @Test("a new trace is another one each time")
    func newTrace() {
        #expect(TraceContext().traceID != TraceContext().traceID)
        #expect(TraceContext().traceID.utf8.count == 32 && TraceContext().spanID.utf8.count == 16)
    }
}
