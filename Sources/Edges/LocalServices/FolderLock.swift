import Glibc

/// The owner's lock on a folder of services: held by a living process, gone with it however it ends.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock.
    init(folder: String) throws(ServiceError) {
        let path = Self.path(folder)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unusableFolder(folder, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = Self.firstLine(descriptor)
            close(descriptor)
            throw .alreadyRunning(folder: folder, owner: owner)
        }
        self.descriptor = descriptor
        let line = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, line, line.count, 0)
    }

    deinit {
        // A child that another thread has just forked shares the descriptor until it executes its program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Whether some process, this one included, holds the lock.
    static func isHeld(in folder: String) -> Bool {
        let descriptor = open(path(folder), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    static func path(_ folder: String) -> String { folder + "/owner.lock" }

    private static func firstLine(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return "" }
        return String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
