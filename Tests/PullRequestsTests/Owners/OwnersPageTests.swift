import SlipwayTesting
import Testing

@Suite("The page of who owns what")
struct OwnersPageTests {
    static let files = [
        "OWNERS": "approvers: [maria]\n", "OWNERS_ALIASES": "aliases: {crane-people: [dora, sam]}\n",
        "cranes/OWNERS": """
        approvers: [crane-people]
        reviewers: [li]
        labels: [area/cranes]
        options: {min_approvers: 2}

        """,
        "cranes/tall/OWNERS": "approvers: [li]\n", "broken/OWNERS": "approvers: <b>\n",
    ]

    @Test func answers() async throws {
        try await PullRequestsHarness.run(files: Self.files) { harness in
            let file = try await harness.page("/owners/harbor/crane/cranes/arm.c")
            #expect(file.status == 200)
            #expect(file.text.contains("approvals of 2 different people"))
            #expect(file.text.contains("/harbor/crane/blob/main/cranes/OWNERS"))
            #expect(file.text.contains("as one of crane-people"))
            #expect(file.text.contains("area/cranes"))
            // Sam is named, and is no collaborator.
            #expect(file.text.contains(">dora<") && !file.text.contains(">sam<"))
            let root = try await harness.page("/owners/harbor/crane")
            #expect(root.text.contains("/owners/harbor/crane/cranes/tall?branch=main"))
            #expect(root.text.contains("What could not be read"))
            #expect(root.text.contains("approvers is text; write a list") && !root.text.contains("<b>"))
            let list = try await harness.page("/owners")
            #expect(list.text.contains("/owners/harbor/crane"))
        }
    }

    @Test func beginning() async throws {
        try await PullRequestsHarness.run { harness in
            let page = try await harness.page("/owners/harbor/crane")
            #expect(page.status == 200 && page.text.contains("This branch has no OWNERS file yet"))
            #expect(page.text.contains("approvers:") && !page.text.contains("May approve"))
        }
    }

    @Test func leadsOn() async throws {
        try await PullRequestsHarness.run(files: ["OWNERS": "reviewers: [li]\n"]) { harness in
            let empty = try await harness.page("/owners/harbor/crane/a/b.c")
            #expect(empty.text.contains("names an approver who counts"))
            #expect(try await harness.page("/owners/harbor/unknown").status == 404)
            let lost = try await harness.page("/owners/harbor/lost")
            #expect(lost.status == 200 && lost.text.contains("The forge has no repository harbor/lost"))
            #expect(try await harness.page("/owners/harbor/crane?branch=nowhere").status == 404)
            #expect(try await harness.page("/owners/harbor/crane?branch=--upload-pack=x").status == 404)
            let moved = try await harness.page("/owners/harbor/crane?path=../lib/./light.sh&branch=main")
            #expect(moved.status == 303)
            #expect(try await harness.page("/owners/harbor/crane/%0a").status == 400)
        }
    }
}
