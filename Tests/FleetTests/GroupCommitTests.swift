import Fleet
import SlipwayTesting
import Synchronization
import Testing

@Suite("Calls that share a commit")
struct GroupCommitTests {
    private struct Refused: Error {}

    /// Remembers its batches; the first one waits until it is let go.
    private final class Performer: Sendable {
        private struct State {
            var batches: [[Int]] = []
            var gate: CheckedContinuation<Void, Never>?
            var isOpen = false
        }

        private let state = Mutex(State())
        let refuses: Set<Int>

        init(refuses: Set<Int> = []) { self.refuses = refuses }

        var batches: [[Int]] { state.withLock { $0.batches } }

        func perform(_ batch: [Int]) async throws -> [Int] {
            let isFirst = state.withLock { state in
                state.batches.append(batch)
                return state.batches.count == 1
            }
            if isFirst {
                await withCheckedContinuation { gate in
                    let isOpen = state.withLock { state in
                        state.gate = gate
                        return state.isOpen
                    }
                    if isOpen { gate.resume() }
                }
            }
            if !refuses.isDisjoint(with: batch) { throw Refused() }
            return batch.map { $0 * 10 }
        }

        func open() {
            let gate = state.withLock { state in
                state.isOpen = true
                return state.gate
            }
            gate?.resume()
        }
    }

    /// Submits 0, and then 1 to `count` while it is under way; the outcomes of all by input.
    private func submit(_ count: Int, limit: Int = 500, _ performer: Performer) async throws -> [Int: Int?] {
        let commits = GroupCommit<Int, Int>(limit: limit) { try await performer.perform($0) }
        return try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
            group.addTask { (0, try? await commits.submit(0)) }
            try await eventually("the first is under way") { !performer.batches.isEmpty }
            for input in 1...count {
                group.addTask { (input, try? await commits.submit(input)) }
            }
            try await eventually("the others wait") { await commits.waitingCount == count }
            performer.open()
            var outcomes: [Int: Int?] = [:]
            for try await (input, output) in group { outcomes[input] = .some(output) }
            return outcomes
        }
    }

    @Test("what comes meanwhile is one batch, and each caller gets its own answer")
    func shared() async throws {
        let performer = Performer()
        let outcomes = try await submit(50, performer)
        #expect(performer.batches.map(\.count) == [1, 50])
        #expect(outcomes.count == 51)
        for (input, output) in outcomes { #expect(output == input * 10) }
    }

    @Test("a batch holds no more than the limit")
    func bounded() async throws {
        let performer = Performer()
        _ = try await submit(25, limit: 10, performer)
        #expect(performer.batches.map(\.count) == [1, 10, 10, 5])
    }

    @Test("one at fault fails alone")
    func isolated() async throws {
        let performer = Performer(refuses: [7])
        let outcomes = try await submit(9, performer)
        for (input, output) in outcomes { #expect(output == (input == 7 ? nil : input * 10)) }
    }

    @Test("a leader that goes away takes nobody along")
    func cancelledLeader() async throws {
        let performer = Performer()
        let commits = GroupCommit<Int, Int> { batch in
            let outputs = try await performer.perform(batch)
            try Task.checkCancellation()
            return outputs
        }
        let first = Task { try await commits.submit(0) }
        try await eventually("the first is under way") { !performer.batches.isEmpty }
        let leader = Task { try await commits.submit(1) }
        try await eventually("the leader waits") { await commits.waitingCount == 1 }
        let follower = Task { try await commits.submit(2) }
        try await eventually("the follower waits") { await commits.waitingCount == 2 }
        leader.cancel()
        performer.open()
        #expect(try await first.value == 0)
        await #expect(throws: CancellationError.self) { try await leader.value }
        #expect(try await follower.value == 20)
    }
}
