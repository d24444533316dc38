import FoundationEssentials
import Glibc

/// What runs on this machine, as /proc tells.
enum Processes {
    /// Every process that stands in the folder or below it, or has it among its arguments.
    static func of(_ folder: String) -> [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { Int32($0) }.filter { process in
            process != getpid() && isAlive(process)
                && (stands(process, in: folder) || arguments(process).contains { $0.hasPrefix(folder) })
        }
    }

    /// The first among them whose arguments end like these.
    static func find(_ folder: String, arguments wanted: String...) -> Int32? {
        of(folder).first { process in
            let given = arguments(process)
            return wanted.allSatisfy { wanted in given.contains { $0.hasSuffix(wanted) } }
        }
    }

    static func arguments(_ process: Int32) -> [String] {
        guard let bytes = try? Data(contentsOf: URL(filePath: "/proc/\(process)/cmdline")) else { return [] }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func stands(_ process: Int32, in folder: String) -> Bool {
        let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
        return place == folder || place?.hasPrefix(folder + "/") == true
    }

    private static func isAlive(_ process: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !stat.contains(") Z ")
    }
}

/// A new folder that another user may enter, for the length of `body`.
func withTemporaryFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    var template = Array("/tmp/slipway-services-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template).map({ String(cString: $0) }) else { throw POSIXFailure(code: errno) }
    chmod(path, 0o711)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

struct POSIXFailure: Error {
    let code: Int32
}
