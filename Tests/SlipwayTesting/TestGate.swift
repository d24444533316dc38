/// Lets a few tests at a time do what is heavy: all at once, each would wait for its answers longer than it may.
package actor TestGate {
    /// For tests with a LocalForge of their own.
    package static let forges = TestGate(places: 6)

    /// Gates whose place the task holds already.
    @TaskLocal private static var held: Set<ObjectIdentifier> = []

    private var free: Int
    private var waiters: [CheckedContinuation<Void, Never>] = []

    package init(places: Int) { free = places }

    /// Waits for a place and holds it for the length of `body`. A body that waits for a place of another gate must do so
    /// in the same order everywhere: a forge first, then a database.
    package nonisolated(nonsending) func pass<Result>(
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        let gate = ObjectIdentifier(self)
        guard !Self.held.contains(gate) else { return try await body() }
        await enter()
        do {
            let result = try await Self.$held.withValue(Self.held.union([gate])) { try await body() }
            await leave()
            return result
        } catch {
            await leave()
            throw error
        }
    }

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    func leave() {
        if waiters.isEmpty { free += 1 } else { waiters.removeFirst().resume() }
    }
}
