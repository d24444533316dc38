import CLinux
import Glibc

/// Processes as /proc shows them.
enum ProcessTree {
    struct Entry {
        var id: pid_t
        var parent: pid_t
        var isZombie: Bool
    }

    /// Every process of the machine.
    static func all() -> [Entry] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var entries: [Entry] = []
        while let item = readdir(folder) {
            // Names of processes begin with a digit; the check spares strings for the rest.
            guard (48...57).contains(item.pointee.d_name.0) else { continue }
            let name = withUnsafePointer(to: &item.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let id = pid_t(name), let entry = read(id) else { continue }
            entries.append(entry)
        }
        return entries
    }

    /// The living descendants of a process, itself left out.
    static func descendants(of root: pid_t) -> [pid_t] {
        let entries = all()
        var children: [pid_t: [Entry]] = [:]
        for entry in entries { children[entry.parent, default: []].append(entry) }
        var found: [pid_t] = []
        var queue = [root]
        while let parent = queue.popLast() {
            for child in children[parent] ?? [] {
                queue.append(child.id)
                if !child.isZombie { found.append(child.id) }
            }
        }
        return found
    }

    private static func read(_ id: pid_t) -> Entry? {
        guard let text = readSmallFile("/proc/\(id)/stat") else { return nil }
        // `7 (name) S 1 …`; the name may hold anything, so what counts stands behind the last parenthesis.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ", maxSplits: 3)
        guard fields.count >= 2, let parent = pid_t(fields[1]) else { return nil }
        return Entry(id: id, parent: parent, isZombie: fields[0] == "Z" || fields[0] == "X")
    }

    /// Processes that were started by a run whose supervisor is gone: their working folder or their environment's
    /// HOME lies in its workspace. For agents without root, whose runs share one user.
    static func strays(in workspace: String) -> [pid_t] {
        let own = getpid()
        return all().compactMap { entry in
            guard entry.id != own, !entry.isZombie else { return nil }
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = readlink("/proc/\(entry.id)/cwd", &buffer, buffer.count)
            if count > 0 {
                let folder = String(decoding: buffer[..<count], as: UTF8.self)
                if folder == workspace || folder.hasPrefix(workspace + "/") { return entry.id }
            }
            guard let environment = readSmallFile("/proc/\(entry.id)/environ", limit: 1 << 20) else { return nil }
            return environment.contains("HOME=\(workspace)/") ? entry.id : nil
        }
    }
}

/// The text of a small file, of those in /proc above all; nil where it cannot be read.
func readSmallFile(_ path: String, limit: Int = 4096) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: min(limit, 65_536))
    while bytes.count < limit {
        let count = read(descriptor, &buffer, min(buffer.count, limit - bytes.count))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}
