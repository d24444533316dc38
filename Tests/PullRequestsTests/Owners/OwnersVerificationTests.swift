import JobConfig
import PullRequests
import Testing

/// Prow: `verify-owners_test.go`.
@Suite("Verifying changed OWNERS files")
struct OwnersVerificationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var path: String
        var head: String
        var base: String?
        var aliases: String?
        /// `file:line` of each error.
        var errors: [String]
        var newcomers: [String]

        init(
            _ name: String, _ head: String, base: String? = nil, path: String = "a/OWNERS", aliases: String? = nil,
            errors: [String] = [], newcomers: [String] = []
        ) {
            testDescription = name
            self.path = path
            self.head = head
            self.base = base
            self.aliases = aliases
            self.errors = errors
            self.newcomers = newcomers
        }
    }

    @Test(arguments: [
        Case("sound and new", "approvers: [dora]\nreviewers: [li]", newcomers: ["dora", "li"]),
        Case("nobody new", "approvers: [Dora]", base: "approvers: [dora]"),
        Case("one new", "approvers: [dora, li]", base: "approvers: [dora]", newcomers: ["li"]),
        Case("moved from reviewers", "approvers: [dora]", base: "reviewers: [dora]"),
        Case("an empty file", ""),
        Case("only a comment", "# nobody\n"),
        Case("no YAML", "approvers: [dora\n", base: "approvers: [li]", errors: ["a/OWNERS:2"]),
        Case("a name instead of a list", "approvers: dora", errors: ["a/OWNERS:1"]),
        Case(
            "a label that may not be set", "approvers: [dora]\nlabels: [Approved]", base: "approvers: [dora]",
            errors: ["a/OWNERS:2"]),
        Case(
            "in a filter", "filters:\n  '.*': {approvers: [dora]}\n  x:\n    labels: [lgtm, area/x]",
            base: "approvers: [dora]", errors: ["a/OWNERS:4"]),
        Case("a label that may be set", "approvers: [dora]\nlabels: [area/x]", base: "approvers: [dora]"),
        Case(
            "a broken filter", "filters:\n  '.*': {approvers: [dora]}\n  '(': {approvers: [li]}",
            base: "approvers: [dora]", errors: ["a/OWNERS:3"]),
        Case("names in filters", "filters: {a: {approvers: [dora]}, b: {reviewers: [li]}}", newcomers: ["dora", "li"]),
        Case(
            "the root without approvers", "reviewers: [dora]", base: "reviewers: [dora]", path: "OWNERS",
            errors: ["OWNERS:1"]),
        Case("an alias is no person", "approvers: [people]", aliases: "aliases: {people: [dora]}"),
        Case(
            "an alias that is not there is one", "approvers: [people]", aliases: "aliases: {others: [dora]}",
            newcomers: ["people"]),
        Case(
            "aliases", "aliases: {a: [dora, li]}", base: "aliases: {a: [dora]}", path: "OWNERS_ALIASES",
            newcomers: ["li"]),
        Case("aliases that cannot be read", "aliases: {a: dora}", path: "OWNERS_ALIASES", errors: ["OWNERS_ALIASES:1"]),
        Case(
            "aliases in a circle", "aliases:\n  a: [b]\n  b: [a]", base: "aliases: {a: [b], b: [a]}",
            path: "OWNERS_ALIASES", errors: ["OWNERS_ALIASES:2", "OWNERS_ALIASES:3"]),
        Case(
            "a minimum nobody reaches", "approvers: [dora]\noptions: {min_approvers: 2}", base: "approvers: [dora]",
            path: "OWNERS", errors: ["OWNERS:2"]),
        Case(
            "a minimum that an alias reaches", "approvers: [people]\noptions:\n  min_approvers: 2", path: "OWNERS",
            aliases: "aliases: {people: [dora, li]}"),
        Case("a minimum out of range", "approvers: [dora]\noptions:\n  min_approvers: 99", errors: ["a/OWNERS:3"]),
        Case("a folder that is not looked into", "approvers: dora", path: "vendor/a/b/OWNERS"),
    ])
    func verifies(row: Case) {
        let verification = OwnersVerification(
            [.init(path: row.path, head: Array(row.head.utf8), base: row.base.map { Array($0.utf8) })],
            aliases: row.aliases.map { OwnersFixture.source("OWNERS_ALIASES", $0) }, layout: OwnersLayout(),
            bannedLabels: ["approved", "lgtm"])
        #expect(verification.errors.map { "\($0.file):\($0.line)" } == row.errors, "\(verification.errors)")
        #expect(verification.newcomers.map(\.login).sorted() == row.newcomers)
    }

    @Test("whoever is not known to be trusted is named with file and line")
    func untrusted() {
        let verification = OwnersVerification(
            [.init(path: "a/OWNERS", head: Array("approvers:\n- dora\n- stranger\n".utf8))], aliases: nil,
            layout: OwnersLayout(), bannedLabels: [])
        let untrusted = verification.untrusted { $0 == "dora" }
        #expect(untrusted == [.init(login: "stranger", file: "a/OWNERS", line: 3)])
    }

    @Test("a file of a thousand newcomers asks about fifty")
    func bounded() {
        let people = (0..<1000).map { "p\($0)" }.joined(separator: ", ")
        let verification = OwnersVerification(
            [.init(path: "OWNERS", head: Array("approvers: [\(people)]".utf8))], aliases: nil, layout: OwnersLayout(),
            bannedLabels: [])
        #expect(verification.newcomers.count == OwnersVerification.newcomerLimit)
    }
}
