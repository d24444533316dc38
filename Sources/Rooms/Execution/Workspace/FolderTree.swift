import Glibc

/// Walks over folders that a job filled, so over anything: links are not followed, names may be any bytes, folders may
/// be unreadable, and as deep as somebody cared to make them.
enum FolderTree {
    /// Folders deeper than this are not entered; each level holds a descriptor while it is walked.
    static let maximumDepth = 200

    /// A file or folder met on a walk.
    struct Item {
        /// The open folder it lies in, valid during the call.
        let parent: Int32
        let name: [CChar]
        /// Names of the folders between the start of the walk and this.
        let above: [[CChar]]
        let status: stat

        var depth: Int { above.count }

        var isFolder: Bool { status.st_mode & S_IFMT == S_IFDIR }
        var isFile: Bool { status.st_mode & S_IFMT == S_IFREG }
    }

    /// Bytes on disk below a folder; stops counting past `limit`. A folder too deep to be walked counts as more than
    /// any limit.
    static func usage(of folder: String, limit: UInt64) -> UInt64 {
        var total: UInt64 = 0
        var isTooDeep = false
        var linked: Set<ino_t> = []
        let root = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard root >= 0 else { return 0 }
        defer { close(root) }
        walk(root) { item in
            if item.isFile, item.status.st_nlink > 1, !linked.insert(item.status.st_ino).inserted { return true }
            total += UInt64(clamping: item.status.st_blocks) * 512
            if item.isFolder, item.depth >= maximumDepth { isTooDeep = true }
            return total <= limit && !isTooDeep
        }
        return isTooDeep ? .max : total
    }

    /// Visits everything below an open folder, a folder before its content, until `visit` answers false.
    @discardableResult
    static func walk(_ folder: Int32, above: [[CChar]] = [], _ visit: (Item) -> Bool) -> Bool {
        for name in names(in: folder) {
            var status = stat()
            guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let item = Item(parent: folder, name: name, above: above, status: status)
            guard visit(item) else { return false }
            guard item.isFolder, above.count < maximumDepth else { continue }
            let child = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard child >= 0 else { continue }
            defer { close(child) }
            guard walk(child, above: above + [name], visit) else { return false }
        }
        return true
    }

    /// Removes a folder with all it holds; true when it is gone.
    @discardableResult
    static func remove(_ folder: String) -> Bool {
        let root = openFolder(AT_FDCWD, Array(folder.utf8CString))
        guard root >= 0 else { return rmdir(folder) == 0 || errno == ENOENT }
        defer { close(root) }
        var moved = 0
        // What lies too deep is moved up to the root and removed from there.
        var before = -1
        while moved != before {
            before = moved
            if removeContents(root, depth: 0, root: root, moved: &moved) { break }
        }
        return rmdir(folder) == 0
    }

    private static func removeContents(_ folder: Int32, depth: Int, root: Int32, moved: inout Int) -> Bool {
        var isEmpty = true
        for name in names(in: folder) {
            if unlinkat(folder, name, 0) == 0 { continue }
            guard errno == EISDIR || errno == EPERM else {
                isEmpty = isEmpty && errno == ENOENT
                continue
            }
            if depth >= maximumDepth {
                moved += 1
                _ = renameat(folder, name, root, ".moved-\(moved)")
                isEmpty = false
                continue
            }
            let child = openFolder(folder, name)
            if child >= 0 {
                isEmpty = removeContents(child, depth: depth + 1, root: root, moved: &moved) && isEmpty
                close(child)
            }
            if unlinkat(folder, name, AT_REMOVEDIR) != 0 { isEmpty = false }
        }
        return isEmpty
    }

    /// A folder opened for reading and removal, its owner's rights restored where they were taken away.
    private static func openFolder(_ parent: Int32, _ name: [CChar]) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var status = stat()
        if fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_mode & 0o700 != 0o700
        {
            _ = fchmodat(parent, name, 0o700, 0)
        }
        return openat(parent, name, flags)
    }

    /// Names as they are, for the calls that take them; a text would lose what is not UTF-8.
    static func names(in folder: Int32) -> [[CChar]] {
        let own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else { return [] }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        while let item = readdir(stream) {
            let name = withUnsafePointer(to: &item.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { pointer in
                    Array(UnsafeBufferPointer(start: pointer, count: strlen(pointer) + 1))
                }
            }
            if name != [46, 0], name != [46, 46, 0] { names.append(name) }
        }
        return names
    }
}
