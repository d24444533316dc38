import Glibc

/// Another user of the system that a service runs as.
struct ServiceUser: Sendable {
    let name: String
    let userID: uid_t
    let groupID: gid_t

    init?(named name: String) {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 16_384)
        var found: UnsafeMutablePointer<passwd>?
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        self.name = name
        userID = entry.pw_uid
        groupID = entry.pw_gid
    }

    /// The words that put a command under this user; it replaces itself by the command, so the process stays the same.
    var prefix: [String] { ["setpriv", "--reuid=\(name)", "--regid=\(name)", "--init-groups"] }
}
