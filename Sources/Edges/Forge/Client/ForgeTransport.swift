import FoundationEssentials
import NIOHTTP1

/// Sends calls: authorisation, rate, known answers, retries. Knows nothing of what is called.
struct ForgeTransport: Sendable {
    let session: ForgeSession
    /// The account to act as; only a LocalForge's admin token may.
    let actingAs: String?
    let retry: ForgeClient.RetryPolicy
    /// Of one attempt.
    let timeout: Duration

    func send(_ call: ForgeCall) async throws(ForgeError) -> ForgeAnswer {
        var attempt = 1
        var hasReplacedToken = false
        var hasWaited = false
        while true {
            do throws(Refusal) {
                return try await sendOnce(call, mindingRate: !hasWaited)
            } catch {
                // A token that was revoked in flight is replaced once: the call itself was not looked at.
                if error.error.status == 401, !hasReplacedToken, let refused = error.authorization,
                    await session.replace(refused)
                {
                    hasReplacedToken = true
                    continue
                }
                guard error.mayRetry(call), let delay = retry.delay(after: attempt, asked: error.asked) else {
                    throw error.error
                }
                do {
                    try await retry.sleep(delay)
                } catch {
                    throw call.failure(.cancelled, "cancelled")
                }
                hasWaited = error.asked != nil
                attempt += 1
            }
        }
    }

    /// - Parameter mindingRate: Whether a token that is known to have no calls left is spared. Whoever has waited for
    ///   as long as the forge asked need not ask the clock again.
    private func sendOnce(_ call: ForgeCall, mindingRate: Bool) async throws(Refusal) -> ForgeAnswer {
        let authorization = try await session.authorization(for: call)
        if mindingRate, let until = session.rates.blocked(authorization.scope) {
            throw Refusal(
                error: call.failure(
                    .rateLimited(until: until), "no calls are left, so the forge was not asked"),
                asked: .seconds(max(1, until.timeIntervalSinceNow.rounded(.up))))
        }
        guard call.method == .GET else {
            session.flights.close()
            defer { session.flights.close() }
            return try await exchange(call, authorization, etag: nil)
        }
        let question = "\(authorization.scope) \(actingAs ?? "") \(call.path)"
        return try await session.flights.ask("\(timeout) \(call.etag ?? "") \(question)") {
            () async throws(Refusal) in
            if let etag = call.etag { return try await exchange(call, authorization, etag: etag) }
            let known = session.answers[question]
            let answer = try await exchange(call, authorization, etag: known?.etag)
            if answer.status == 304, let known { return known }
            session.answers.store(answer, for: question)
            return answer
        }
    }

    private func exchange(
        _ call: ForgeCall, _ authorization: Authorization, etag: String?
    ) async throws(Refusal) -> ForgeAnswer {
        do throws(Refusal) {
            let answer = try await session.exchange.perform(
                call, authorization, actingAs: actingAs, etag: etag, timeout: timeout
            ) { session.rates.note($0.headers, of: authorization.scope) }
            session.rates.succeeded(authorization.scope)
            return answer
        } catch {
            guard case .rateLimited(let until) = error.error.kind else { throw error }
            var refusal = error
            let wait = session.rates.block(authorization.scope, asked: error.asked)
            refusal.asked = wait
            refusal.error = call.failure(
                .rateLimited(until: until ?? .now.addingTimeInterval(Double(wait.components.seconds))),
                error.error.message)
            throw refusal
        }
    }
}
