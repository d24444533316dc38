package import SlipwayModel

/// All that `slipway entrypoint` needs to know of one attempt; the agent writes it into the workspace's control folder.
package struct Instruction: Sendable, Codable {
    /// One repository to clone.
    package struct Clone: Sendable, Codable {
        package var refs: Refs
        package var address: String
        /// Absolute; made by the entrypoint.
        package var folder: String
    }

    /// The job's own process, run to its end.
    package struct Step: Sendable, Codable {
        package var name: String
        package var command: [String]
        package var environment: [String: String]
        package var folder: String
        package var mounts: [Mount]
    }

    /// A folder of the workspace that a step sees at another path as well.
    package struct Mount: Hashable, Sendable, Codable {
        package var source: String
        package var target: String
        /// The pod spec's field, for messages; nil for the private temporary folders, which may be left out.
        package var field: String?
    }

    package struct Limits: Sendable, Codable {
        /// Seconds.
        package var cloneTimeout: Double
        /// Seconds until SIGINT.
        package var timeout: Double
        /// Seconds between SIGINT and SIGKILL.
        package var gracePeriod: Double
        /// The same when the run is aborted, which people wait for.
        package var abortGracePeriod: Double
        /// Bytes below the job's folder.
        package var diskQuota: UInt64
        /// Processes and threads; only where the run has a user of its own. 0 = unlimited.
        package var processes: UInt64

        package init(
            cloneTimeout: Double = 1800, timeout: Double = 7200, gracePeriod: Double = 15,
            abortGracePeriod: Double = 1, diskQuota: UInt64 = 10 << 30, processes: UInt64 = 16_384
        ) {
            self.cloneTimeout = cloneTimeout
            self.timeout = timeout
            self.gracePeriod = gracePeriod
            self.abortGracePeriod = abortGracePeriod
            self.diskQuota = diskQuota
            self.processes = processes
        }
    }

    /// The job's folder, everything in it the job's own.
    package var jobFolder: String
    /// Where `clone-records.json` and `clone-log.txt` are written; not the job's.
    package var controlFolder: String
    /// User and group id of the job; nil runs it as the agent's user.
    package var user: UInt32?
    /// For git, and to find programs: PATH, HOME, TMPDIR, LANG.
    package var environment: [String: String]
    package var clones: [Clone]
    package var step: Step
    package var limits: Limits
}

/// What the entrypoint tells its agent, one JSON document per line on descriptor 3.
package enum EntrypointEvent: Hashable, Sendable, Codable {
    case cloning
    /// - Parameters:
    ///   - finalSHA: of the first repository, pull requests merged.
    ///   - tree: its tree's hash.
    case cloned(finalSHA: String?, tree: String?, seconds: Double)
    case running
    case ended(EntrypointResult)
}

/// How the work of an entrypoint ended.
package struct EntrypointResult: Hashable, Sendable, Codable {
    package var state: RunState
    /// One sentence for people.
    package var message: String
    package var exitCode: Int?
    /// Seconds that the job's own process took.
    package var testSeconds: Double?

    package init(state: RunState, message: String, exitCode: Int? = nil, testSeconds: Double? = nil) {
        self.state = state
        self.message = message
        self.exitCode = exitCode
        self.testSeconds = testSeconds
    }
}

/// The descriptors an entrypoint starts with.
///
/// Its agent's death is noticed by the end of descriptor 0, a pipe whose other end only the agent holds. The kernel's
/// parent-death signal cannot do that: it is tied to the *thread* that forked, and an agent's threads come and go
/// while the agent lives.
enum EntrypointDescriptor {
    /// The lifeline; a line `stop <reason>` on it aborts the run.
    static let control: Int32 = 0
    /// Everything the job prints, and the entrypoint's own sentences.
    static let log: Int32 = 1
    static let events: Int32 = 3
    /// What follows is only held: locks on the workspace and on the user id, released when the last process that
    /// cares for the run is gone.
    static let firstHeld: Int32 = 4
}
