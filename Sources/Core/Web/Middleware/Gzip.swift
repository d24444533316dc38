import CZlib
import Hummingbird

/// Compression of responses (RFC 1952), by zlib.
enum Gzip {
    /// Whether a body of that media type and size becomes enough smaller to be worth the work.
    static func isWorthwhile(type: String, count: Int?) -> Bool {
        if let count, count < 1024 { return false }
        let essence = type.prefix { $0 != ";" }.lowercased()
        if essence == "text/event-stream" { return false }
        return essence.hasPrefix("text/") || essence.hasSuffix("+json") || essence.hasSuffix("+xml")
            || ["application/json", "application/javascript", "application/xml", "application/yaml"].contains(essence)
    }

    /// Whether the request takes gzip: named in Accept-Encoding, and not with a weight of 0.
    static func isAccepted(by request: Request) -> Bool {
        for header in request.headers[values: .acceptEncoding] {
            for coding in header.split(separator: ",") {
                let parts = coding.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
                guard let name = parts.first, name == "gzip" || name == "x-gzip" else { continue }
                let refuses = parts.dropFirst().contains { ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0) }
                if !refuses { return true }
            }
        }
        return false
    }

    /// - Parameter level: 1 (fast) to 9 (small).
    static func compress(_ bytes: [UInt8], level: Int32 = 5) -> [UInt8] {
        let compressor = GzipCompressor(level: level)
        var buffer = ByteBuffer()
        compressor.compress(ByteBuffer(bytes: bytes), into: &buffer)
        compressor.finish(into: &buffer)
        return Array(buffer.readableBytesView)
    }
}

/// One gzip stream. Belongs to one task.
final class GzipCompressor {
    private var stream = z_stream()

    init(level: Int32 = 5) {
        // 15 bits of window; 16 more ask for gzip's frame.
        let status = deflateInit2_(
            &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        precondition(status == Z_OK, "zlib could not begin a stream (out of memory?)")
    }

    deinit { deflateEnd(&stream) }

    func compress(_ input: ByteBuffer, into output: inout ByteBuffer) {
        input.withUnsafeReadableBytes { bytes in
            guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
            stream.next_in = UnsafeMutablePointer(mutating: start)
            stream.avail_in = UInt32(bytes.count)
            deflateAll(Z_NO_FLUSH, into: &output)
            stream.next_in = nil
        }
    }

    func finish(into output: inout ByteBuffer) { deflateAll(Z_FINISH, into: &output) }

    private func deflateAll(_ flush: Int32, into output: inout ByteBuffer) {
        var room = 0
        repeat {
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { target in
                stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(target.count)
                deflate(&stream, flush)
                room = Int(stream.avail_out)
                return target.count - room
            }
        } while room == 0
    }
}

/// Compresses what is written through it.
struct GzipWriter: ResponseBodyWriter {
    var parent: any ResponseBodyWriter
    let compressor = GzipCompressor()

    mutating func write(_ buffer: ByteBuffer) async throws {
        var output = ByteBuffer()
        compressor.compress(buffer, into: &output)
        if output.readableBytes > 0 { try await parent.write(output) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        var output = ByteBuffer()
        compressor.finish(into: &output)
        try await parent.write(output)
        try await parent.finish(trailingHeaders)
    }
}
