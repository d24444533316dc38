import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Who runs in a data folder, for `slipway ps` and `slipway down`: `supervisor.json` in it.
struct SupervisorState: Codable, Sendable {
    struct Member: Codable, Sendable {
        var name: String
        var role: String
        var process: ProcessIdentity
    }

    var supervisor: ProcessIdentity
    var members: [Member] = []

    static func path(_ folder: String) -> String { folder + "/supervisor.json" }

    static func read(from folder: String) -> SupervisorState? {
        guard let bytes = FileManager.default.contents(atPath: path(folder)) else { return nil }
        return try? JSONDecoder().decode(SupervisorState.self, from: bytes)
    }

    func write(to folder: String) throws {
        try JSONEncoder().encode(self).write(to: URL(filePath: Self.path(folder)), options: .atomic)
    }

    /// The supervisor and its children that are alive.
    var living: [Member] {
        ([Member(name: "supervisor", role: "supervisor", process: supervisor)] + members).filter(\.process.isAlive)
    }
}

/// A process that cannot be taken for another one that got its number later.
struct ProcessIdentity: Codable, Hashable, Sendable {
    var pid: Int32
    /// Clock ticks between the machine's start and the process's (field 22 of /proc/PID/stat).
    var started: UInt64

    init?(pid: Int32) {
        guard let started = Self.startTime(of: pid) else { return nil }
        self.pid = pid
        self.started = started
    }

    var isAlive: Bool { Self.startTime(of: pid) == started }

    func send(_ signal: Int32) {
        if isAlive { kill(pid, signal) }
    }

    /// nil for a process that is gone or only waits to be reaped.
    private static func startTime(of pid: Int32) -> UInt64? {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        // The name in parentheses may hold anything; the fields after the last one begin with the state.
        let text = String(decoding: bytes, as: UTF8.self)
        guard let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
    }
}
