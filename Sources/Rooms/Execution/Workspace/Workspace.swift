import CLinux
import Glibc
import SlipwayModel

/// The folder of one attempt on an agent's machine:
/// ```
/// <root>/locks/<build>          locked while somebody cares for the attempt
/// <root>/runs/<build>/control/  the agent's and the entrypoint's: instruction, clone records, what is to be published
/// <root>/runs/<build>/job/      the job's: go/ (GOPATH), home/, tmp/, artifacts/, volumes/
/// ```
package final class Workspace: Sendable {
    package let folder: String
    /// Descriptor of the locked file; the entrypoint inherits it.
    let lock: Int32
    private let lockFile: String
    let user: UserPool.Taken?

    var control: String { folder + "/control" }
    var job: String { folder + "/job" }
    var artifacts: String { job + "/artifacts" }
    var home: String { job + "/home" }
    var temporary: String { job + "/tmp" }
    var goPath: String { job + "/go" }
    var leasesFile: String { job + "/leases.json" }

    private init(folder: String, lock: Int32, lockFile: String, user: UserPool.Taken?) {
        self.folder = folder
        self.lock = lock
        self.lockFile = lockFile
        self.user = user
    }

    deinit { close(lock) }

    /// Makes the folder of an attempt. What an earlier agent left under the same name is removed.
    static func make(root: String, build: BuildID, user: UserPool.Taken?) throws(WorkspaceError) -> Workspace {
        try prepare(root: root)
        guard let lock = lock(root, build.description) else {
            throw WorkspaceError(path: "\(root)/locks/\(build)", reason: "another process is executing this attempt")
        }
        let workspace = Workspace(
            folder: "\(root)/runs/\(build)", lock: lock, lockFile: "\(root)/locks/\(build)", user: user)
        FolderTree.remove(workspace.folder)
        try makeFolder(workspace.folder, 0o711)
        try makeFolder(workspace.control, 0o700)
        for path in [workspace.job, workspace.artifacts, workspace.home, workspace.temporary, workspace.goPath] {
            try makeFolder(path, 0o700)
            if let id = user?.id, lchown(path, id, id) != 0 {
                throw WorkspaceError(path: path, reason: String(cString: strerror(errno)))
            }
        }
        return workspace
    }

    /// Writes a file for the job.
    func write(_ bytes: [UInt8], to path: String) throws(WorkspaceError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw WorkspaceError(path: path, reason: String(cString: strerror(errno))) }
        defer { close(file) }
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw WorkspaceError(path: path, reason: String(cString: strerror(errno)))
        }
        if let id = user?.id, fchown(file, id, id) != 0 {
            throw WorkspaceError(path: path, reason: String(cString: strerror(errno)))
        }
    }

    /// Folders of attempts that nobody cares for any more, locked so that nobody else takes them.
    static func stale(root: String) -> [(workspace: Workspace, build: BuildID)] {
        let runs = open("\(root)/runs", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard runs >= 0 else { return [] }
        defer { close(runs) }
        return FolderTree.names(in: runs).compactMap { name in
            let name = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard let build = BuildID(name), let lock = lock(root, name) else { return nil }
            return (
                Workspace(folder: "\(root)/runs/\(name)", lock: lock, lockFile: "\(root)/locks/\(name)", user: nil),
                build
            )
        }
    }

    /// Makes what is shared by all attempts.
    static func prepare(root: String) throws(WorkspaceError) {
        var made = ""
        for component in root.split(separator: "/") {
            made += "/" + component
            if mkdir(made, 0o755) != 0, errno != EEXIST {
                throw WorkspaceError(path: made, reason: String(cString: strerror(errno)))
            }
        }
        for (name, mode) in [("runs", mode_t(0o711)), ("locks", mode_t(0o700))] {
            let path = "\(root)/\(name)"
            if mkdir(path, mode) != 0, errno != EEXIST {
                throw WorkspaceError(path: path, reason: String(cString: strerror(errno)))
            }
        }
    }

    /// Whether users other than root can reach a folder: each one above it must let them pass.
    static func isReachable(_ path: String) -> Bool {
        var current = ""
        for component in path.split(separator: "/") {
            current += "/" + component
            var status = stat()
            guard stat(current, &status) == 0 else { return true }
            if status.st_mode & 0o001 == 0 { return false }
        }
        return true
    }

    /// Ends whatever still runs of the attempt, for an entrypoint that was killed cannot.
    func killStrays() {
        var status = stat()
        if let id = user?.id {
            _ = clinux_kill_user(id, id)
        } else if geteuid() == 0, lstat(job, &status) == 0, status.st_uid != 0 {
            _ = clinux_kill_user(status.st_uid, status.st_gid)
        }
        for id in ProcessTree.strays(in: folder) { kill(id, SIGKILL) }
    }

    /// Removes the folder, then the lock: in this order a crash leaves something that the next sweep finds.
    func remove() {
        FolderTree.remove(folder)
        unlink(lockFile)
    }

    private static func lock(_ root: String, _ name: String) -> Int32? {
        let path = "\(root)/locks/\(name)"
        let lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else { return nil }
        // The file may have been removed by its owner between the two calls; such a lock guards nothing.
        var held = stat()
        var named = stat()
        guard flock(lock, LOCK_EX | LOCK_NB) == 0, fstat(lock, &held) == 0, stat(path, &named) == 0,
            held.st_ino == named.st_ino
        else {
            close(lock)
            return nil
        }
        return lock
    }

    private static func makeFolder(_ path: String, _ mode: mode_t) throws(WorkspaceError) {
        guard mkdir(path, mode) == 0 else {
            throw WorkspaceError(path: path, reason: String(cString: strerror(errno)))
        }
    }
}

/// Why an attempt has no folder.
package struct WorkspaceError: Error, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String {
        "The workspace '\(path)' cannot be used: \(reason). Free space, or set agent.workspace_folder to a folder that "
            + "the agent may write."
    }
}
