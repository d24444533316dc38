/// Turns what a job prints into chunks for the artifact store: censored, and bounded whatever the job does.
///
/// The first `headLimit` bytes are kept, then only the last `tailLimit`; a sentence stands where the middle is missing.
/// No I/O, no clock: time comes in, chunks come out.
package struct LogRecorder: Sendable {
    package struct Limits: Sendable, Hashable {
        /// Bytes kept from the beginning.
        package var head: Int
        /// Bytes kept from the end of a longer log.
        package var tail: Int
        /// Bytes that make a chunk.
        package var chunk: Int
        /// How old the first byte of an unwritten chunk may be.
        package var age: Duration

        package init(head: Int = 50 << 20, tail: Int = 1 << 20, chunk: Int = 256 << 10, age: Duration = .seconds(1)) {
            self.head = head
            self.tail = tail
            self.chunk = chunk
            self.age = age
        }
    }

    private let limits: Limits
    private let secrets: SecretSet
    private var censor: Censor
    /// Censored, not yet handed out.
    private var pending: [UInt8] = []
    private var pendingSince: ContinuousClock.Instant?
    /// The end of a log that went past its head, as it came.
    private var tail: [UInt8] = []
    /// Bytes the job printed.
    package private(set) var total = 0
    private var headTaken = 0
    private var isCut = false

    package init(secrets: SecretSet, limits: Limits = Limits()) {
        self.secrets = secrets
        self.limits = limits
        censor = Censor(secrets)
    }

    /// When the pending bytes are old enough to be written; nil where there are none.
    package var deadline: ContinuousClock.Instant? { pendingSince.map { $0 + limits.age } }

    package mutating func append(_ bytes: [UInt8], at now: ContinuousClock.Instant) {
        total += bytes.count
        let room = limits.head - headTaken
        if room >= bytes.count {
            headTaken += bytes.count
            put(censor.feed(bytes), at: now)
            return
        }
        if room > 0 {
            headTaken = limits.head
            put(censor.feed(Array(bytes[..<room])), at: now)
            tail = Array(bytes[room...])
            return
        }
        tail += bytes
        if !isCut, tail.count > limits.tail {
            // From here on something is left out.
            isCut = true
            put(censor.finish(isCut: true), at: now)
            put(
                Array(
                    ("\nslipway: the log is longer than \(LogRecorder.size(limits.head)); what follows is left out but for "
                        + "the last \(LogRecorder.size(limits.tail)), which stand here when the run has ended\n\n").utf8
                ),
                at: now)
        }
        if tail.count > 2 * limits.tail { tail.removeFirst(tail.count - limits.tail) }
    }

    /// The next chunk that is large or old enough.
    package mutating func takeChunk(at now: ContinuousClock.Instant) -> [UInt8]? {
        if pending.count >= limits.chunk {
            let chunk = Array(pending[..<limits.chunk])
            pending.removeFirst(limits.chunk)
            pendingSince = pending.isEmpty ? nil : now
            return chunk
        }
        guard let deadline, now >= deadline else { return nil }
        return takeAll()
    }

    /// The last chunks, when the job has ended and everything it printed was appended.
    package mutating func finish() -> [[UInt8]] {
        let now = ContinuousClock.now
        if !isCut {
            put(censor.feed(tail), at: now)
            put(censor.finish(), at: now)
        } else {
            if tail.count > limits.tail { tail.removeFirst(tail.count - limits.tail) }
            // The first line is likely cut, and a secret with it.
            if let end = tail.firstIndex(of: UInt8(ascii: "\n")), end < 65_536, end + 1 < tail.count {
                tail.removeFirst(end + 1)
            }
            let omitted = total - headTaken - tail.count
            put(
                Array("slipway: \(LogRecorder.size(omitted)) are left out here\n\n".utf8)
                    + Censor.censor(tail, secrets), at: now)
        }
        tail = []
        var chunks: [[UInt8]] = []
        while pending.count > limits.chunk, let chunk = takeChunk(at: now) { chunks.append(chunk) }
        if let rest = takeAll() { chunks.append(rest) }
        return chunks
    }

    private mutating func put(_ bytes: [UInt8], at now: ContinuousClock.Instant) {
        guard !bytes.isEmpty else { return }
        if pending.isEmpty { pendingSince = now }
        pending += bytes
    }

    private mutating func takeAll() -> [UInt8]? {
        guard !pending.isEmpty else { return nil }
        defer {
            pending = []
            pendingSince = nil
        }
        return pending
    }

    /// `50 MB`, `12 KB`, `7 bytes`.
    static func size(_ bytes: Int) -> String {
        if bytes >= 1 << 20 { return "\(bytes >> 20) MB" }
        return bytes >= 1 << 10 ? "\(bytes >> 10) KB" : "\(bytes) bytes"
    }
}
