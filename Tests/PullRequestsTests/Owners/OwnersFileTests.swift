import JobConfig
import PullRequests
import Testing

@Suite("Reading OWNERS files")
struct OwnersFileTests {
    struct Good: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var approvers: [String]
        var reviewers: [String]

        init(_ name: String, _ text: String, _ approvers: [String], _ reviewers: [String] = []) {
            testDescription = name
            self.text = text
            self.approvers = approvers
            self.reviewers = reviewers
        }
    }

    @Test(arguments: [
        Good("block lists", "approvers:\n- dora\n- li\nreviewers:\n- nils\n", ["dora", "li"], ["nils"]),
        Good("flow lists", "approvers: [dora, li]\nreviewers: [nils]", ["dora", "li"], ["nils"]),
        Good("JSON", #"{"approvers": ["dora"], "reviewers": ["nils"]}"#, ["dora"], ["nils"]),
        Good("capitals and an @ count for nothing", "approvers: ['@Dora', LI]", ["dora", "li"]),
        Good("a number is a login", "approvers: [1234]", ["1234"]),
        Good("people who left", "approvers: [dora]\nemeritus_approvers: [old]\nemeritus_reviewers: [older]", ["dora"]),
        Good("keys of other tools", "approvers: [dora]\ncomponent: cranes\nfeatures: [x]", ["dora"]),
        Good("nothing behind the colon", "approvers:\nreviewers: [nils]", [], ["nils"]),
        Good("an empty file", "", []),
        Good("only a comment", "# see OWNERS_ALIASES\n", []),
        Good("the filter of everything", "filters: {'.*': {approvers: [dora]}}", ["dora"]),
        Good("anchors", "approvers: &people [dora, li]\nreviewers: *people", ["dora", "li"], ["dora", "li"]),
        Good("filters beside names are not read", "approvers: [dora]\nfilters: {'.*': {approvers: [li]}}", ["dora"]),
        Good(
            "a broken expression loses its filter", "filters: {'(': {approvers: [dora]}, '.*': {approvers: [li]}}",
            ["li"]),
        Good("Windows' line ends", "approvers:\r\n- dora\r\n", ["dora"]),
    ])
    func reads(row: Good) {
        let tree = OwnersFixture.tree(["OWNERS": row.text])
        let ownership = tree.ownership(of: "a.c")
        #expect(ownership.approvers.flatMap(\.names) == row.approvers)
        #expect(ownership.reviewers.flatMap(\.names) == row.reviewers)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var line: Int
        var says: String

        init(_ name: String, _ text: String, line: Int, _ says: String) {
            testDescription = name
            self.text = text
            self.line = line
            self.says = says
        }
    }

    @Test(arguments: [
        Bad("no YAML", "approvers:\n- dora\n reviewers: [", line: 3, "it is not valid YAML"),
        Bad("a list", "- dora\n- li\n", line: 1, "an OWNERS file is a list; write approvers:"),
        Bad("text", "dora", line: 1, "an OWNERS file is text"),
        Bad("a name instead of a list", "approvers: dora", line: 1, "approvers is text; write a list"),
        Bad("a mapping instead of a list", "approvers:\n  dora: li", line: 2, "approvers is a mapping"),
        Bad("a list within the list", "approvers:\n- dora\n- [li]", line: 3, "an entry of approvers is a list"),
        Bad(
            "an option in quotes", "options:\n  no_parent_owners: 'true'", line: 2,
            "no_parent_owners is text; write true"),
        Bad("no approvers", "options: {min_approvers: 0}", line: 1, "min_approvers is 0; write how many"),
        Bad("too many", "approvers: [a]\noptions: {min_approvers: 21}", line: 2, "min_approvers is 21"),
        Bad(
            "an expression", "filters:\n  '(': {approvers: [dora]}", line: 2,
            "the filter '(' is not a regular expression"),
        Bad("an expression of Perl's", "filters:\n  '(?=a)': {approvers: [dora]}", line: 2, "RE2"),
        Bad("an alias without anchor", "approvers: *people", line: 1, "has no anchor"),
        Bad("too deep", String(repeating: "[", count: 80) + String(repeating: "]", count: 80), line: 1, "nests deeper"),
        Bad("a byte that is no text", "approvers: [\u{0}]", line: 1, "not valid YAML"),
    ])
    func refuses(row: Bad) throws {
        let file = OwnersFile(OwnersFixture.source("a/OWNERS", row.text))
        let problem = try #require(file.errors.first)
        #expect(file.errors.count == 1)
        #expect(problem.file == "a/OWNERS")
        #expect(problem.line == row.line)
        #expect(problem.message.contains(row.says), "\(problem)")
        #expect(file.rules.isEmpty)
    }

    @Test("a bomb of aliases ends early")
    func bomb() {
        var text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (name, former) in zip("bcdefghij", "abcdefghi") {
            text += "\(name): &\(name) [" + Array(repeating: "*\(former)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(OwnersFile(OwnersFixture.source("OWNERS", text)).errors.count == 1)
        let huge = "approvers: [" + String(repeating: "dora, ", count: 300_000) + "li]"
        #expect(OwnersFile(OwnersFixture.source("OWNERS", huge)).errors.first?.message.contains("larger than") == true)
    }

    @Test("the rest of the tree works where one file is broken")
    func brokenPart() {
        let tree = OwnersFixture.tree([
            "OWNERS": "approvers: [maria]", "a/OWNERS": "approvers: {", "a/b/OWNERS": "approvers: [dora]",
        ])
        #expect(tree.errors.map(\.file) == ["a/OWNERS"])
        #expect(tree.ownership(of: "a/x").allApprovers == ["maria"])
        #expect(tree.ownership(of: "a/b/x").allApprovers == ["maria", "dora"])
    }

    @Test("unknown keys are hints, not errors")
    func unknownKeys() {
        let file = OwnersFile(OwnersFixture.source("OWNERS", "aprovers: [dora]\noptions: {inherit: false}"))
        #expect(file.errors.isEmpty)
        #expect(file.warnings.map(\.line) == [1, 2])
    }
}

@Suite("Reading OWNERS_ALIASES")
struct OwnersAliasesTests {
    @Test(arguments: [
        ("aliases:\n  crane-people:\n  - Dora\n  - '@li'\n", ["crane-people"], ["dora", "li"]),
        ("aliases: {crane-people: [dora]}", ["crane-people"], ["dora"]),
        ("aliases: {crane-people: {dora, li}}", ["Crane-People"], ["dora", "li"]),
        ("aliases: {crane-people: }", ["crane-people"], []),
        ("aliases: {crane-people: [dora]}", ["crane-people", "dora", "li"], ["dora", "li"]),
        ("aliases: {crane-people: [dora]}", ["nobody-knows"], ["nobody-knows"]),
        ("aliases: {a: [b], b: [dora]}", ["a"], ["b"]), ("aliases: {a: [b], b: [a]}", ["a"], ["b"]),
        ("", ["dora"], ["dora"]), ("aliases:", ["dora"], ["dora"]), ("other: 1", ["dora"], ["dora"]),
    ])
    func expands(text: String, named: [String], people: [String]) {
        let tree = OwnersFixture.tree([
            "OWNERS_ALIASES": text, "OWNERS": "approvers: [" + named.joined(separator: ", ") + "]",
        ])
        #expect(tree.ownership(of: "a").approvers.flatMap(\.names) == people)
    }

    @Test(arguments: [
        ("aliases: {a: [b],\n b: [a]}", 1, "the alias 'a' leads back to itself"),
        ("aliases:\n  a: [a]", 2, "the alias 'a' leads back to itself"),
        ("aliases:\n  a: [b]\n  b: [c]\n  c: [a]", 2, "leads back to itself"),
        ("aliases:\n  a: dora", 2, "a is text; write a list"), ("aliases: [a]", 1, "aliases is a list"),
        ("- a", 1, "OWNERS_ALIASES is a list"), ("aliases:\n  a: [dora\n", 3, "not valid YAML"),
        ("aliases:\n  a: [[dora]]", 2, "an entry of a is a list"),
    ])
    func refuses(text: String, line: Int, says: String) throws {
        let aliases = OwnersAliases(OwnersFixture.source("OWNERS_ALIASES", text))
        let problem = try #require(aliases.errors.first)
        #expect(problem.file == "OWNERS_ALIASES")
        #expect(problem.line == line, "\(problem)")
        #expect(problem.message.contains(says), "\(problem)")
    }

    @Test(arguments: [
        ("aliases:\n  a: [dora]\n  b: []", 3, "the alias 'b' has no members"),
        ("aliases:\n  a: [b]\n  b: [dora]", 2, "the alias 'a' names the alias 'b'"),
        ("aliases: {}\npeople: {}", 2, "'people' is not a key of OWNERS_ALIASES"),
    ])
    func hints(text: String, line: Int, says: String) throws {
        let aliases = OwnersAliases(OwnersFixture.source("OWNERS_ALIASES", text))
        #expect(aliases.errors.isEmpty)
        let hint = try #require(aliases.warnings.first)
        #expect(hint.line == line)
        #expect(hint.message.contains(says), "\(hint)")
    }

    @Test("a broken file takes nothing else with it")
    func broken() {
        let tree = OwnersFixture.tree(["OWNERS_ALIASES": "aliases: [", "OWNERS": "approvers: [dora, people]"])
        #expect(tree.errors.map(\.file) == ["OWNERS_ALIASES"])
        #expect(tree.ownership(of: "a").allApprovers == ["dora", "people"])
    }
}
