package import Hummingbird
package import SlipwayModel

/// What travels with a request: who asks, in which trace, and where the pages' frame comes from.
package struct SlipwayContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Nil for an anonymous request.
    package var identity: Identity?
    /// The trace that this request's consequences carry on.
    package var trace: TraceContext
    /// Whether the asker is a browser: errors and confirmations are pages then, and JSON otherwise.
    package var prefersHTML: Bool
    /// The path and query of the request, for links that come back here.
    package var location: String
    package var site: Site

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        trace = TraceContext()
        prefersHTML = false
        location = "/"
        site = Site()
    }

    /// Bytes of a body that is decoded whole.
    package var maxUploadSize: Int { 1 << 20 }

    package func allows(_ scope: Scope) -> Bool { identity?.allows(scope) ?? false }

    /// Who asks, if a token with `scope` was shown; otherwise 401 or 403 with a sentence on what is missing.
    @discardableResult
    package func require(_ scope: Scope) throws(WebError) -> Identity {
        guard let identity else {
            throw WebError(
                .unauthorized,
                "This needs a token with the scope '\(scope)'. Sign in at /login, or send 'Authorization: Bearer …'; "
                    + "`slipway token create --scope \(scope)` makes one.")
        }
        guard identity.allows(scope) else {
            throw WebError(
                .forbidden,
                "The token of '\(identity.name)' lacks the scope '\(scope)'; it has "
                    + identity.scopes.map(\.rawValue).sorted().joined(separator: ", ")
                    + ". Use another, or `slipway token create --scope \(scope)`.")
        }
        return identity
    }
}
