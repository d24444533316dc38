import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import SlipwayModel

/// What is known of a request once it is answered, for metrics.
package struct RequestObservation: Sendable {
    package let method: String
    /// The route's pattern (`/runs/{run}`), so that the number of different values stays small.
    package let route: String
    package let status: Int
    /// Until the answer's head was ready; a stream goes on after that.
    package let duration: Duration
}

/// The outermost middleware: joins or begins a trace, logs the answer, and puts security headers on it.
struct FrameMiddleware: RouterMiddleware {
    typealias Context = SlipwayContext

    let site: Site
    let observe: (@Sendable (RequestObservation) -> Void)?

    func handle(
        _ request: Request, context: SlipwayContext, next: (Request, SlipwayContext) async throws -> Response
    ) async throws -> Response {
        let began = ContinuousClock.now
        var context = context
        context.site = site
        if let caller = request.headers[.traceparent].flatMap({ TraceContext($0) }) { context.trace = caller.child() }
        context.prefersHTML = request.headers[.accept]?.contains("text/html") ?? false
        context.location = Link.local(request.uri.string) ?? "/"
        context.coreContext.endpointPath = context.coreContext.endpointPath
        context.logger[metadataKey: "trace"] = .string(context.trace.traceID)
        var response: Response
        do {
            response = try await TraceContext.$current.withValue(context.trace) {
                try await next(request, context)
            }
        } catch {
            response = ErrorPages.response(to: error, request, context)
        }
        addHeaders(to: &response, trace: context.trace)
        log(request, response, context, duration: began.duration(to: .now))
        return response
    }

    private func addHeaders(to response: inout Response, trace: TraceContext) {
        func add(_ name: HTTPField.Name, _ value: String) {
            if response.headers[name] == nil { response.headers[name] = value }
        }
        add(.contentSecurityPolicy, Self.contentSecurityPolicy)
        add(.xContentTypeOptions, "nosniff")
        add(.xFrameOptions, "DENY")
        add(.referrerPolicy, "same-origin")
        add(.crossOriginOpenerPolicy, "same-origin")
        add(.crossOriginResourcePolicy, "same-origin")
        add(.permissionsPolicy, "camera=(), geolocation=(), microphone=()")
        add(.cacheControl, "private, no-cache")
        add(.slipwayTrace, trace.traceID)
        if site.isSecure { add(.strictTransportSecurity, "max-age=31536000") }
    }

    /// Nothing but this site's own files; no inline script, no inline style.
    static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    private func log(_ request: Request, _ response: Response, _ context: SlipwayContext, duration: Duration) {
        let route = context.endpointPath ?? "none"
        observe?(
            RequestObservation(
                method: request.method.rawValue, route: route, status: response.status.code, duration: duration))
        let isRead = request.method == .get || request.method == .head
        let level: Logger.Level = response.status.code >= 500 ? .error : isRead ? .debug : .info
        let milliseconds = Int(duration / .milliseconds(1))
        context.logger.log(
            level: level,
            "\(request.method.rawValue) \(request.uri.path.prefix(200)) → \(response.status.code) in \(milliseconds) ms"
        )
    }
}

/// Refuses what is too long to be a question before anything reads it.
struct BoundsMiddleware: RouterMiddleware {
    typealias Context = SlipwayContext

    func handle(
        _ request: Request, context: SlipwayContext, next: (Request, SlipwayContext) async throws -> Response
    ) async throws -> Response {
        guard request.uri.string.utf8.count <= 2 * QueryParameters.maximumBytes else {
            throw WebError(.uriTooLong, "The address has more than \(2 * QueryParameters.maximumBytes) bytes.")
        }
        return try await next(request, context)
    }
}
