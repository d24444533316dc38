package import Fleet
import FoundationEssentials
package import Hummingbird
import Synchronization

/// Whether this process can do its work, as its parts report it.
package final class Health: Sendable {
    private let checks = Mutex<[(name: String, check: @Sendable () async -> String?)]>([])

    package init() {}

    /// - Parameter check: nil when ready, else a sentence that says what is missing.
    package func add(_ name: String, _ check: @escaping @Sendable () async -> String?) {
        checks.withLock { $0.append((name, check)) }
    }

    /// Every check with what is wrong about it.
    package func report() async -> [(name: String, problem: String?)] {
        var report: [(String, String?)] = []
        for (name, check) in checks.withLock({ $0 }) { report.append((name, await check())) }
        return report
    }
}

extension RouterMethods {
    /// `/healthz` (alive), `/readyz` (can work, with a line per part), `/metrics` (Prometheus).
    package func addHealth(_ health: Health, _ instruments: Instruments) {
        get("healthz") { _, _ in "ok\n" }
        get("readyz") { _, _ -> Response in
            let report = await health.report()
            let lines = report.map {
                "\($0.problem == nil ? "ok  " : "FAIL") \($0.name)\($0.problem.map { ": " + $0 } ?? "")"
            }
            return Response(
                status: report.allSatisfy { $0.problem == nil } ? .ok : .serviceUnavailable,
                headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: lines.joined(separator: "\n") + "\n")))
        }
        get("metrics") { _, _ -> Response in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: await instruments.scrape())))
        }
    }
}
