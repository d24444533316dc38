/// Resources that a job needs while it runs: some of one type, or of whichever of several types has most to spare.
package struct LeaseItem: Hashable, Sendable, Codable {
    package var types: [String]
    package var count: Int
    /// Why, for those who look at the pool.
    package var reason: String?

    package init(types: [String], count: Int = 1, reason: String? = nil) {
        self.types = types
        self.count = count
        self.reason = reason
    }
}

/// A resource that a run holds, as its job learns of it.
package struct LeasedResource: Hashable, Sendable, Codable {
    package var name: String
    package var type: String
    /// Grows with every grant of the resource; whoever uses it can turn away a smaller one.
    package var token: Int64
    /// A JSON object of texts: what is noted about the resource.
    package var data: String

    package init(name: String, type: String, token: Int64, data: String) {
        self.name = name
        self.type = type
        self.token = token
        self.data = data
    }
}
