/// The delivery tags of a channel that wait for an answer, in the order they came, which is ascending.
struct UnacknowledgedTags {
    struct Step: Hashable {
        let tag: UInt64
        /// Answers every tag up to this one as well.
        let multiple: Bool
    }

    private var tags: [UInt64] = []

    var count: Int { tags.count }

    mutating func append(_ tag: UInt64) { tags.append(tag) }

    /// Removes `settled` and says how to answer with the fewest frames: one for all that have no older tag left
    /// waiting, and one for each of the others. Tags that do not wait are ignored.
    mutating func settle(_ settled: Set<UInt64>) -> [Step] {
        let leading = tags.prefix { settled.contains($0) }
        var steps = leading.last.map { [Step(tag: $0, multiple: leading.count > 1)] } ?? []
        var rest: [UInt64] = []
        for tag in tags.dropFirst(leading.count) {
            if settled.contains(tag) { steps.append(Step(tag: tag, multiple: false)) } else { rest.append(tag) }
        }
        tags = rest
        return steps
    }
}
