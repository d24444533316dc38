/// Asks until there is an answer, for what gives no signal of its own: a process that starts, a row, a file.
///
/// - Throws: a sentence with `what` when `limit` has passed.
@discardableResult
func waitUntil<Answer>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(30),
    lookingEvery pause: Duration = .milliseconds(50), _ ask: () async throws -> Answer?
) async throws -> Answer {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if let answer = try await ask() { return answer }
        try await Task.sleep(for: pause)
    }
    throw MeasuredFleetError("waited \(limit) until \(what())")
}
