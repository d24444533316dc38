import HTTPTypes
import Hummingbird
import Signatures

/// Tags what is small enough to be held, answers 304 to who has it already, and compresses text.
struct DeliveryMiddleware: RouterMiddleware {
    typealias Context = SlipwayContext

    /// Bodies up to this size are held to be tagged; larger ones stream.
    static let heldBytes = 1 << 20

    func handle(
        _ request: Request, context: SlipwayContext, next: (Request, SlipwayContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard response.headers[.contentEncoding] == nil, let type = response.headers[.contentType],
            Gzip.isWorthwhile(type: type, count: nil), response.status.code != 206
        else { return response }
        if response.headers[.vary] == nil { response.headers[.vary] = "Accept-Encoding" }

        let length = response.body.contentLength
        if let length, length <= Self.heldBytes {
            let bytes = try await HeldBody.collect(response.body)
            if request.method == .get, response.status == .ok, response.headers[.eTag] == nil, length > 0 {
                response.headers[.eTag] = "W/\"\(SHA256.hexadecimal(bytes.readableBytesView).prefix(24))\""
            }
            if let tag = response.headers[.eTag], Self.isKnown(tag, to: request), response.status == .ok {
                return Response(status: .notModified, headers: Self.headersOf304(response.headers))
            }
            guard Gzip.isWorthwhile(type: type, count: length), Gzip.isAccepted(by: request) else {
                response.body = ResponseBody(byteBuffer: bytes)
                return response
            }
            let compressor = GzipCompressor()
            var output = ByteBufferAllocator().buffer(capacity: length / 3 + 1024)
            compressor.compress(bytes, into: &output)
            compressor.finish(into: &output)
            response.body = ResponseBody(byteBuffer: output)
            response.headers[.contentEncoding] = "gzip"
            return response
        }

        guard Gzip.isAccepted(by: request) else { return response }
        let body = response.body
        response.body = ResponseBody { writer in try await body.write(GzipWriter(parent: writer)) }
        response.headers[.contentLength] = nil
        response.headers[.acceptRanges] = nil
        response.headers[.contentEncoding] = "gzip"
        return response
    }

    /// If-None-Match by weak comparison (RFC 9110, 13.1.2).
    static func isKnown(_ tag: String, to request: Request) -> Bool {
        let opaque = { (tag: Substring) in tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
        return request.headers[values: .ifNoneMatch].contains { header in
            header == "*"
                || header.split(separator: ",").contains { candidate in
                    opaque(candidate.drop { $0 == " " }) == opaque(tag[...])
                }
        }
    }

    private static func headersOf304(_ headers: HTTPFields) -> HTTPFields {
        var kept = HTTPFields()
        for name in [HTTPField.Name.eTag, .vary, .cacheControl, .lastModified] { kept[name] = headers[name] }
        return kept
    }
}

/// Takes a body into memory.
enum HeldBody {
    static func collect(_ body: ResponseBody) async throws -> ByteBuffer {
        let writer = Writer()
        try await body.write(writer)
        return writer.buffer
    }

    private final class Writer: ResponseBodyWriter {
        var buffer = ByteBuffer()

        func write(_ part: ByteBuffer) async throws {
            var part = part
            if buffer.readableBytes == 0 { buffer = part } else { buffer.writeBuffer(&part) }
        }

        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
