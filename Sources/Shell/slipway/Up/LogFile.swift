import FoundationEssentials

/// Log files that do not grow without end.
enum LogFile {
    /// Moves a file that is over `limit` bytes aside, in place of the one moved before it.
    static func bound(_ path: String, to limit: Int64) {
        guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64, size > limit else {
            return
        }
        try? FileManager.default.removeItem(atPath: path + ".old")
        try? FileManager.default.moveItem(atPath: path, toPath: path + ".old")
    }
}
