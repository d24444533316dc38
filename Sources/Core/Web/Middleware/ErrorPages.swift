import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Postgres
import SlipwayModel

/// Turns every error into an answer: a page with a sentence for browsers, JSON for programs.
struct ErrorPages: RouterMiddleware {
    typealias Context = SlipwayContext

    func handle(
        _ request: Request, context: SlipwayContext, next: (Request, SlipwayContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return Self.response(to: error, request, context)
        }
    }

    static func response(to error: any Error, _ request: Request, _ context: SlipwayContext) -> Response {
        let known = webError(of: error, request, context)
        var response: Response
        if context.prefersHTML {
            let isUnauthorized = known.status == .unauthorized
            let values: [String: PageValue] = [
                "status": .number(known.status.code),
                "heading": .text(heading(known.status)),
                "sentence": .text(known.sentence),
                "trace": .text(context.trace.traceID),
                "isFault": .flag(known.status.code >= 500),
                "loginPath": isUnauthorized
                    ? .text("/login" + Link.query([("next", request.method == .get ? context.location : nil)]))
                    : .nothing,
            ]
            response = TemplateSet.web.page(
                "error", values, head: PageHead(title: heading(known.status)), context: context, status: known.status)
        } else {
            response = .json(
                ErrorBody(error: known.sentence, trace: context.trace.traceID), status: known.status)
        }
        response.headers.append(contentsOf: known.headers)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private static func webError(of error: any Error, _ request: Request, _ context: SlipwayContext) -> WebError {
        switch error {
        case let error as WebError:
            return error
        case let error as PostgresError where error.isOutage:
            context.logger.error("the database did not answer: \(error)")
            return WebError(
                .serviceUnavailable, "The database does not answer right now. Try again in a moment.",
                headers: [.retryAfter: "5"])
        case is CancellationError:
            return WebError(.serviceUnavailable, "This gateway is shutting down. Try again in a moment.")
        case is NIOTooManyBytesError:
            return WebError(.contentTooLarge, "The request's body is larger than this address takes.")
        case let error as HTTPError where error.status == .notFound && error.body == nil:
            return .notFound("There is nothing at '\(request.uri.path.prefix(200))' for \(request.method.rawValue).")
        case let error as HTTPError:
            return WebError(error.status, error.body ?? "\(heading(error.status)).", headers: error.headers)
        case let error as any HTTPResponseError:
            return WebError(error.status, "\(heading(error.status)).")
        default:
            context.logger.error("request failed: \(error)")
            return WebError(
                .internalServerError,
                "Slipway failed to answer; nothing you did wrong. The log has the reason under trace "
                    + "\(context.trace.traceID).")
        }
    }

    static func heading(_ status: HTTPResponse.Status) -> String {
        switch status.code {
        case 400: "That request cannot be read"
        case 401: "Sign in first"
        case 403: "Not allowed"
        case 404: "Nothing here"
        case 409: "Too late"
        case 413, 414: "Too large"
        case 429: "Too many requests"
        case 503: "Not right now"
        case 500...: "Something broke"
        default: status.reasonPhrase.isEmpty ? "That did not work" : status.reasonPhrase
        }
    }
}
