import ArtifactStore
import Fleet
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Postgres
import Results
import RoomKit
import SlipwayModel
import SlipwayTesting
import Testing
import Web

@Suite("Artifacts on pages")
struct ArtifactPageTests {
    @Test("folders are listed, files come as they are")
    func browse() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .success }
            try await results.put(run, "artifacts/a b&c.txt", "text")
            try await results.put(run, "artifacts/deep/x.json", "{}")
            let folder = try await results.page("/runs/\(run.id)/artifacts/artifacts").text
            #expect(folder.contains("a%20b%26c.txt") && folder.contains("a b&amp;c.txt") && folder.contains("deep/"))
            let file = try await results.page("/runs/\(run.id)/artifacts/artifacts/a%20b%26c.txt")
            #expect(file.text == "text" && file.headers[.contentType] == "text/plain; charset=utf-8")
            #expect(try await results.page("/runs/\(run.id)/artifacts/none").status == .notFound)
            #expect(try await results.page("/runs/\(run.id)/artifacts").text.contains("artifacts/"))
        }
    }

    @Test(
        "no path leads out of the attempt's folder",
        arguments: [
            "..", "../..", "artifacts/../../../x", "%2e%2e", "%2e%2e%2fsecret.txt", "..%2f..%2f..%2fsecret.txt",
            "artifacts/%2e%2e/%2e%2e/secret.txt", "%2fetc%2fpasswd", "artifacts%2f..%2f..%2fsecret.txt",
            "artifacts/..%5c..%5csecret.txt", "%00", "./x",
        ])
    func traversal(path: String) async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .success }
            try await results.put(run, "artifacts/x.txt", "inside")
            try await results.artifacts.put(try .init("secret.txt"), "outside")
            let response = try await results.page("/runs/\(run.id)/artifacts/\(path)")
            #expect(response.status == .notFound || response.status == .badRequest)
            #expect(!response.text.contains("outside"))
        }
    }

    @Test("what a job wrote as HTML or SVG acts in no one's name", arguments: ["report.html", "image.svg"])
    func sandbox(name: String) async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .success }
            try await results.put(run, "artifacts/\(name)", "<script>fetch('/abort')</script>")
            let policy = try await results.page("/runs/\(run.id)/artifacts/artifacts/\(name)").headers[
                .contentSecurityPolicy]
            #expect(policy?.hasPrefix("sandbox allow-scripts") == true)
            #expect(policy?.contains("allow-same-origin") == false)
            #expect(policy?.contains("default-src 'none'") == true)
        }
    }

    @Test("bytes are a download, whatever they are called")
    func binary() async throws {
        try await ResultsHarness.run { results in
            let run = try await results.store { $0.state = .success }
            try await results.artifacts.put(
                try results.layout(run).folder.appending("artifacts/core"), [0x7F, 0, 1, 2])
            let response = try await results.page("/runs/\(run.id)/artifacts/artifacts/core")
            #expect(response.headers[.contentType] == "application/octet-stream")
            #expect(response.headers[.contentDisposition]?.hasPrefix("attachment") == true)
            #expect(response.headers[.xContentTypeOptions] == "nosniff")
        }
    }
}
