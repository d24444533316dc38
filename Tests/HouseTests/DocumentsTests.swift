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
}
