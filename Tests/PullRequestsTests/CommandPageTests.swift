import Testing

@Suite("The page of commands")
struct CommandPageTests {
    @Test func marks() async throws {
        try await PullRequestsHarness.run { harness in
            let all = try await harness.page("/command-help")
            #expect(all.status == 200)
            #expect(all.text.contains("the labels that <code>additional_labels</code> lists"))
            // A block's own mark stands between more of them.
            #expect(all.text.contains("Puts the block <code>```release-note</code> of the comment"))
            let own = try await harness.page("/command-help?repo=harbor/crane")
            #expect(own.text.contains("/hold cancel") && !own.text.contains("/release-note-edit"))
            #expect(try await harness.page("/command-help?repo=crane").status == 400)
        }
    }
}
