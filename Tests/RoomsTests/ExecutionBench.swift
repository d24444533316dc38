import ArtifactStore
import Execution
import FoundationEssentials
import Glibc
import Logging
import SlipwayModel
import Subprocess
import Synchronization
import Testing

/// A store, a workspace root and an executor in a folder of their own.
final class ExecutionBench: Sendable {
    let folder: String
    let store: LocalArtifactStore
    let executor: ProcessExecutor
    private let isOwner: Bool

    static let isRoot = geteuid() == 0
    /// The compiled program beside the test bundle; its `entrypoint` wraps the jobs.
    static let slipway: String = {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 } + "/slipway"
    }()

    /// - Parameter root: a folder that outlives the bench; one of its own by default.
    init(
        secrets: [String] = [], secretsFolder: String? = nil, limits: Instruction.Limits = .init(gracePeriod: 1),
        log: LogRecorder.Limits = .init(), hasUsers: Bool = true, root: String? = nil
    ) throws {
        isOwner = root == nil
        folder = try root ?? ExecutionBench.makeFolder()
        store = try LocalArtifactStore(folder: folder + "/store")
        var options = ProcessExecutor.Options(
            workspaceRoot: folder + "/work", entrypoint: [ExecutionBench.slipway, "entrypoint"])
        options.secrets = SecretSource(values: secrets, folder: secretsFolder)
        options.limits = limits
        options.log = log
        if hasUsers { options.users = UserPool.forThisMachine().pool }
        executor = try ProcessExecutor(
            options, store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit { if isOwner { try? FileManager.default.removeItem(atPath: folder) } }

    /// A folder that jobs under other users can reach.
    static func makeFolder() throws -> String {
        var template = Array("/tmp/slipway-execution-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o755)
        return path
    }

    static let builds = Mutex<Int64>(1_700_000_000_000)

    /// A periodic attempt that runs a bash script.
    static func run(
        _ script: String, timeout: Double = 600, gracePeriod: Double = 1, refs: Refs? = nil, kind: JobKind = .periodic,
        extraRefs: [Refs] = []
    ) -> ClaimedRun {
        var job = ResolvedJob(name: "unit", kind: kind, repository: refs?.repository)
        job.spec = .object([
            "containers": .array([
                .object([
                    "image": .string("debian:12"),
                    "command": .array([.string("bash"), .string("-c"), .string(script)]),
                ])
            ])
        ])
        job.decoration = Decoration(timeout: timeout, gracePeriod: gracePeriod)
        job.extraRefs = extraRefs
        let build = builds.withLock {
            $0 += 1; return $0
        }
        return ClaimedRun(
            runID: RunID(), buildID: BuildID(build), job: job, refs: refs,
            artifactFolder: PathStrategy.explicit.folder(kind: kind, job: job.name, refs: refs).joined(separator: "/"),
            attempt: 1,
            requestedAt: Date(), claimedAt: Date(), configVersion: 1, traceparent: nil)
    }

    func layout(_ run: ClaimedRun) throws -> ArtifactLayout {
        try ArtifactLayout(
            kind: run.kind, job: run.job.name, build: run.buildID, jobFolder: run.artifactFolder)
    }

    func execute(_ run: ClaimedRun, control: RunControl = RunControl()) async -> RunOutcome {
        await executor.execute(run, agent: "bench", control: control).outcome
    }

    func text(_ path: ArtifactPath) async throws -> String {
        String(decoding: try await store.get(path, maximum: 100 << 20), as: UTF8.self)
    }

    func log(_ run: ClaimedRun) async throws -> String { try await text(layout(run).buildLog) }

    /// The process ids a job wrote into a file of its artifacts, one per line.
    func processes(_ run: ClaimedRun, _ name: String = "pids") async throws -> [pid_t] {
        try await text(layout(run).artifacts.appending(name)).split(separator: "\n").compactMap { pid_t($0) }
    }

    /// A named pipe that a job writes a line to when it has come so far.
    func makePipe() throws -> String {
        let path = "\(folder)/pipe-\(UInt64.random(in: 0...UInt64.max))"
        try #require(mkfifo(path, 0o622) == 0)
        chmod(path, 0o622)
        return path
    }

    /// Waits for a line on such a pipe.
    static func line(from pipe: String) async -> String {
        await onThread {
            let descriptor = open(pipe, O_RDONLY | O_CLOEXEC)
            defer { close(descriptor) }
            var text = ""
            var byte: UInt8 = 0
            while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
                text.append(Character(UnicodeScalar(byte)))
            }
            return text
        }
    }

    static func bash(_ script: String, in folder: String = "/") async throws -> String {
        let result = try await Subprocess.run(
            .name("bash"), arguments: ["-c", "set -e; cd '\(folder)'\n" + script],
            environment: .inherit.updating([
                "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent", "GIT_AUTHOR_NAME": "ada",
                "GIT_AUTHOR_EMAIL": "ada@lantern.example", "GIT_COMMITTER_NAME": "ada",
                "GIT_COMMITTER_EMAIL": "ada@lantern.example", "GIT_AUTHOR_DATE": "1750000000 +0000",
                "GIT_COMMITTER_DATE": "1750000000 +0000",
            ]), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        return result.standardOutput
    }
}

/// Whether a process is there and no zombie.
func isAlive(_ process: pid_t) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    return stat.split(separator: ") ").last?.hasPrefix("Z") == false
}

/// Runs what blocks on a thread of its own.
func onThread<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        var thread = pthread_t()
        let box = Unmanaged.passRetained(ThreadBox { continuation.resume(returning: body()) })
        pthread_create(
            &thread, nil,
            { pointer in
                if let pointer { Unmanaged<ThreadBox>.fromOpaque(pointer).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }
}

private final class ThreadBox {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}
