import PullRequests
import Testing

/// The fewest people who can approve what is missing (Prow: `approvers_test.go`, `owners_test.go`).
@Suite("Whom to ask for approval")
struct ApproverSuggestionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Per gap the candidates, nearest first: `a b|c` are a and b at distance 0, c at distance 1; `2:` before
        /// them is how many are missing.
        var gaps: [String]
        var people: [String]
        var preferred: [String]
        var isEnough: Bool

        init(_ name: String, _ gaps: [String], _ people: [String], preferred: [String] = [], isEnough: Bool = true) {
            testDescription = name
            self.gaps = gaps
            self.people = people
            self.preferred = preferred
            self.isEnough = isEnough
        }
    }

    @Test(arguments: [
        Case("nothing missing", [], []),
        Case("one person", ["a"], ["a"]),
        Case("nobody", [""], [], isEnough: false),
        Case("one covers both", ["a b", "b c"], ["b"]),
        Case("two are needed", ["a", "b"], ["a", "b"]),
        Case("the root is fewer than two", ["a|r", "b|r"], ["r"]),
        Case("nearest first", ["a|r"], ["a"]),
        Case("the preferred one, though further away", ["a|r"], ["r"], preferred: ["r"]),
        Case("a preferred one never makes it more people", ["a|r", "b|r"], ["r"], preferred: ["a", "b"]),
        Case("preferred among equals", ["a b c d e f"], ["e"], preferred: ["e"]),
        Case("three are the fewest", ["a x", "b x", "c x", "a y", "b y", "c z"], ["?", "?", "?"]),
        Case("greed's trap", ["a x", "a x", "a y", "b x", "b x", "b z"], ["a", "b"]),
        Case("two out of one gap", ["2:a b"], ["a", "b"]),
        Case("two out of one gap, one elsewhere", ["2:a b|r", "c|r"], ["r", "?"]),
        Case("fewer than are needed", ["3:a b"], ["a", "b"], isEnough: false),
        Case("one gap nobody closes", ["a", ""], ["a"], isEnough: false),
    ])
    func suggests(row: Case) {
        let suggestion = ApproverSuggestion(row.gaps.map(Self.gap), preferred: Set(row.preferred), seed: 7)
        #expect(suggestion.people.count == row.people.count)
        for person in row.people where person != "?" { #expect(suggestion.people.contains(person)) }
        #expect(suggestion.isEnough == row.isEnough)
        let again = ApproverSuggestion(row.gaps.map(Self.gap), preferred: Set(row.preferred), seed: 7)
        #expect(again.people == suggestion.people)
    }

    private static func gap(_ text: String) -> ApproverSuggestion.Gap {
        let parts = text.split(separator: ":")
        let missing = parts.count == 2 ? Int(parts[0]) ?? 1 : 1
        var candidates: [String: Int] = [:]
        for (distance, layer) in (parts.last ?? "").split(separator: "|").enumerated() {
            for login in layer.split(separator: " ") { candidates[String(login)] = distance }
        }
        return .init(candidates: candidates, missing: missing)
    }

    @Test("no set of fewer people does, whatever the gaps", arguments: 1...30)
    func minimal(seed: Int) {
        var random = Sequence(state: UInt64(seed))
        let people = (0..<8).map { "p\($0)" }
        let gaps = (0..<(3 + seed % 5)).map { _ in
            let candidates = people.filter { _ in random.next() % 3 == 0 }
            let all = candidates.isEmpty ? [people[seed % 8]] : candidates
            return ApproverSuggestion.Gap(
                candidates: Dictionary(uniqueKeysWithValues: all.map { ($0, Int(random.next() % 3)) }),
                missing: min(all.count, 1 + Int(random.next() % 2)))
        }
        let smallest = (0..<256).filter { set in
            gaps.allSatisfy { gap in
                people.indices.count { set >> $0 & 1 == 1 && gap.candidates[people[$0]] != nil } >= gap.missing
            }
        }.map(\.nonzeroBitCount).min()
        let suggestion = ApproverSuggestion(gaps, preferred: [], seed: seed)
        #expect(suggestion.people.count == smallest)
        for gap in gaps {
            #expect(suggestion.people.count { gap.candidates[$0] != nil } >= gap.missing)
        }
    }

    @Test("not always the same ones are asked")
    func spread() {
        let gap = ApproverSuggestion.Gap(candidates: ["a": 0, "b": 0, "c": 0, "d": 0], missing: 1)
        let asked = Set((1...40).flatMap { ApproverSuggestion([gap], preferred: [], seed: $0).people })
        #expect(asked == ["a", "b", "c", "d"])
    }

    @Test("a thousand folders are answered by greed, and covered")
    func large() {
        let gaps = (0..<1000).map { number in
            ApproverSuggestion.Gap(
                candidates: ["own\(number)": 0, "team\(number / 10)": 1, "other\(number % 7)": 2], missing: 1)
        }
        let suggestion = ApproverSuggestion(gaps, preferred: [], seed: 1)
        #expect(suggestion.people.count == 7)
        #expect(gaps.allSatisfy { gap in suggestion.people.contains { gap.candidates[$0] != nil } })
    }

    /// The same at every run, without a source of chance.
    private struct Sequence {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }
}
