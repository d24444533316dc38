/// The few elements the forge's pages are made of. All text in them is escaped, and links lead to http(s) or to here.
enum HTML: Sendable {
    case text(String)
    case link(String, String)
    case paragraph([HTML])
    case heading(String)
    case list([HTML])
    case item([HTML])
    case code(String)
    case comment(id: Int64, by: String, body: String)
    /// A button for each choice; the hidden fields go along with whichever is pressed.
    case form(action: String, hidden: [(name: String, value: String)], choices: [(name: String, value: String)])

    var rendered: String {
        switch self {
        case .text(let text): Self.escape(text)
        case .link(let url, let text):
            url.hasPrefix("/") || url.hasPrefix("http://") || url.hasPrefix("https://")
                ? "<a href=\"\(Self.escape(url))\">\(Self.escape(text))</a>" : Self.escape(text)
        case .paragraph(let parts): "<p>\(Self.join(parts))</p>"
        case .heading(let text): "<h2>\(Self.escape(text))</h2>"
        case .list(let items): items.isEmpty ? "<p>None.</p>" : "<ul>\(Self.join(items))</ul>"
        case .item(let parts): "<li>\(Self.join(parts))</li>"
        case .code(let text): "<pre>\(Self.escape(text))</pre>"
        case .comment(let id, let author, let body):
            "<article id=\"issuecomment-\(id)\"><h3>\(Self.escape(author))</h3><pre>\(Self.escape(body))</pre></article>"
        case .form(let action, let hidden, let choices): Self.form(action, hidden, choices)
        }
    }

    private static func form(
        _ action: String, _ hidden: [(name: String, value: String)], _ choices: [(name: String, value: String)]
    ) -> String {
        let fields = hidden.map {
            "<input type=\"hidden\" name=\"\(escape($0.name))\" value=\"\(escape($0.value))\">"
        }
        let buttons = choices.map {
            "<p><button name=\"\(escape($0.name))\" value=\"\(escape($0.value))\">\(escape($0.value))</button></p>"
        }
        return "<form method=\"post\" action=\"\(escape(action))\">\((fields + buttons).joined(separator: "\n"))</form>"
    }

    static func document(_ title: String, _ parts: [HTML]) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>\(escape(title)) · LocalForge</title>
        <style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;padding:1rem}
        pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8882;padding:.5rem}h1{overflow-wrap:anywhere}
        article{border:1px solid #8886;padding:0 .75rem;margin:.75rem 0}h3{font-size:1rem}</style></head>
        <body><p><a href="/">LocalForge</a></p><h1>\(escape(title))</h1>
        \(join(parts))
        </body></html>

        """
    }

    private static func join(_ parts: [HTML]) -> String { parts.map(\.rendered).joined(separator: "\n") }

    static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
