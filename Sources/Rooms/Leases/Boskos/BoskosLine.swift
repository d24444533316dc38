import Fleet
import NIOCore
import NIOHTTP1
import Synchronization

/// Calls on their way from the threads of connections, which wait for nothing, to the desk: whatever comes while a
/// transaction is under way stands in the next one, and a transaction's answers go back to each thread in one piece.
final class BoskosLine: Sendable {
    struct Place: Sendable {
        var call: DeskCall
        var answer: @Sendable (DeskAnswer) -> BoskosAnswer
        var promise: EventLoopPromise<BoskosAnswer>
    }

    private let waiting = Mutex<[Place]>([])
    private let wake = WakeUp()
    private let face: BoskosFace

    /// Calls of one transaction at most.
    private static let most = 400

    init(_ face: BoskosFace) { self.face = face }

    func stand(_ place: Place) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(place)
            return waiting.count == 1
        }
        if isFirst { wake.signal() }
    }

    /// Until the task is cancelled.
    func serve() async {
        while await wake.wait() {
            while true {
                let places = waiting.withLock { waiting in
                    let first = Array(waiting.prefix(Self.most))
                    waiting.removeFirst(first.count)
                    return first
                }
                guard !places.isEmpty else { break }
                await serve(places)
            }
        }
        for place in waiting.withLock({ $0 }) { place.promise.succeed(face.answer(to: CancellationError())) }
    }

    private func serve(_ places: [Place]) async {
        do {
            let answers = try await face.desk.perform(places.map(\.call))
            tell(zip(places, answers).map { ($0, $0.answer($1)) })
        } catch {
            // One of them may be at fault: each alone, unless the database is away for all.
            let answer = face.answer(to: error)
            guard places.count > 1, answer.status != .serviceUnavailable else {
                return tell(places.map { ($0, answer) })
            }
            for place in places { await serve([place]) }
        }
    }

    private func tell(_ answers: [(place: Place, answer: BoskosAnswer)]) {
        for group in Dictionary(grouping: answers, by: { ObjectIdentifier($0.place.promise.futureResult.eventLoop) })
            .values
        {
            group.first?.place.promise.futureResult.eventLoop.execute {
                for (place, answer) in group { place.promise.succeed(answer) }
            }
        }
    }
}
