package import Patterns

/// Which branches a job runs against. Prow's rule: `skip_branches` wins, then any of `branches` has to match,
/// unanchored (`release-1.3` also matches `release-1.30`); without either, every branch.
package struct Brancher: Sendable, Hashable {
    /// The expressions as configured.
    package let branches: [String]
    package let skipBranches: [String]
    private let included: Pattern?
    private let skipped: Pattern?

    /// Entries of `branches` that mean themselves: a branch of that name needs no search.
    private let names: [String]

    /// Each list is joined with `|` and compiled once, as Prow does.
    package init(branches: [String] = [], skipBranches: [String] = []) throws(PatternError) {
        self.branches = branches
        self.skipBranches = skipBranches
        included = branches.isEmpty ? nil : try Pattern(branches.joined(separator: "|"))
        skipped = skipBranches.isEmpty ? nil : try Pattern(skipBranches.joined(separator: "|"))
        names = branches.filter { Pattern.escaped($0).replacing("\\.", with: ".") == $0 }
    }

    /// No expression at all: every branch.
    package init() {
        branches = []
        skipBranches = []
        included = nil
        skipped = nil
        names = []
    }

    package var isUnrestricted: Bool { included == nil && skipped == nil }

    package func matches(_ branch: String) -> Bool {
        if let skipped, skipped.matches(branch) { return false }
        guard let included else { return true }
        return names.contains(branch) || included.matches(branch)
    }

    /// Why the branch is excluded, in words; nil where it is not.
    func exclusion(of branch: String) -> String? {
        if let skipped, skipped.matches(branch) { return "branch '\(branch)' is among skip_branches (\(skipped))" }
        if let included, !included.matches(branch) { return "branch '\(branch)' is not among branches (\(included))" }
        return nil
    }

    /// Whether both may run against one branch, as far as Prow can tell from the expressions: equal entries of
    /// `branches` intersect, an entry taken as a branch's name is tried on the other's skip list.
    package func intersects(_ other: Brancher) -> Bool {
        if isUnrestricted || other.isUnrestricted { return true }
        guard !branches.isEmpty else { return other.branches.isEmpty || other.intersects(self) }
        if !other.branches.isEmpty { return !Set(branches).isDisjoint(with: other.branches) }
        return branches.contains { other.matches($0) }
    }
}

extension Brancher: Codable {
    enum CodingKeys: String, CodingKey { case branches, skipBranches }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            branches: container.decodeIfPresent([String].self, forKey: .branches) ?? [],
            skipBranches: container.decodeIfPresent([String].self, forKey: .skipBranches) ?? [])
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !branches.isEmpty { try container.encode(branches, forKey: .branches) }
        if !skipBranches.isEmpty { try container.encode(skipBranches, forKey: .skipBranches) }
    }
}
