import FoundationEssentials
import Glibc

/// Artifacts in a folder of this machine, or of a file system that several machines mount.
///
/// Every path is walked folder by folder from the root with O_NOFOLLOW, so a symbolic link anywhere below the root is
/// an error and never a way out of it. New content is written under `.incoming/` and renamed into place.
package final class LocalArtifactStore: ArtifactStorage {
    /// Where writes are prepared, below the root; hidden from listings.
    static let incoming = ".incoming"

    package let folder: String
    package var address: String { "" }
    private let root: Descriptor
    private let minimumFreeBytes: Int64

    /// - Parameters:
    ///   - folder: created where missing, with the folders above it.
    ///   - minimumFreeBytes: writes are refused as `.full` while the file system has less than this free.
    package init(folder: String, minimumFreeBytes: Int64 = 0) throws(ArtifactStoreError) {
        self.folder = folder
        self.minimumFreeBytes = minimumFreeBytes
        var made = folder.hasPrefix("/") ? "" : "."
        for component in folder.split(separator: "/") {
            made += "/" + component
            if mkdir(made, 0o755) != 0, errno != EEXIST {
                throw .unusableRoot(folder, reason: systemMessage(errno))
            }
        }
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unusableRoot(folder, reason: systemMessage(errno)) }
        root = Descriptor(descriptor)
        if mkdirat(root.number, LocalArtifactStore.incoming, 0o755) != 0, errno != EEXIST {
            throw .unusableRoot(folder, reason: systemMessage(errno))
        }
    }

    // MARK: Writing

    package func put(_ path: ArtifactPath, durable: Bool, next: () async throws -> [UInt8]?) async throws {
        guard !path.isRoot else { throw ArtifactStoreError.notAFile(path) }
        try checkFreeSpace(for: path)
        let temporary = "\(LocalArtifactStore.incoming)/\(UUID().uuidString)"
        let number = openat(root.number, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard number >= 0 else { throw writeError(path, errno) }
        let file = Descriptor(number)
        do {
            var sinceCheck = 0
            while let piece = try await next() {
                try writeAll(piece, to: file, path)
                sinceCheck += piece.count
                if sinceCheck > 16 << 20 {
                    sinceCheck = 0
                    try checkFreeSpace(for: path)
                }
            }
            if durable, fdatasync(file.number) != 0 { throw writeError(path, errno) }
            let parent = try directory(path.parent ?? .root, create: true, for: path)
            guard renameat(root.number, temporary, parent.number, path.name) == 0 else {
                throw errno == EISDIR ? ArtifactStoreError.notAFile(path) : writeError(path, errno)
            }
            if durable, fsync(parent.number) != 0 { throw writeError(path, errno) }
        } catch {
            unlinkat(root.number, temporary, 0)
            throw error
        }
    }

    private func writeAll(_ bytes: [UInt8], to file: Descriptor, _ path: ArtifactPath) throws(ArtifactStoreError) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                Glibc.write(file.number, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if written > 0 {
                offset += written
            } else if written < 0, errno != EINTR {
                throw writeError(path, errno)
            }
        }
    }

    private func checkFreeSpace(for path: ArtifactPath) throws(ArtifactStoreError) {
        guard minimumFreeBytes > 0 else { return }
        var status = statvfs()
        guard fstatvfs(root.number, &status) == 0 else { return }
        let free = Int64(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
        if free < minimumFreeBytes {
            throw .full(path, reason: "\(free) bytes are free, \(minimumFreeBytes) must stay free")
        }
    }

    private func writeError(_ path: ArtifactPath, _ code: Int32) -> ArtifactStoreError {
        switch code {
        case ENOSPC, EDQUOT: .full(path, reason: systemMessage(code))
        case ENOTDIR, ELOOP: .notAFolder(path)
        default: .failed(operation: "written", path, reason: systemMessage(code))
        }
    }

    package func remove(_ path: ArtifactPath) async throws(ArtifactStoreError) {
        guard let parentPath = path.parent else {
            throw .failed(operation: "removed", path, reason: "it is the store's root")
        }
        let parent: Descriptor
        do {
            parent = try directory(parentPath, create: false, for: path)
        } catch .notFound {
            return
        }
        try remove(path.name, in: parent, path)
    }

    private func remove(_ name: String, in parent: Descriptor, _ path: ArtifactPath) throws(ArtifactStoreError) {
        if unlinkat(parent.number, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else {
            throw .failed(operation: "removed", path, reason: systemMessage(errno))
        }
        let number = openat(parent.number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw .failed(operation: "removed", path, reason: systemMessage(errno)) }
        let folder = Descriptor(number)
        for child in try names(in: folder, path) { try remove(child, in: folder, path) }
        if unlinkat(parent.number, name, AT_REMOVEDIR) != 0, errno != ENOENT {
            throw .failed(operation: "removed", path, reason: systemMessage(errno))
        }
    }

    // MARK: Reading

    package func open(_ path: ArtifactPath) async throws(ArtifactStoreError) -> any ArtifactFile {
        guard let parent = path.parent else { throw .notAFile(path) }
        let folder = try directory(parent, create: false, for: path)
        // O_NONBLOCK: opening a named pipe must not wait for its other end.
        let number = openat(folder.number, path.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else { throw readError(path, errno) }
        let file = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0 else { throw readError(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path) }
        return LocalArtifactFile(
            descriptor: file, path: path, size: Int64(status.st_size), modified: date(status.st_mtim))
    }

    package func entry(_ path: ArtifactPath) async throws(ArtifactStoreError) -> ArtifactEntry? {
        guard let parent = path.parent else {
            return ArtifactEntry(name: "", isFolder: true, size: 0, modified: Date(timeIntervalSince1970: 0))
        }
        do {
            return entry(path.name, in: try directory(parent, create: false, for: path))
        } catch .notFound {
            return nil
        }
    }

    package func list(
        _ folder: ArtifactPath, after: String?, limit: Int
    ) async throws(ArtifactStoreError) -> ArtifactPage {
        let directory: Descriptor
        do {
            directory = try self.directory(folder, create: false, for: folder)
        } catch .notFound {
            return ArtifactPage(entries: [], next: nil)
        }
        var names = try names(in: directory, folder)
        if let after { names.removeAll { !precedes(after, $0) } }
        if folder.isRoot { names.removeAll { $0 == LocalArtifactStore.incoming } }
        names.sort(by: precedes)
        var page = ArtifactPage(entries: [], next: nil)
        for (index, name) in names.enumerated() {
            if page.entries.count == min(max(limit, 1), 1000) {
                page.next = names[index - 1]
                break
            }
            // Links, pipes and sockets are not artifacts.
            if let entry = entry(name, in: directory) { page.entries.append(entry) }
        }
        return page
    }

    private func entry(_ name: String, in directory: Descriptor) -> ArtifactEntry? {
        var status = stat()
        guard fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            return ArtifactEntry(
                name: name, isFolder: false, size: Int64(status.st_size), modified: date(status.st_mtim))
        case S_IFDIR:
            return ArtifactEntry(name: name, isFolder: true, size: 0, modified: date(status.st_mtim))
        default: return nil
        }
    }

    private func readError(_ path: ArtifactPath, _ code: Int32) -> ArtifactStoreError {
        switch code {
        case ENOENT: .notFound(path)
        case ENOTDIR: .notAFolder(path)
        case ELOOP: .notAFile(path)
        default: .failed(operation: "read", path, reason: systemMessage(code))
        }
    }

    // MARK: Folders

    /// Opens a folder by walking from the root; `subject` is what an error names.
    private func directory(
        _ path: ArtifactPath, create: Bool, for subject: ArtifactPath
    ) throws(ArtifactStoreError) -> Descriptor {
        var current = root
        for component in path.components {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            var number = openat(current.number, component, flags)
            if number < 0, errno == ENOENT, create {
                if mkdirat(current.number, component, 0o755) != 0, errno != EEXIST {
                    throw writeError(subject, errno)
                }
                number = openat(current.number, component, flags)
            }
            guard number >= 0 else {
                switch errno {
                case ENOENT: throw .notFound(subject)
                case ENOTDIR, ELOOP: throw .notAFolder(subject)
                default: throw .failed(operation: "reached", subject, reason: systemMessage(errno))
                }
            }
            current = Descriptor(number)
        }
        return current
    }

    private func names(in directory: Descriptor, _ path: ArtifactPath) throws(ArtifactStoreError) -> [String] {
        // A descriptor of its own: closedir closes it, and the position of `directory` stays untouched.
        let number = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0, let stream = fdopendir(number) else {
            throw .failed(operation: "listed", path, reason: systemMessage(errno))
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let item = readdir(stream) {
            let name = withUnsafePointer(to: &item.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// Byte order, the same for every locale and every store.
private func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
}

private func date(_ time: timespec) -> Date {
    Date(timeIntervalSince1970: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }

/// Owns a file descriptor and closes it.
final class Descriptor: Sendable {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    deinit { close(number) }
}

/// Reads with pread, so that several readers may share it.
final class LocalArtifactFile: ArtifactFile {
    private let descriptor: Descriptor
    private let path: ArtifactPath
    let size: Int64
    let modified: Date

    init(descriptor: Descriptor, path: ArtifactPath, size: Int64, modified: Date) {
        self.descriptor = descriptor
        self.path = path
        self.size = size
        self.modified = modified
    }

    func read(at offset: Int64, count: Int) async throws(ArtifactStoreError) -> [UInt8] {
        guard count > 0, offset >= 0 else { return [] }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: min(count, Int(max(0, size - offset)))) { buffer, filled in
            while filled < buffer.count {
                let got = pread(
                    descriptor.number, buffer.baseAddress?.advanced(by: filled), buffer.count - filled,
                    off_t(offset) + filled)
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    code = errno
                    return
                }
            }
        }
        guard code == 0 else { throw .failed(operation: "read", path, reason: systemMessage(code)) }
        return bytes
    }
}
