/// Waits until `condition` holds, for what gives no signal of its own (a row, a file, another process). Looks often at
/// first and then every 20 ms; fails when a minute has passed, so that a broken promise cannot hang a run.
package func eventually(
    _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(1)
    while true {
        if try await condition() { return }
        guard ContinuousClock.now < deadline else { throw NotWithinLimit(description: "not within \(limit): \(what)") }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(20))
    }
}

/// Something that a test waited for did not come.
package struct NotWithinLimit: Error, CustomStringConvertible {
    package let description: String
}
