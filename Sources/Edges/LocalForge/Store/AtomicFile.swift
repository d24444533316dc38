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
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(file)
                throw StorageError(path: part, code: code)
            }
            written += count
        }
        guard fsync(file) == 0, close(file) == 0, rename(part, path) == 0 else {
            throw StorageError(path: path, code: errno)
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw StorageError(path: folder, code: errno) }
        fsync(directory)
        close(directory)
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

    private static func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.write(file, bytes, count)
        #else
            Glibc.write(file, bytes, count)
        #endif
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
