import CLinux
import Glibc

/// What a run sees at other places than the machine: emptyDir volumes, and temporary folders of their own,
/// so that what one run leaves in `/tmp` cannot be in the way of the next, which has another user. Only root can do it.
struct MountTable {
    private var isPrivate = false
    private var done: Set<Instruction.Mount> = []

    /// Mounts what is not mounted yet. Those without a field are left out where it cannot be done.
    mutating func add(_ mounts: [Instruction.Mount]) throws(EntrypointFailure) {
        for mount in mounts where done.insert(mount).inserted {
            var failed = !isPrivate && clinux_private_mounts() != 0
            isPrivate = isPrivate || !failed
            failed = failed || clinux_bind_mount(mount.source, mount.target) != 0
            if failed, let field = mount.field {
                throw .mount(field: field, target: mount.target, errno)
            }
        }
    }
}
