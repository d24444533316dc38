import AMQP
import Fleet
import LocalForge
import Merging
import Postgres
import RoomKit
import SlipwayTesting
import Synchronization
import Testing

extension MergingHarness {
    /// A driver that dies at one of its steps: with a request to the forge under way, or after a commit whose messages
    /// are lost with it. Its claims run out, and the fleet's sweeper finds the messages.
    func killDriver(atStep step: Int) async throws {
        let fuse = Fuse(burnsAt: step, recorder)
        forge.faults.inject(.announce { fuse.step() }, times: .max)
        let merging = MergingService(
            bus: FleetBus(database: bus.database, publisher: fuse, logger: quietLogger), forge: forge.bot,
            mirrors: forge.mirrors, settings: settings)
        let driver = try #require(merging.chores.first { $0.name == "merging-pools" })
        try await haveAllDue()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await driver.run() }
            group.addTask { await fuse.burnt() }
            await group.next()
            group.cancelAll()
        }
        forge.faults.clear()
        try await lookAtMain()
        try await expireClaims()
        try await pump(try await recorder.sweep(bus))
    }
}

/// Counts what a driver does, and burns through at one of its steps.
private final class Fuse: MessageSink {
    private let left: Mutex<Int>
    private let recorder: MessageRecorder
    private let (end, announcement) = AsyncStream<Void>.makeStream()

    init(burnsAt step: Int, _ recorder: MessageRecorder) {
        left = Mutex(step)
        self.recorder = recorder
    }

    func step() {
        let isBurnt = left.withLock { left in
            left -= 1
            return left <= 0
        }
        if isBurnt { announcement.finish() }
    }

    /// Returns when the fuse has burnt through, or when nobody waits any more.
    func burnt() async {
        for await _ in end {}
    }

    func offer(_ messages: [OutgoingMessage]) {
        step()
        if left.withLock({ $0 > 0 }) { recorder.offer(messages) }
    }
}
