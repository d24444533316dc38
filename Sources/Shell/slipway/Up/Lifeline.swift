import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ends a child of the supervisor when the supervisor is gone, however it went: the child's standard input is a pipe
/// that only the supervisor holds open. (A parent-death signal would not do: it is sent when the *thread* that started
/// the child ends.)
enum Lifeline {
    static let variable = "SLIPWAY_LIFELINE"

    /// Watches standard input where the supervisor asked for it.
    static func watch() {
        guard ProcessInfo.processInfo.environment[variable] != nil else { return }
        let thread = Thread.detached {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            // An orderly end first; a process that hangs must not outlive its supervisor for long.
            kill(getpid(), SIGTERM)
            sleep(20)
            _exit(1)
        }
        precondition(thread, "the machine has no thread left to watch the lifeline with")
    }

    private enum Thread {
        static func detached(_ body: @escaping @Sendable () -> Void) -> Bool {
            final class Box: Sendable {
                let body: @Sendable () -> Void
                init(_ body: @escaping @Sendable () -> Void) { self.body = body }
            }
            var thread = pthread_t()
            let argument = Unmanaged.passRetained(Box(body)).toOpaque()
            let status = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                }, argument)
            guard status == 0 else { return false }
            pthread_detach(thread)
            return true
        }
    }
}
