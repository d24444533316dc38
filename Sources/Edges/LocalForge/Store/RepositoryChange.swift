import Forge

/// What one commit changed in a repository's state: values by key, nil where the key went away. They are whole, so a
/// change that is applied twice, or again over a state that has it already, changes nothing.
struct RepositoryChange: Codable, Sendable {
    var defaultBranch: String
    var nextID: Int64
    var nextNumber: Int
    var forbiddenMethods: [String]?
    var refs: [String: String?]?
    var pulls: [Int: RepositoryState.Pull?]?
    var comments: [Int: RepositoryState.Comment?]?
    var labels: [String: Label?]?
    var statuses: [String: [RepositoryState.Status]?]?
    var checkRuns: [String: [CheckRun]?]?
    var collaborators: [String: String?]?
    var milestones: [Int: String?]?
    var protection: [String: RepositoryState.BranchProtection?]?
    var issues: [Int: RepositoryState.IssueRecord?]?
    var deliveries: [Int: RepositoryState.Delivery?]?

    /// What leads from one state to the next. A part that was not touched shares its storage with the earlier one, and
    /// is told apart without being looked at.
    init(from old: RepositoryState, to new: RepositoryState) {
        defaultBranch = new.defaultBranch
        nextID = new.nextID
        nextNumber = new.nextNumber
        forbiddenMethods = new.forbiddenMethods
        refs = Self.changes(old.refs, new.refs)
        pulls = Self.changes(old.pulls, new.pulls)
        comments = Self.changes(old.comments, new.comments)
        labels = Self.changes(old.labels, new.labels)
        statuses = Self.changes(old.statuses, new.statuses)
        checkRuns = Self.changes(old.checkRuns, new.checkRuns)
        collaborators = Self.changes(old.collaborators, new.collaborators)
        milestones = Self.changes(old.milestones, new.milestones)
        protection = Self.changes(old.protection, new.protection)
        issues = Self.changes(old.issues, new.issues)
        deliveries = Self.changes(old.deliveries, new.deliveries)
    }

    func apply(to state: inout RepositoryState) {
        state.defaultBranch = defaultBranch
        state.nextID = nextID
        state.nextNumber = nextNumber
        state.forbiddenMethods = forbiddenMethods
        Self.apply(refs, to: &state.refs)
        Self.apply(pulls, to: &state.pulls)
        Self.apply(comments, to: &state.comments)
        Self.apply(labels, to: &state.labels)
        Self.apply(statuses, to: &state.statuses)
        Self.apply(checkRuns, to: &state.checkRuns)
        Self.apply(collaborators, to: &state.collaborators)
        Self.apply(milestones, to: &state.milestones)
        Self.apply(protection, to: &state.protection)
        Self.apply(issues, to: &state.issues)
        Self.apply(deliveries, to: &state.deliveries)
    }

    private static func changes<Key, Value: Equatable>(_ old: [Key: Value]?, _ new: [Key: Value]?) -> [Key: Value?]? {
        guard old != new else { return nil }
        var changes: [Key: Value?] = [:]
        for (key, value) in new ?? [:] where old?[key] != value { changes[key] = .some(value) }
        for key in (old ?? [:]).keys where new?[key] == nil { changes.updateValue(nil, forKey: key) }
        return changes
    }

    private static func apply<Key, Value>(_ changes: [Key: Value?]?, to values: inout [Key: Value]) {
        for (key, value) in changes ?? [:] { values[key] = value }
    }

    private static func apply<Key, Value>(_ changes: [Key: Value?]?, to values: inout [Key: Value]?) {
        guard let changes else { return }
        var known = values ?? [:]
        apply(changes, to: &known)
        values = known
    }

    /// Of lists whose ids ascend.
    private static func changes<Value: Identifiable & Equatable>(_ old: [Value], _ new: [Value]) -> [Int: Value?]?
    where Value.ID == Int64 {
        guard old != new else { return nil }
        var changes: [Int: Value?] = [:]
        var (before, after) = (old[...], new[...])
        while let first = after.first {
            while let gone = before.first, gone.id < first.id {
                changes.updateValue(nil, forKey: Int(gone.id))
                before.removeFirst()
            }
            if before.first?.id == first.id {
                if before.removeFirst() != first { changes[Int(first.id)] = .some(first) }
            } else {
                changes[Int(first.id)] = .some(first)
            }
            after.removeFirst()
        }
        for gone in before { changes.updateValue(nil, forKey: Int(gone.id)) }
        return changes
    }

    private static func apply<Value: Identifiable>(_ changes: [Int: Value?]?, to values: inout [Value])
    where Value.ID == Int64 {
        for (id, value) in (changes ?? [:]).sorted(by: { $0.key < $1.key }) {
            // From the end, where what changes stands.
            let position = values.lastIndex { $0.id < id }.map { $0 + 1 } ?? 0
            let isThere = position < values.count && values[position].id == id
            values.replaceSubrange(position..<position + (isThere ? 1 : 0), with: value.map { [$0] } ?? [])
        }
    }
}
