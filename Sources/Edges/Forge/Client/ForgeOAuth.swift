import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// The web flow by which people sign in with their account at the forge. Nothing but the login is asked for and kept.
/// Source: GitHub's "Authorizing OAuth apps".
package struct ForgeOAuth: Sendable {
    package let address: ForgeAddress
    package let clientID: String
    private let clientSecret: String
    private static let timeout = TimeAmount.seconds(15)
    private static let bodyLimit = 64 << 10

    package init(address: ForgeAddress, clientID: String, clientSecret: String) {
        self.address = address
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    /// The forge's host, for people.
    package var name: String {
        URL(string: address.web).flatMap { url in
            url.host().map { host in url.port.map { "\(host):\($0)" } ?? host }
        } ?? address.web
    }

    /// Where a browser is sent to agree.
    package func authorizationURL(callback: String, state: String, challenge: String) -> String {
        let query = [
            ("client_id", clientID), ("redirect_uri", callback), ("state", state), ("code_challenge", challenge),
            ("code_challenge_method", "S256"), ("allow_signup", "false"),
        ]
        return "\(address.web)/login/oauth/authorize?"
            + query.map { "\($0)=\(percentEncoded($1, keeping: []))" }.joined(separator: "&")
    }

    /// The login of whoever agreed. The token that tells it is used once and forgotten.
    package func login(code: String, callback: String, verifier: String) async throws -> String {
        let fields = [
            ("client_id", clientID), ("client_secret", clientSecret), ("code", code), ("redirect_uri", callback),
            ("code_verifier", verifier),
        ]
        var request = HTTPClientRequest(url: "\(address.web)/login/oauth/access_token")
        request.method = .POST
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "User-Agent", value: "slipway")
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.body = .bytes(
            Array(fields.map { "\($0)=\(percentEncoded($1, keeping: []))" }.joined(separator: "&").utf8))
        let answer: Answer
        do {
            let response = try await ForgeHTTP.client.execute(request, timeout: Self.timeout)
            let body = try await response.body.collect(upTo: Self.bodyLimit)
            guard response.status.code == 200 else {
                throw ForgeOAuthError(reason: "it answered \(response.status.code) to the exchange of the code")
            }
            answer = try JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView))
        } catch let error as ForgeOAuthError {
            throw error
        } catch is DecodingError {
            throw ForgeOAuthError(reason: "its answer to the exchange of the code is not what GitHub's API promises")
        } catch {
            throw ForgeOAuthError(reason: "it did not answer; try again in a while")
        }
        guard let token = answer.accessToken else {
            throw ForgeOAuthError(
                reason: "\(answer.error ?? "no token"): \(answer.errorDescription ?? "it gave no reason")")
        }
        let client = ForgeClient(address: address, token: token)
        do {
            return try await client.currentUser().login
        } catch {
            throw ForgeOAuthError(
                reason: "it does not say who you are (\(error.status.map(String.init) ?? "no answer"))")
        }
    }

    private struct Answer: Decodable {
        var accessToken: String?
        var error: String?
        var errorDescription: String?

        enum CodingKeys: String, CodingKey {
            case error
            case accessToken = "access_token"
            case errorDescription = "error_description"
        }
    }
}

/// Why somebody could not be signed in. Holds no secret.
package struct ForgeOAuthError: Error, CustomStringConvertible, Sendable {
    package let reason: String

    package var description: String { reason }
}
