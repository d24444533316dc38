import PullRequests
import SlipwayModel
import Testing

@Suite("How labels look")
struct LabelLooksTests {
    @Test("every label that a plugin sets by itself has a look, and keeps to what a forge takes")
    func looks() throws {
        let names =
            ["XS", "S", "M", "L", "XL", "XXL"].map { "size/\($0)" } + [
                "lgtm", "approved", "do-not-merge/hold", "do-not-merge/work-in-progress", "needs-rebase", "ok-to-test",
                "needs-ok-to-test", "do-not-merge/blocked-paths", "do-not-merge/release-note-label-needed",
                "release-note", "release-note-none", "release-note-action-required", "lifecycle/stale",
                "do-not-merge/contains-merge-commits", "do-not-merge/invalid-commit-message", "stage/alpha",
                "do-not-merge/cherry-pick-not-approved", "cherry-pick-approved", "cncf-cla: yes", "cncf-cla: no",
                "do-not-merge/invalid-owners-file", "needs-kind", "do-not-merge/needs-kind", "status/in-review",
            ]
        for name in names {
            let look = try #require(LabelLooks.look(of: name), "\(name)")
            #expect(look.color.count == 6 && look.color.allSatisfy { $0.isHexDigit }, "\(name)")
            #expect((1...100).contains(look.description.count), "\(name): \(look.description)")
        }
        #expect(LabelLooks.look(of: "api-review") == nil)
    }
}
