import CLinux
import Glibc

/// Runs a call that blocks (name resolution, PQcancel, a synchronous log-in) on a thread of its own, so that neither
/// a socket loop nor Swift's few cooperative threads wait for it. Meant for rare calls: each starts a thread.
package func onBlockingThread<R: Sendable>(_ name: String, _ body: @escaping @Sendable () -> R) async -> R {
    await withUnsafeContinuation { continuation in
        startThread(name: name) { continuation.resume(returning: body()) }
    }
}

private final class ThreadBody {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// Starts a detached thread with all signals blocked (they belong to the main thread).
package func startThread(name: String, _ body: @escaping @Sendable () -> Void) {
    let argument = Unmanaged.passRetained(ThreadBody(name: name, body: body))
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let status = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            let thread = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
            clinux_name_thread(thread.name)
            thread.body()
            return nil
        }, argument.toOpaque())
    precondition(status == 0, "pthread_create failed with \(status): the limit of threads is reached (ulimit -u)")
}
