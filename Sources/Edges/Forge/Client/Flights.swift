import Synchronization

/// Questions under way: whoever asks the same meanwhile gets the same answer. A write of this client ends that, so that
/// nobody reads back less than what he wrote.
final class Flights: Sendable {
    typealias Outcome = Result<ForgeAnswer, Refusal>

    private struct Flight {
        var id: Int
        var task: Task<Outcome, Never>
        var passengers: Int
    }

    private struct Content {
        var flights: [String: Flight] = [:]
        var lastID = 0
    }

    private let content = Mutex(Content())

    /// Asks, or joins who is asking. Where every asker was cancelled, so is the question.
    func ask(
        _ key: String, _ question: @escaping @Sendable () async throws(Refusal) -> ForgeAnswer
    ) async throws(Refusal) -> ForgeAnswer {
        let (id, task) = board(key, question)
        let outcome = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            leave(key, id)
        }
        return try outcome.get()
    }

    private func board(
        _ key: String, _ question: @escaping @Sendable () async throws(Refusal) -> ForgeAnswer
    ) -> (Int, Task<Outcome, Never>) {
        content.withLock { content in
            if var flight = content.flights[key] {
                flight.passengers += 1
                content.flights[key] = flight
                return (flight.id, flight.task)
            }
            content.lastID += 1
            let id = content.lastID
            // Not a child of the first asker: its end must not be that of the others' answer.
            let task = Task { () -> Outcome in
                let outcome: Outcome
                do throws(Refusal) {
                    outcome = .success(try await question())
                } catch {
                    outcome = .failure(error)
                }
                land(key, id)
                return outcome
            }
            content.flights[key] = Flight(id: id, task: task, passengers: 1)
            return (id, task)
        }
    }

    private func leave(_ key: String, _ id: Int) {
        let abandoned = content.withLock { content -> Task<Outcome, Never>? in
            guard var flight = content.flights[key], flight.id == id else { return nil }
            flight.passengers -= 1
            content.flights[key] = flight.passengers > 0 ? flight : nil
            return flight.passengers > 0 ? nil : flight.task
        }
        abandoned?.cancel()
    }

    private func land(_ key: String, _ id: Int) {
        content.withLock { content in
            if content.flights[key]?.id == id { content.flights[key] = nil }
        }
    }

    /// Nobody joins what is under way now; those who did get their answer.
    func close() { content.withLock { $0.flights = [:] } }
}
