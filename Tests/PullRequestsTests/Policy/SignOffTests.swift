import Forge
import Foundation
import JobConfig
import PullRequests
import Testing

private let (yes, no) = ("dco-signoff: yes", "dco-signoff: no")
private let good = ["status dco success All commits have Signed-off-by", "unsay"]
private let bad = ["status dco failure Commits in PR missing Signed-off-by", "notice"]

@Suite("Commits that are signed off")
struct SignOffTests {
    struct Commit: Sendable {
        var message: String
        var author: String? = "noor"
        var parents = 1

        static let signed = Commit(message: "Oil\n\nSigned-off-by: Noor <noor@harbor.example>")
        static let plain = Commit(message: "Oil")

        func by(_ author: String?) -> Commit {
            var copy = self
            copy.author = author
            return copy
        }

        var merging: Commit {
            var copy = self
            copy.parents = 2
            return copy
        }

        var asTold: RepositoryCommit {
            get throws {
                let account = author.map { #"{"login":"\#($0)"}"# } ?? "null"
                let text = String(decoding: try JSONEncoder().encode(message), as: UTF8.self)
                let parents = (0..<parents).map { #"{"sha":"\#($0)"}"# }.joined(separator: ",")
                let json =
                    #"{"sha":"c0ffee","commit":{"message":\#(text)},"author":\#(account),"parents":[\#(parents)]}"#
                return try JSONDecoder().decode(RepositoryCommit.self, from: Data(json.utf8))
            }
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var commits: [Commit]
        var labels: [String] = []
        /// Who needs no sign-off; nil where everybody does.
        var exempt: [String]?
        var words: [String]
        var testDescription: String { "\(commits) on \(labels), without \(exempt ?? [])" }

        init(_ commits: Commit..., on labels: [String] = [], exempt: [String]? = nil, then words: [String]) {
            self.commits = commits
            self.labels = labels
            self.exempt = exempt
            self.words = words
        }
    }

    @Test(arguments: [
        Row(.signed, then: ["+\(yes)"] + good), Row(.signed, on: [yes], then: good),
        Row(.signed, on: [no], then: ["-\(no)", "+\(yes)"] + good),
        Row(.signed, on: [no, yes], then: ["-\(no)"] + good),
        Row(.plain, then: ["+\(no)"] + bad), Row(.plain, on: [no], then: bad),
        Row(.plain, on: [yes], then: ["+\(no)", "-\(yes)"] + bad), Row(.signed, .plain, then: ["+\(no)"] + bad),
        Row(.signed, .signed, then: ["+\(yes)"] + good),
        Row(Commit(message: "signed-off-by: noor"), then: ["+\(yes)"] + good),
        Row(Commit(message: "Oil, not Signed-off-by: noor"), then: ["+\(no)"] + bad),
        Row(.plain.merging, .signed, then: ["+\(yes)"] + good), Row(.plain.merging, then: ["+\(yes)"] + good),
        Row(.plain, exempt: ["noor"], then: ["+\(yes)"] + good), Row(.plain, exempt: [], then: ["+\(no)"] + bad),
        Row(.plain, .plain.by("ola"), exempt: ["noor"], then: ["+\(no)"] + bad),
        Row(.plain, .signed.by("ola"), exempt: ["noor"], then: ["+\(yes)"] + good),
        Row(.plain.by(nil), exempt: ["noor"], then: ["+\(no)"] + bad),
        Row(.signed.by(nil), exempt: [], then: ["+\(yes)"] + good),
    ])
    func decides(row: Row) throws {
        var scene = Scene(labels: row.labels)
        scene.names = ["dco"]
        scene.facts.commits = try row.commits.map { try $0.asTold }
        if let exempt = row.exempt {
            var rule = PluginSettings.SignOff()
            rule.skipsMembers = true
            scene.settings.signOff = ["harbor": rule]
            for login in exempt { scene.facts.teams[.needsNoSignOff(login)] = true }
        }
        for event in [PullEvent.opened, .reopened, .pushed] { #expect(scene.happen(event).words == row.words) }
        for event in [PullEvent.edited, .labeled(no), .unlabeled(yes), .closed] {
            #expect(scene.happen(event).words.isEmpty)
        }
        #expect(scene.say("/check-dco").words == row.words)
        scene.pull.isOpen = false
        #expect(scene.say("/check-dco").words.isEmpty)
    }

    @Test("who is trusted is asked of those alone who signed nothing, and only where a rule lets them")
    func questions() throws {
        var scene = Scene()
        scene.names = ["dco"]
        scene.facts.commits = try [Commit.plain, .signed.by("li"), .plain.by("ola"), .plain].map { try $0.asTold }
        #expect(scene.questions("/check-dco") == [.commits])
        var rule = PluginSettings.SignOff()
        rule.trustedApps = ["dependabot"]
        scene.settings.signOff = ["*": rule]
        #expect(scene.questions("/check-dco") == [.commits, .needsNoSignOff("noor"), .needsNoSignOff("ola")])
        scene.settings.signOff["harbor/crane"] = PluginSettings.SignOff()
        #expect(scene.questions("/check-dco") == [.commits])
    }

    @Test("the comment names the commits, and the guide that the configuration names")
    func comment() throws {
        var scene = Scene()
        scene.names = ["dco"]
        scene.pull.link = "https://forge.example/harbor/crane/pull/7"
        scene.pull.defaultBranch = "trunk"
        scene.facts.commits = [try Commit.plain.asTold]
        func words() -> String {
            scene.happen(.opened).actions.compactMap {
                if case .notice(_, let body?) = $0 { body } else { nil }
            }.joined()
        }
        #expect(words().contains("- c0ffee `Oil`"))
        #expect(words().contains("https://forge.example/harbor/crane/blob/trunk/CONTRIBUTING.md"))
        var rule = PluginSettings.SignOff()
        (rule.guideRepository, rule.guideBranch, rule.guidePath) = ("harbor/guides", "main", "docs/sign.md")
        scene.settings.signOff = ["harbor": rule]
        #expect(words().contains("https://forge.example/harbor/guides/blob/main/docs/sign.md"))
    }
}
