import Glibc
import SocketLoop

/// Reads a pipe as it fills, without a thread that waits for it: the socket loop does, for all pipes of an agent.
/// One reader at a time.
actor PipeReader {
    enum Event {
        case bytes([UInt8])
        /// Nothing came until the deadline.
        case silence
        case end
    }

    /// As much as a pipe holds.
    private static let pieceSize = 64 << 10

    nonisolated let loop: SocketLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var descriptor: Int32
    private var registration: SocketLoop.Registration?
    private var deadline: SocketLoop.Deadline?
    private var waiting: CheckedContinuation<Event?, Never>?

    /// Owns the descriptor from now on.
    init(descriptor: Int32, loop: SocketLoop) {
        self.descriptor = descriptor
        self.loop = loop
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The next piece, waiting for it until `instant`.
    func next(until instant: ContinuousClock.Instant? = nil) async -> Event {
        while true {
            if let event = read() { return event }
            if let event = await wait(until: instant) { return event }
        }
    }

    /// Ends the reading; a reader that waits hears `.end`.
    func stop() {
        finish()
        resume(with: .end)
    }

    /// Nil where nothing is there yet.
    private func read() -> Event? {
        guard descriptor >= 0 else { return .end }
        var count = 0
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: PipeReader.pieceSize) { buffer, filled in
            repeat {
                count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                code = errno
            } while count < 0 && code == EINTR
            filled = max(0, count)
        }
        if count > 0 { return .bytes(bytes) }
        if count < 0, code == EAGAIN { return nil }
        finish()
        return .end
    }

    private func wait(until instant: ContinuousClock.Instant?) async -> Event? {
        await withCheckedContinuation { continuation in
            waiting = continuation
            if let registration {
                registration.setReadInterest(true)
            } else {
                registration = loop.register(fd: descriptor) { self.assumeIsolated { $0.isReadable() } }
            }
            if let instant {
                deadline = loop.schedule(at: instant) { self.assumeIsolated { $0.resume(with: .silence) } }
            }
        }
    }

    private func isReadable() { resume(with: nil) }

    private func resume(with event: Event?) {
        registration?.setReadInterest(false)
        deadline?.cancel()
        deadline = nil
        waiting?.resume(returning: event)
        waiting = nil
    }

    private func finish() {
        registration?.cancel()
        registration = nil
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
