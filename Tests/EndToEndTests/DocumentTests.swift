import Foundation
import Testing

/// The commands that the documents show, run as their readers would run them. A block marked `sh` is run; one that
/// brings a fleet to a machine, or that speaks of names the reader has to fill in, is marked otherwise.
@Suite(.liveFleet, .serialized) struct DocumentTests {
    struct Block: CustomTestStringConvertible, Sendable {
        var document: String
        var line: Int
        var script: String
        var testDescription: String { "\(document):\(line)" }
    }

    private static let blocks: [Block] = {
        let folders = ["docs", "Runbooks"].flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(LiveFleet.checkout)/\(folder)")) ?? [])
                .filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
        }
        return (["README.md"] + folders.sorted()).flatMap(blocks(of:))
    }()

    private static func blocks(of document: String) -> [Block] {
        let text = (try? String(contentsOfFile: "\(LiveFleet.checkout)/\(document)", encoding: .utf8)) ?? ""
        var blocks: [Block] = []
        var open: Block?
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line == "```sh" {
                open = Block(document: document, line: number + 1, script: "")
            } else if line.hasPrefix("```"), let block = open {
                blocks.append(block)
                open = nil
            } else if open != nil {
                open?.script += line + "\n"
            }
        }
        return blocks
    }

    @Test func thereAreCommandsToRun() {
        #expect(Self.blocks.contains { $0.document == "README.md" })
        #expect(Self.blocks.contains { $0.document.hasPrefix("Runbooks/") })
    }

    @Test(arguments: blocks) func commandsWork(_ block: Block) async throws {
        try await LiveFleet.current.bash(block.script)
    }
}
