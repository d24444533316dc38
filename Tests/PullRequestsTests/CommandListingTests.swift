import Foundation
import PullRequests
import Testing

@Suite("The list of commands")
struct CommandListingTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/pull-requests.md")

    @Test("docs/pull-requests.md has the table of the definitions")
    func document() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let begin = try #require(text.range(of: "<!-- commands -->\n"))
        let end = try #require(text.range(of: "<!-- /commands -->"))
        #expect(
            String(text[begin.upperBound..<end.lowerBound]) == CommandListing.markdown,
            "write it with: slipway commands --markdown")
    }

    @Test("every command says how it is written, who may, and what it does")
    func complete() {
        #expect(CommandListing.all.count > 25)
        for listing in CommandListing.all {
            #expect(
                !listing.usage.isEmpty && !listing.who.isEmpty && listing.effect.hasSuffix("."), "\(listing.command)")
            #expect(listing.usage.allSatisfy { $0.hasPrefix("/") }, "\(listing.command)")
        }
    }
}
