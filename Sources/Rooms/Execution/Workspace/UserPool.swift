import CLinux
import Glibc

/// User ids for runs, one per run at a time, so that no run can read, signal or outlive another.
///
/// An id is taken by an exclusive lock on a file named after it, in a folder that all agents of the machine share. The
/// lock's descriptor is handed to the entrypoint as well, so an id stays taken until the last process that cares for
/// the run is gone, whichever of agent and entrypoint dies first.
package struct UserPool: Sendable {
    package let range: ClosedRange<UInt32>
    package let folder: String

    /// Ids that systemd's and Debian's plans for user ids leave free.
    package static let usual: ClosedRange<UInt32> = 1_900_000_000...1_900_000_999

    package init(range: ClosedRange<UInt32>, folder: String) {
        self.range = range
        self.folder = folder
    }

    /// An id in use, until it is dropped and the descriptors handed on are closed.
    package final class Taken: Sendable {
        package let id: UInt32
        let lock: Int32

        init(id: UInt32, lock: Int32) {
            self.id = id
            self.lock = lock
        }

        deinit { close(lock) }
    }

    /// The pool for this machine; nil where jobs cannot have users of their own, and why.
    package static func forThisMachine(
        range wanted: ClosedRange<UInt32>? = nil, folder: String = "/run/slipway-users"
    ) -> (pool: UserPool?, reason: String) {
        guard geteuid() == 0 else { return (nil, "the agent does not run as root") }
        guard let range = wanted ?? mapped(readSmallFile("/proc/self/uid_map") ?? "") else {
            return (nil, "this user namespace has too few user ids")
        }
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            return (nil, "\(folder) cannot be made: \(String(cString: strerror(errno)))")
        }
        guard clinux_kill_user(range.lowerBound, range.lowerBound) == 0 else {
            return (nil, "processes of another user cannot be started: \(String(cString: strerror(errno)))")
        }
        return (UserPool(range: range, folder: folder), "")
    }

    /// The usual range, or in a user namespace the last ids that it maps.
    package static func mapped(_ map: String) -> ClosedRange<UInt32>? {
        var best: ClosedRange<UInt32>?
        for line in map.split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { UInt64($0) }
            guard numbers.count == 3, numbers[2] >= 3000 else { continue }
            let end = min(numbers[0] + numbers[2], UInt64(UInt32.max))
            if numbers[0] <= UInt64(usual.lowerBound), end > UInt64(usual.upperBound) { return usual }
            // The very last ones are nobody's.
            best = UInt32(end - 1003)...UInt32(end - 4)
        }
        return best
    }

    /// Takes a free id and ends whatever still runs under it; nil when all are taken.
    package func take() -> Taken? {
        let count = range.upperBound - range.lowerBound + 1
        // Anywhere in the range: ids rest before they are used again.
        let start = UInt32.random(in: 0..<count)
        for step in 0..<count {
            let id = range.lowerBound + (start + step) % count
            let lock = open("\(folder)/\(id)", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard lock >= 0 else { continue }
            if flock(lock, LOCK_EX | LOCK_NB) == 0 {
                _ = clinux_kill_user(id, id)
                return Taken(id: id, lock: lock)
            }
            close(lock)
        }
        return nil
    }
}
