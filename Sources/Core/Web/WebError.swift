import FoundationEssentials
package import HTTPTypes
package import Hummingbird

/// An answer other than the one asked for: a status and a sentence that says what was wrong and what to do.
///
/// Browsers get it as a page, everyone else as `{"error":"…"}`.
package struct WebError: HTTPResponseError, CustomStringConvertible, Sendable {
    package var status: HTTPResponse.Status
    package var sentence: String
    package var headers: HTTPFields

    package init(_ status: HTTPResponse.Status, _ sentence: String, headers: HTTPFields = [:]) {
        self.status = status
        self.sentence = sentence
        self.headers = headers
    }

    package static func notFound(_ sentence: String) -> WebError { WebError(.notFound, sentence) }
    package static func badRequest(_ sentence: String) -> WebError { WebError(.badRequest, sentence) }

    package var description: String { "\(status.code): \(sentence)" }

    package func response(from request: Request, context: some RequestContext) -> Response {
        var response = Response.json(ErrorBody(error: sentence), status: status)
        response.headers.append(contentsOf: headers)
        return response
    }
}

/// The JSON of an error.
struct ErrorBody: Codable {
    var error: String
    var trace: String?
}

extension Response {
    /// Any value as JSON: keys sorted, slashes as they are, dates in ISO 8601.
    package static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do {
            let data = try encoder.encode(value)
            return .content(ByteBuffer(bytes: data), type: "application/json", status: status)
        } catch {
            let text = #"{"error":"The answer could not be written as JSON; this is a fault of Slipway."}"#
            return .content(ByteBuffer(string: text), type: "application/json", status: .internalServerError)
        }
    }

    package static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        .content(ByteBuffer(string: text), type: "text/plain; charset=utf-8", status: status)
    }

    /// Bytes of a media type.
    package static func content(
        _ bytes: ByteBuffer, type: String, status: HTTPResponse.Status = .ok
    ) -> Response {
        Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: bytes))
    }
}
