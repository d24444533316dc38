import HTTPTypes
package import Hummingbird

/// What is the same on every page of one gateway.
package struct Site: Sendable {
    /// An entry of the bar at the top of every page.
    package struct Entry: Sendable, Hashable {
        package let title: String
        package let path: String

        package init(_ title: String, _ path: String) {
            self.title = title
            self.path = path
        }
    }

    package var navigation: [Entry]
    /// The address that people type, e.g. `https://ci.example.org`; nil where it is not known.
    package var publicURL: String?

    package init(
        navigation: [Entry] = [
            Entry("Overview", "/"), Entry("Runs", "/runs"), Entry("Jobs", "/jobs"), Entry("Pull requests", "/pulls"),
            Entry("Merging", "/merging"), Entry("Config", "/configured-jobs"), Entry("Leases", "/leases"),
            Entry("Fleet", "/fleet"),
        ],
        publicURL: String? = nil
    ) {
        self.navigation = navigation
        self.publicURL = publicURL
    }

    var isSecure: Bool { publicURL?.hasPrefix("https://") ?? false }

    /// `host[:port]` of the public address, in lower case.
    var publicAuthority: String? { publicURL.flatMap(Site.authority) }

    /// `host[:port]` of an origin or URL, in lower case.
    static func authority(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let rest = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return rest.isEmpty ? nil : rest.lowercased()
    }
}

/// What the frame around a page needs to know.
package struct PageHead: Sendable {
    /// A step of the way from the overview to this page; the last has no link.
    package struct Crumb: Sendable {
        package let title: String
        package let path: String?

        package init(_ title: String, _ path: String? = nil) {
            self.title = title
            self.path = path
        }
    }

    /// Shown in the browser's tab, most particular first.
    package var title: String
    /// The path of the navigation entry that the page belongs to.
    package var section: String
    package var crumbs: [Crumb]
    /// Paths of ES modules (`AssetSet.path(of:)`).
    package var scripts: [String]

    package init(title: String, section: String = "", crumbs: [Crumb] = [], scripts: [String] = []) {
        self.title = title
        self.section = section
        self.crumbs = crumbs
        self.scripts = scripts
    }
}

extension TemplateSet {
    /// A whole page: the frame with the template's rendering in it.
    package func page(
        _ name: String, _ values: [String: PageValue], head: PageHead, context: SlipwayContext,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        TemplateSet.frame(render(name, values), head: head, context: context, status: status)
    }

    /// The frame around a page's main part.
    static func frame(
        _ main: Markup, head: PageHead, context: SlipwayContext, status: HTTPResponse.Status
    ) -> Response {
        let site = context.site
        let values: [String: PageValue] = [
            "title": .text(head.title),
            "isOverview": .flag(head.section == "/"),
            "navigation": .objects(
                site.navigation.map {
                    ["title": .text($0.title), "path": .text($0.path), "isCurrent": .flag($0.path == head.section)]
                }),
            "hasCrumbs": .flag(!head.crumbs.isEmpty),
            "crumbs": .objects(
                head.crumbs.map { ["title": .text($0.title), "path": .optional($0.path)] }),
            "identity": .optional(context.identity?.name),
            "usesCookie": .flag(context.identity?.proof == .cookie),
            "loginPath": .text("/login" + Link.query([("next", context.location)])),
            "style": .text(WebAssets.set.path(of: "slipway.css")),
            "icon": .text(WebAssets.set.path(of: "slipway.svg")),
            "scripts": .list(([WebAssets.set.path(of: "page.js")] + head.scripts).map { .text($0) }),
            "main": .markup(main),
        ]
        let html = web.render("layout", values).html
        return .content(ByteBuffer(string: html), type: "text/html; charset=utf-8", status: status)
    }
}
