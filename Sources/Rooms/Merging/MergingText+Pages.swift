import FoundationEssentials
import JobConfig
import SlipwayModel
import Web

/// What the pages say.
extension MergingText {
    static let noTide = "The configuration has no section 'tide', so nothing is merged automatically."
    static let noPools = "No pull request is open against a branch that anything is merged into."

    static func notOpen(_ number: Int) -> MergeObstacle {
        MergeObstacle(
            rule: "No open pull request #\(number) is known here.",
            remedy: "It was merged or closed, or the forge has yet to tell of it.")
    }

    static func word(of action: String) -> String {
        switch action {
        case "MERGE", "MERGE_BATCH": "landed"
        case "EJECT": "put out"
        case "FAILED": "failed"
        case "FLAKE": "flake"
        case "CLEARED": "cleared"
        case "WAITS": "waits"
        case "REBUILD": "built anew"
        case "LEFT": "left"
        case "TEMPLATE": "template"
        case "NO_PUSH": "no push"
        case "TRIGGER", "TRIGGER_BATCH": "tested"
        default: action.lowercased()
        }
    }

    /// The class of its mark.
    static func kind(of action: String) -> String {
        switch action {
        case "MERGE", "MERGE_BATCH", "CLEARED": "success"
        case "EJECT", "FAILED": "failure"
        case "FLAKE": "flaky"
        case "TRIGGER", "TRIGGER_BATCH": "running"
        default: "skipped"
        }
    }

    static func label(_ state: Trial.State) -> (state: String, words: String) {
        switch state {
        case .building: ("dispatched", "merging")
        case .testing: ("running", "in test")
        case .passed: ("success", "passed")
        }
    }

    static func prefix(_ position: Int, of count: Int) -> String { count == 1 ? "Line" : "Prefix \(position)" }

    static func lane(_ lane: Lane) -> String {
        lane.evidence.isEmpty ? "Ahead" : lane.numbers.count == 1 ? "Suspect" : "Suspects"
    }

    static func expected(_ seconds: Double?) -> String {
        guard let seconds else { return "" }
        return "in about \(HumanTime.duration(seconds < 60 ? max(1, seconds) : (seconds / 60).rounded() * 60))"
    }

    static func summary(_ shown: ShownPool, queue: Int, blocked: Int) -> String {
        var parts = [queue == 1 ? "1 in the pool" : "\(queue) in the pool"]
        if blocked > 0 { parts.append("\(blocked) not mergeable") }
        if let pace = shown.pace { parts.append("a test takes \(HumanTime.duration(pace))") }
        return parts.joined(separator: ", ")
    }

    static func whereItIs(_ place: PoolPlaces.Place?, branch: String) -> String {
        guard let place else { return "It meets the rules and enters the train of '\(branch)' at its next turn." }
        let others = place.with.isEmpty ? "" : " together with \(list(place.with))"
        let time = place.expected.map { " It lands \(expected($0)) if everything passes." } ?? ""
        return place.isUnderTest
            ? "It is number \(place.position) in the train of '\(branch)' and is being tested\(others).\(time)"
            : "It is number \(place.position) in the train of '\(branch)' and waits for its turn.\(time)"
    }

    // MARK: Rules in words

    static func hiddenChecks(_ repository: RepositoryName) -> String {
        "The forge does not show the check runs of \(repository), so they count as not there: give the App the permission to read checks."
    }

    /// What passed could not land.
    static func landingTrouble(_ reason: String) -> String { "What passed did not land, and is tried again. \(reason)" }

    /// What a pull request has to meet, one sentence per query, and what holds for all.
    static func rules(_ pool: PoolName, _ tide: TideSettings, _ facts: PoolFacts?) -> [String] {
        let queries = tide.queries(of: pool.repository).filter { $0.takesBranch(pool.branch) }
        guard !queries.isEmpty else { return [forbiddenBranchObstacle(pool.branch).rule] }
        var rules = queries.map { rule($0) }
        if rules.count > 1 { rules[0] = "Any one of these is enough. " + rules[0] }
        let jobs = facts?.jobs ?? []
        rules.append(
            jobs.isEmpty
                ? "No job is required here: whatever meets the rules lands without a test of ours."
                : "Every context on its newest commit is green that is not optional, and these jobs pass on the tree that lands, as far as its files concern them: \(jobs.joined(separator: ", "))."
        )
        var how = "It lands by '\(tide.mergeMethods.method(of: pool.repository, branch: pool.branch).rawValue)'"
        let labels = [tide.squashLabel, tide.rebaseLabel, tide.mergeLabel].compactMap(\.self)
        if !labels.isEmpty { how += ", unless a label says otherwise (\(labels.joined(separator: ", ")))" }
        if let facts { how += "; at most \(facts.maxMembers) are tested together, \(facts.capacity) sets at once" }
        rules.append(how + ".")
        if let label = tide.blockerLabel {
            rules.append("An open issue with the label \(label) stops it.")
        }
        return rules
    }

    private static func rule(_ query: TideQuery) -> String {
        var parts: [String] = []
        if let author = query.author { parts.append("is by \(author)") }
        if !query.labels.isEmpty {
            parts.append(
                "has \(query.labels.count == 1 ? "the label" : "the labels") "
                    + conjoined(query.labels.map { $0.replacing(",", with: " or ") }, "and"))
        }
        if !query.missingLabels.isEmpty { parts.append("has none of \(conjoined(query.missingLabels, "and"))") }
        if let milestone = query.milestone { parts.append("is in the milestone \(milestone)") }
        if query.reviewApprovedRequired { parts.append("has the approving reviews that the forge asks for") }
        return parts.isEmpty
            ? "Every pull request is merged, whatever its labels."
            : "A pull request is merged that \(conjoined(parts, "and"))."
    }

    private static func conjoined(_ parts: [String], _ word: String) -> String {
        guard parts.count > 1, let last = parts.last else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " \(word) \(last)"
    }
}
