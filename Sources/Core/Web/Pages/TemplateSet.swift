import Mustache

/// A room's templates, parsed once. Each may show the others of its set and those of Web as partials (`{{>name}}`).
package struct TemplateSet: Sendable {
    private let library: MustacheLibrary

    /// - Parameter templates: name to the content of an embedded `.mustache` file. A file that does not parse is a
    ///   fault of the build, so it ends the process and names the file.
    package init(_ templates: [String: [UInt8]]) {
        var library = MustacheLibrary()
        for (name, bytes) in TemplateSet.shared.merging(templates, uniquingKeysWith: { $1 }) {
            do {
                // Escaping is the values' own business (see PageValue): the engine must not do it again.
                let text = "{{% CONTENT_TYPE:TEXT}}" + String(decoding: bytes, as: UTF8.self)
                try library.register(text, named: name)
            } catch {
                preconditionFailure("the template '\(name)' does not parse: \(error)")
            }
        }
        self.library = library
    }

    /// The part of a page, or a whole one, that a template makes of its values.
    package func render(_ name: String, _ values: [String: PageValue]) -> Markup {
        guard let html = library.render(PageObject(values: values), withTemplate: name) else {
            preconditionFailure("there is no template '\(name)'")
        }
        return Markup(rendered: html)
    }

    /// Web's own, which every set includes.
    private static let shared: [String: [UInt8]] = [
        "layout": PackageResources.layout_mustache,
        "error": PackageResources.error_mustache,
        "login": PackageResources.login_mustache,
    ]

    /// Web's own pages alone.
    static let web = TemplateSet([:])
}

/// Hands values to the template engine, each as the engine's own idea of a text, a truth, a list or an object.
private struct PageObject: MustacheParent {
    let values: [String: PageValue]

    func child(named name: String) -> Any? { values[name].map(PageObject.engineValue) }

    private static func engineValue(_ value: PageValue) -> Any {
        switch value {
        case .text(let text): PageText(renderText: Markup.escape(text))
        case .markup(let markup): PageText(renderText: markup.html)
        case .flag(let flag): flag
        case .list(let values): values.map(engineValue)
        case .object(let values): PageObject(values: values)
        // Not nil: the engine would look for the name in whatever stands around the object.
        case .nothing: PageText(renderText: "")
        }
    }
}

/// A text that is ready to be shown; as a section, an empty one counts as absent.
private struct PageText: MustacheCustomRenderable {
    let renderText: String
    var isNull: Bool { renderText.isEmpty }
}
