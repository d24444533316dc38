import Glibc
import SocketLoop
import Synchronization
import Testing

@Suite struct SocketLoopTests {
    private actor Resident {
        let loop: SocketLoop
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        private(set) var log: [String] = []

        init(_ loop: SocketLoop) { self.loop = loop }

        func isAtHome() -> Bool { loop.isCurrent }
        func add(_ line: String) { log.append(line) }
    }

    @Test func actorsLiveOnTheLoopsThreadAndCallbacksMayAssumeIt() async {
        let loop = SocketLoop(name: "test")
        let resident = Resident(loop)
        #expect(await resident.isAtHome())
        #expect(!loop.isCurrent)
        await withCheckedContinuation { continuation in
            loop.perform {
                resident.assumeIsolated { $0.add("performed") }
                continuation.resume()
            }
        }
        #expect(await resident.log == ["performed"])
        loop.shutdown()
    }

    @Test func deadlinesComeInTheirOrderUnlessCancelled() async {
        let loop = SocketLoop(name: "test")
        let resident = Resident(loop)
        let start = ContinuousClock.now
        await withCheckedContinuation { continuation in
            _ = loop.schedule(after: .milliseconds(30)) {
                resident.assumeIsolated { $0.add("third") }
                continuation.resume()
            }
            let cancelled = loop.schedule(after: .milliseconds(5)) { resident.assumeIsolated { $0.add("never") } }
            _ = loop.schedule(after: .milliseconds(20)) { resident.assumeIsolated { $0.add("second") } }
            _ = loop.schedule(after: .zero) { resident.assumeIsolated { $0.add("first") } }
            cancelled.cancel()
        }
        #expect(ContinuousClock.now - start >= .milliseconds(30))
        #expect(await resident.log == ["first", "second", "third"])
        loop.shutdown()
    }

    @Test func socketsCallBackWhileThereIsInterest() async {
        let loop = SocketLoop(name: "test")
        var pair: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        let (near, far) = (pair[0], pair[1])
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        let registration = loop.register(fd: near) {
            var byte: UInt8 = 0
            let count = read(near, &byte, 1)
            continuation.yield(count == 1 ? String(UnicodeScalar(byte)) : "end")
            if count < 1 { continuation.finish() }
        } onWritable: {
            continuation.yield("writable")
        }
        var events = stream.makeAsyncIterator()
        for letter in ["a", "b"] {
            _ = write(far, letter, 1)
            #expect(await events.next() == letter)
        }
        registration.setReadInterest(false)
        registration.setWriteInterest(true)
        #expect(await events.next() == "writable")
        registration.setWriteInterest(false)
        close(far)
        registration.setReadInterest(true)
        while let event = await events.next() { #expect(event == "end" || event == "writable") }
        registration.cancel()
        loop.shutdown()
        close(near)
    }

    @Test func workFromManyThreadsIsDoneOnce() async {
        let loop = SocketLoop(name: "test")
        let resident = Resident(loop)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { await resident.add("") }
                }
            }
        }
        #expect(await resident.log.count == 8000)
        loop.shutdown()
    }

    @Test func blockingCallsHaveAThreadOfTheirOwn() async {
        let caller = UInt(pthread_self())
        let callee = await onBlockingThread("test") { UInt(pthread_self()) }
        #expect(callee != caller)
    }
}
