import PullRequests
import Testing

private let needsNote = "do-not-merge/release-note-label-needed"

@Suite("Release notes")
struct ReleaseNoteTests {
    @Test(
        "release notes",
        arguments: [
            ("", [String](), ["+do-not-merge/release-note-label-needed", "notice"]),
            ("```release-note\nIt shines.\n```", [], ["+release-note"]),
            ("```release-note\r\nIt shines.\r\n```", [], ["+release-note"]),
            ("```release-note\nNONE\n```", [], ["+release-note-none"]),
            ("```release-note\nn/a\n```", [], ["+release-note-none"]),
            ("```release-note\n\"No.\"\n```", [], ["+release-note-none"]),
            ("```release-note\nNothing.\n```", [], ["+release-note"]),
            ("", ["release-note-none"], []),
            ("", ["release-note-none", "kind/deprecation"], ["-release-note-none", "+\(needsNote)", "notice"]),
            ("```release-note\nNONE\n```", ["kind/deprecation"], ["+\(needsNote)", "notice"]),
            (
                "```release-note\nGone.\n```", ["kind/deprecation", needsNote],
                ["-\(needsNote)", "+release-note", "unsay"]
            ),
            ("```release-note\n\n```", [], ["+do-not-merge/release-note-label-needed", "notice"]),
            ("```release-note\nACTION REQUIRED: fill it.\n```", [], ["+release-note-action-required"]),
            ("**Release note**:\n<!-- say -->\n```\nIt shines.\n```", [], ["+release-note"]),
            (
                "```release-note\nIt shines.\n```", ["do-not-merge/release-note-label-needed"],
                ["-do-not-merge/release-note-label-needed", "+release-note", "unsay"]
            ),
            ("```release-note\nNONE\n```", ["release-note"], ["-release-note", "+release-note-none"]),
        ])
    func releaseNote(_ body: String, labels: [String], words: [String]) {
        var scene = Scene(labels: labels)
        scene.names = ["release-note"]
        scene.pull.body = body
        #expect(scene.happen(.opened).words == words)
    }

    @Test(
        "what is brought to a release branch has its notes where it came from",
        arguments: [
            ("release-1.0", [5: ["release-note"], 6: ["release-note-action-required", "lgtm"]], [String]()),
            ("release-1.0", [5: ["release-note"], 6: ["lgtm"]], ["+\(needsNote)", "notice"]),
            ("release-1.0", [5: ["release-note-none"], 6: ["release-note"]], ["+\(needsNote)", "notice"]),
            ("release-1.0", [5: ["release-note"]], ["+\(needsNote)", "notice"]),
            ("master", [5: ["release-note"], 6: ["release-note"]], ["+\(needsNote)", "notice"]),
        ])
    func releaseNoteOfOrigins(_ branch: String, _ labels: [Int: [String]], _ words: [String]) {
        var scene = Scene(branch: branch)
        scene.names = ["release-note"]
        scene.pull.body = "Cherry pick of #6 on release-1.0.\r\nCherry pick of #5 on release-1.0.\r\n"
        scene.facts.labelsOfOthers = labels
        #expect(scene.happen(.opened).words == words)
        scene.pull.labels = [needsNote]
        #expect(scene.happen(.edited).words == (words.isEmpty ? ["-\(needsNote)", "unsay"] : []))
    }

    @Test("/release-note-edit")
    func releaseNoteEdit() {
        var scene = Scene()
        scene.names = ["release-note"]
        let comment = "/release-note-edit\r\n```release-note\r\nIt hums.\r\n```"
        #expect(scene.say(comment).words == ["answer"])
        scene.pull.body = "Oil.\n```release-note\nIt shines.\n```\nEnd"
        #expect(scene.say(comment).words == ["body Oil.\n```release-note\nIt hums.\n```\nEnd"])
        #expect(scene.say("/release-note-edit").words == ["answer"])
        scene.actor = "ola"
        #expect(scene.say(comment).words == ["answer"])
        scene.pull.labels = ["kind/deprecation"]
        scene.actor = "noor"
        scene.pull.body = ""
        #expect(scene.say("/release-note-none").words == ["answer"])
    }

    @Test("/release-note-none")
    func releaseNoteNone() {
        var scene = Scene(labels: ["do-not-merge/release-note-label-needed"])
        #expect(
            scene.say("/release-note-none").words == [
                "-do-not-merge/release-note-label-needed", "+release-note-none", "unsay",
            ])
        scene.actor = "ola"
        #expect(scene.say("/release-note-none").words == ["answer"])
        scene.actor = "noor"
        scene.pull.body = "```release-note\nIt shines.\n```"
        #expect(scene.say("/release-note-none").words == ["answer"])
    }
}
