import JobConfig
import PullRequests
import Testing

private let node = "@kubernetes/sig-node-misc"
private let api = "@kubernetes/sig-api-bugs"

@Suite("Groups that are mentioned")
struct SigMentionTests {
    @Test(arguments: [
        Said(node, "+sig/node"), Said(node, by: "slipway-bot"), Said(node, on: ["sig/node"]),
        Said(node, by: "ola", "+sig/node", "answer"),
        Said("@kubernetes/sig-node-bugs", on: ["sig/node"], by: "ola", "+kind/bug", "answer"),
        Said("@kubernetes/sig-nowhere-bugs"), Said("@kubernetes/sig-nowhere-bugs", by: "ola"),
        Said("\(node) \(api)", on: ["sig/node", "sig/api", "kind/bug"]),
        Said("\(node) \(api)", by: "ola", "+sig/node", "+sig/api", "+kind/bug", "answer"),
        Said("\(node)\n\(api)", by: "ola", "+sig/node", "+sig/api", "+kind/bug", "answer"),
        Said(
            "See\n@kubernetes/sig-node-proposals\ncc \(api)", by: "ola", "+sig/node", "+kind/design", "+sig/api",
            "+kind/bug", "answer"),
        Said("@kubernetes/sig-node-feature-requests", "+sig/node", "+kind/feature"),
        Said("@kubernetes/sig-api-api-reviews", "+sig/api", "+kind/api-change"),
        Said("@kubernetes/sig-node-pr-reviews", "+sig/node"), Said("@kubernetes/sig-node-test-failures", "+sig/node"),
        Said("@kubernetes/sig-node"), Said("@openshift/sig-node-misc"), Said("@KUBERNETES/sig-node-misc"),
        Said("\(node) and \(node)", by: "ola", "+sig/node", "answer"),
    ])
    func labels(_ said: Said) {
        var scene = Scene(labels: said.labels, actor: said.actor)
        scene.names = ["sigmention"]
        #expect(scene.happen(.commented, text: said.comment).words == said.words)
    }

    @Test("what a stranger wrote is repeated, each team once, and a pattern of one's own counts")
    func repeated() {
        var scene = Scene(actor: "ola")
        scene.names = ["sigmention"]
        let answers = scene.happen(.reviewed, text: "\(node) \(api) \(node)").answers
        #expect(answers.first?.hasSuffix("\(node), \(api)") == true)
        scene.settings.sigMentionPattern = #"(?m)@harbor/sig-([\w-]*)"#
        #expect(scene.happen(.commented, text: "@harbor/sig-node").words == ["+sig/node", "answer"])
        #expect(scene.happen(.pushed, text: "@harbor/sig-node").words.isEmpty)
    }
}
