import FoundationEssentials

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Files that are whole or not there, whatever is killed when.
enum AtomicFile {
    /// Replaces a file: written beside it, flushed, renamed over it, its folder flushed.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(StorageError) {
        let part = "\(path).part"
        let file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw StorageError(path: part, code: errno) }
        do {
            defer { close(file) }
            guard writeAll(bytes, to: file, at: 0), fsync(file) == 0 else {
                throw StorageError(path: part, code: errno)
            }
        }
        guard rename(part, path) == 0 else { throw StorageError(path: path, code: errno) }
        try flushFolder(of: path)
    }

    /// Makes durable what came to be in a file's folder.
    fileprivate static func flushFolder(of path: String) throws(StorageError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw StorageError(path: folder, code: errno) }
        fsync(directory)
        close(directory)
    }

    /// Whether all was written; `errno` says why not.
    fileprivate static func writeAll(_ bytes: [UInt8], to file: Int32, at offset: Int) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                pwrite(file, $0.baseAddress, $0.count, off_t(offset + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// The bytes of a file; nil where there is none.
    static func read(_ path: String) throws(StorageError) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw StorageError(path: path, code: EIO)
        }
    }
}

/// A file that grows at its end.
enum AppendedFile {
    /// Cuts a file off where its whole part ends, and writes there.
    static func write(_ bytes: [UInt8], to path: String, at end: Int, isFlushed: Bool) throws(StorageError) {
        let isNew = access(path, F_OK) != 0
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw StorageError(path: path, code: errno) }
        defer { close(file) }
        guard ftruncate(file, off_t(end)) == 0, AtomicFile.writeAll(bytes, to: file, at: end),
            !isFlushed || fsync(file) == 0
        else {
            let code = errno
            // Else a start would take in what was refused.
            ftruncate(file, off_t(end))
            throw StorageError(path: path, code: code)
        }
        if isNew { try AtomicFile.flushFolder(of: path) }
    }
}

/// The forge's folder could not be read or written.
package struct StorageError: Error, CustomStringConvertible, Sendable {
    package let path: String
    let code: Int32

    package var description: String {
        "the forge's file \(path) cannot be read or written: \(String(cString: strerror(code)))"
    }
}
