import Scheduling
import Testing

@Suite("Server-sent events as a command reads them")
struct EventReaderTests {
    @Test(
        "events are found however the bytes are cut", arguments: [1, 3, 1000])
    func pieces(size: Int) {
        let text =
            "retry: 2000\n\n:\n\nevent: text\r\nid: 4-2\r\ndata: a\r\ndata:b\r\n\r\ndata: {}\nother: x\n\nevent: end\n"
        var reader = EventReader()
        var events: [EventReader.Event] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += reader.feed(bytes[start..<min(bytes.count, start + size)])
        }
        #expect(events.map(\.type) == ["text", "message"])
        #expect(events.map(\.data) == ["a\nb", "{}"])
        #expect(events.map(\.id) == ["4-2", nil])
    }
}
