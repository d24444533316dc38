import FoundationEssentials
package import SlipwayModel

/// Where a forge is: its pages and git repositories, and its REST API.
///
/// `https://github.com` has its API at `https://api.github.com`, an enterprise `https://NAME.ghe.com` at
/// `https://api.NAME.ghe.com`; every other forge (GitHub Enterprise Server, LocalForge) below `/api/v3`. Either address
/// may be given, and the other is derived.
package struct ForgeAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without a trailing slash, e.g. `https://github.com`.
    package let web: String
    /// Without a trailing slash, e.g. `https://api.github.com`.
    package let api: String

    package static let gitHub = ForgeAddress(web: "https://github.com", api: "https://api.github.com")

    /// - Parameter url: `http` or `https`, a host, and nothing after it but perhaps the API's path.
    package init(url: String) throws(ForgeAddressError) {
        var text = url
        while text.hasSuffix("/") { text.removeLast() }
        guard let parsed = URL(string: text), let scheme = parsed.scheme, scheme == "http" || scheme == "https",
            let host = parsed.host(), !host.isEmpty, parsed.query() == nil, parsed.user() == nil
        else { throw ForgeAddressError(url: url) }
        if text == Self.gitHub.web || text == Self.gitHub.api {
            self = .gitHub
        } else if host.hasSuffix(".ghe.com"), parsed.path().isEmpty {
            let name = host.hasPrefix("api.") ? String(host.dropFirst("api.".count)) : host
            self.init(web: "\(scheme)://\(name)", api: "\(scheme)://api.\(name)")
        } else if text.hasSuffix("/api/v3") {
            self.init(web: String(text.dropLast("/api/v3".count)), api: text)
        } else {
            self.init(web: text, api: text + "/api/v3")
        }
    }

    init(web: String, api: String) {
        self.web = web
        self.api = api
    }

    /// The page of a pull request.
    package func pullLink(_ repository: RepositoryName, _ number: Int) -> String {
        "\(web)/\(repository)/pull/\(number)"
    }

    /// What `git clone` takes.
    package func cloneURL(_ repository: RepositoryName) -> String { "\(web)/\(repository).git" }

    package var description: String { web }
}

/// An address that is not one of a forge.
package struct ForgeAddressError: Error, CustomStringConvertible, Sendable {
    package let url: String

    package var description: String {
        "'\(url)' is not the address of a forge; give one like https://github.com or http://127.0.0.1:8081"
    }
}
