package import AsyncHTTPClient
import NIOCore
import NIOPosix

/// The one HTTP client that forges and hooks are called with; it lives as long as the process.
package enum ForgeHTTP {
    package static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        // Where a token may follow is decided where the call is known; a webhook follows nowhere, as at GitHub.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        // Whether to try again, and when, is decided where the call is known.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()
}
