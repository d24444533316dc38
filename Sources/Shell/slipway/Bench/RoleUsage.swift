import FoundationEssentials
import Glibc

/// What a fleet, its services and this program take of the machine, by role.
struct RoleUsage: Sendable {
    /// Seconds of processor time, ended children included.
    var cpu: [String: Double] = [:]
    /// Bytes resident; what processes share is counted in each.
    var resident: [String: Int64] = [:]

    /// - Parameters:
    ///   - supervisor: its descendants are the fleet and the services.
    ///   - roles: roles of processes by their id; other descendants are named after their program.
    init(supervisor: Int32, roles: [(role: String, pid: Int32)]) {
        let names = Dictionary(roles.map { ($0.pid, $0.role) }) { $1 }
        let processes = Self.processes()
        var family: Set<Int32> = [supervisor]
        var isGrowing = true
        while isGrowing {
            let found = processes.filter { !family.contains($0.pid) && family.contains($0.parent) }
            family.formUnion(found.map(\.pid))
            isGrowing = !found.isEmpty
        }
        for process in processes where family.contains(process.pid) {
            let role =
                switch process.name {
                case _ where names[process.pid] != nil: names[process.pid] ?? ""
                case "postgres": "postgresql"
                case "beam.smp", "epmd", "erl_child_setup", "inet_gethost": "rabbitmq"
                default: "supervisor"
                }
            // A role's own children are counted where they live; of the services', those that ended with their parent.
            cpu[role, default: 0] += process.cpu + (role == "postgresql" ? process.endedChildren : 0)
            resident[role, default: 0] += process.resident
        }
        if let own = processes.first(where: { $0.pid == getpid() }) {
            cpu["bench", default: 0] = own.cpu
            resident["bench"] = own.resident
        }
    }

    /// Of Slipway's own roles: neither the services nor this program.
    static func isSlipways(_ role: String) -> Bool { !["postgresql", "rabbitmq", "bench"].contains(role) }

    private struct Process {
        var pid: Int32
        var parent: Int32
        var name: Substring
        var cpu: Double
        var endedChildren: Double
        var resident: Int64
    }

    private static func processes() -> [Process] {
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { entry in
            guard let pid = Int32(entry), let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else {
                return nil
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
            // From the state, field 3 of proc(5).
            let fields = text[text.index(after: close)...].split(separator: " ")
            guard fields.count > 21 else { return nil }
            func number(_ field: Int) -> Double { Double(fields[field - 3]) ?? 0 }
            return Process(
                pid: pid, parent: Int32(fields[1]) ?? 0, name: text[text.index(after: open)..<close],
                cpu: (number(14) + number(15)) / ticks, endedChildren: (number(16) + number(17)) / ticks,
                resident: Int64(number(24)) * page)
        }
    }
}
