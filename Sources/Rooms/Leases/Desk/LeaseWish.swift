/// What somebody wants to have, all of it or nothing.
package struct LeaseWish: Sendable, Hashable, Codable {
    /// Some resources of one type, or of whichever of several types has most to spare.
    package struct Item: Sendable, Hashable, Codable {
        package var types: [String]
        package var count: Int
        /// The state they shall be in, and the one that they get.
        package var state: String
        package var dest: String

        package init(types: [String], count: Int = 1, state: String = "free", dest: String = "leased") {
            self.types = types
            self.count = count
            self.state = state
            self.dest = dest
        }
    }

    package var items: [Item]

    package init(items: [Item]) { self.items = items }

    package init(type: String, count: Int = 1, state: String = "free", dest: String = "leased") {
        items = [Item(types: [type], count: count, state: state, dest: dest)]
    }

    /// The lines that it stands in.
    package var lines: [LeaseLine] {
        var lines: [LeaseLine] = []
        for item in items {
            for type in item.types {
                let line = LeaseLine(type: type, state: item.state)
                if !lines.contains(line) { lines.append(line) }
            }
        }
        return lines
    }

    /// How many resources it has once it is granted.
    package var count: Int { items.reduce(0) { $0 + $1.count } }
}

/// Where one waits: for resources of a type in a state.
package struct LeaseLine: Sendable, Hashable, Comparable {
    package var type: String
    package var state: String

    package init(type: String, state: String) {
        self.type = type
        self.state = state
    }

    package static func < (left: LeaseLine, right: LeaseLine) -> Bool {
        (left.type, left.state) < (right.type, right.state)
    }
}
