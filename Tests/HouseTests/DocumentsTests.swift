import Foundation
import RoomKit
import Testing

/// Documents that cannot drift from what they describe.
@Suite struct DocumentsTests {
    private static let documents =
        ["README.md"] + Checkout.files(below: "docs", suffix: ".md") + Checkout.files(below: "Runbooks", suffix: ".md")

    @Test func theSettingsPageIsTheReference() {
        #expect(
            Checkout.text(of: "docs/settings.md") == SettingsReference.markdown,
            "docs/settings.md is out of date: 'slipway settings > docs/settings.md' makes it anew")
    }

    @Test(arguments: documents) func linksLeadSomewhere(_ document: String) {
        let folder = Checkout.root.appending(path: document).deletingLastPathComponent()
        for match in Checkout.text(of: document).matches(of: /\]\(([^)#\s]+)(?:#[^)]*)?\)/) {
            let target = String(match.1)
            guard !target.contains("://") else { continue }
            #expect(
                FileManager.default.fileExists(atPath: folder.appending(path: target).path),
                "\(document) links to \(target), which is not there")
        }
    }

    @Test(arguments: documents) func thereIsSomethingToRead(_ document: String) {
        #expect(Checkout.text(of: document).hasPrefix("# "), "\(document) begins with no heading")
    }

    /// Alerts that lead to a page, and figures that some process tells.
    @Test(arguments: ["deploy/prometheus/alerts.yml", "deploy/grafana/slipway.json"])
    func whatIsWatchedIsThere(_ file: String) {
        let text = Checkout.text(of: file)
        let sources = Checkout.files(below: "Sources", suffix: ".swift").map { Checkout.text(of: $0) }.joined()
        let figures = Set(text.matches(of: /slipway_[a-z_]+/).map { String($0.output) })
        #expect(figures.count > 5)
        for figure in figures {
            let name = figure.replacing(/_(bucket|count|sum)$/, with: "")
            #expect(sources.contains("\"\(name)\""), "\(file) watches \(figure), which nothing tells")
        }
        for match in text.matches(of: /runbook: (\S+)/) {
            let page = String(match.1)
            #expect(!Checkout.text(of: page).isEmpty, "\(file) leads to \(page), which is not there")
        }
    }
}
