import ArtifactStore
import Execution
import FoundationEssentials
import Glibc
import Logging
import SlipwayModel
import Testing

/// What happens when an agent, an entrypoint or the disk fails under a run.
@Suite(.timeLimit(.minutes(15))) struct ExecutionCrashTests {
    private func instruction(_ folder: String, _ script: String) throws -> String {
        let step: JSONValue = .object([
            "name": .string("test"), "folder": .string(folder), "mounts": .array([]),
            "command": .array([.string("bash"), .string("-c"), .string(script)]),
            "environment": .object(["PATH": .string("/usr/bin:/bin")]),
        ])
        let document: JSONValue = .object([
            "jobFolder": .string(folder), "controlFolder": .string(folder), "clones": .array([]),
            "environment": .object([:]), "step": step,
            "limits": .object([
                "cloneTimeout": .integer(60), "timeout": .integer(600), "gracePeriod": .integer(600),
                "abortGracePeriod": .integer(1), "diskQuota": .integer(0), "processes": .integer(0),
            ]),
        ])
        let path = folder + "/instruction.json"
        try Data(ArtifactDocument.encode(document)).write(to: URL(filePath: path))
        return path
    }

    /// An agent that is killed cannot say anything; the end of the pipe it held says it.
    @Test func theAgentsDeathEndsTheJob() async throws {
        let folder = try ExecutionBench.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = try instruction(
            folder,
            "trap '' INT TERM HUP; echo $BASHPID > pid; (setsid sleep 1000 & echo $! >> pid); echo > ready; sleep 1000")
        let output = try await ExecutionBench.bash(
            """
            mkfifo lifeline ready
            '\(ExecutionBench.slipway)' entrypoint '\(path)' < lifeline > log 2>&1 3> events &
            entrypoint=$!
            exec 9> lifeline
            read < ready
            exec 9>&-
            wait $entrypoint
            cat pid
            """, in: folder)
        let processes = output.split(separator: "\n").compactMap { pid_t($0) }
        #expect(processes.count == 2)
        for process in processes { #expect(!isAlive(process)) }
        let events = try String(contentsOfFile: folder + "/events", encoding: .utf8)
        #expect(events.contains(#""state":"error""#) && events.contains("The agent ended"))
    }

    @Test func aKilledEntrypointIsAnErrorAndItsJobEnds() async throws {
        let bench = try ExecutionBench()
        let run = ExecutionBench.run(
            "echo $BASHPID > $ARTIFACTS/pids; setsid bash -c 'echo $BASHPID >> $ARTIFACTS/pids; sleep 1000' & sleep 0.3; echo $PPID > \(try bench.makePipe()); sleep 1000"
        )
        let pipe = try #require(
            run.job.spec?["containers"]?.arrayValue?.first?["command"]?.arrayValue?.last?.stringValue?.split(
                separator: "> "
            ).last?.split(separator: ";").first)
        async let outcome = bench.execute(run)
        let entrypoint = try #require(pid_t(await ExecutionBench.line(from: String(pipe))))
        kill(entrypoint, SIGKILL)
        let ended = await outcome
        #expect(ended.state == .error)
        #expect(ended.message.contains("killed by signal 9"))
        for process in try await bench.processes(run) { #expect(!isAlive(process)) }
    }

    /// The agent died between the end of the job and its completion: the next one completes it.
    @Test func whatWasExecutedIsCompletedByTheNextAgent() async throws {
        let root = try ExecutionBench.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: root) }
        let run = ExecutionBench.run("echo done")
        do {
            let bench = try ExecutionBench(root: root + "/a")
            #expect(await bench.execute(run).state == .success)
            // While its agent lives, nobody else takes the attempt.
            #expect(await (try ExecutionBench(root: root + "/a")).executor.recover().isEmpty)
            try FileManager.default.moveItem(atPath: root + "/a", toPath: root + "/b")
        }
        let bench = try ExecutionBench(root: root + "/b")
        let found = await bench.executor.recover()
        #expect(found.map(\.run.buildID) == [run.buildID])
        #expect(found.first?.outcome.state == .success && found.first?.agent == "bench")
        for executed in found { await bench.executor.conclude(executed, isAccepted: true) }
        #expect(try await bench.store.exists(bench.layout(run).finished))
        #expect(await bench.executor.recover().isEmpty)
    }

    @Test func whatADeadAgentLeftIsSwept() async throws {
        let bench = try ExecutionBench()
        let folder = bench.folder + "/work/runs/77"
        let output = try await ExecutionBench.bash(
            """
            mkdir -p '\(folder)/job/home' '\(folder)/control'
            cd '\(folder)/job'
            chmod 000 home
            deep=.; for i in $(seq 300); do mkdir d; cd d; done
            cd '\(folder)/job'; setsid sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!
            """)
        let process = try #require(pid_t(output.filter(\.isNumber)))
        #expect(await bench.executor.recover().isEmpty)
        #expect(!FileManager.default.fileExists(atPath: folder))
        // Killed, and perhaps not yet buried by its parent.
        #expect(!isAlive(process))
    }

    @Test func aFullStoreIsSaid() async throws {
        let folder = try ExecutionBench.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let executor = try ProcessExecutor(
            .init(workspaceRoot: folder + "/work", entrypoint: [ExecutionBench.slipway, "entrypoint"]),
            store: LocalArtifactStore(folder: folder + "/store", minimumFreeBytes: .max),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let executed = await executor.execute(ExecutionBench.run("true"), agent: "bench", control: RunControl())
        #expect(executed.outcome.state == .error)
        #expect(executed.outcome.message.contains("must stay free"))
    }

    // MARK: Users

    @Test(.enabled(if: ExecutionBench.isRoot, "needs root: only it can start processes of other users"))
    func aUserIsTakenOnce() async throws {
        let folder = try ExecutionBench.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Ids outside of the range that runs of other tests use.
        let pool = UserPool(range: 1_900_001_000...1_900_001_002, folder: folder)
        let other = UserPool(range: pool.range, folder: folder)
        var taken = [pool.take(), other.take(), pool.take()]
        #expect(Set(taken.compactMap { $0?.id }) == Set(pool.range))
        #expect(other.take() == nil)
        taken.removeLast()
        // A process that another test is just starting holds every descriptor until it executes its program.
        while other.take() == nil { await Task.yield() }
    }

    @Test(arguments: [
        ("         0          0 4294967295\n", UserPool.usual as ClosedRange<UInt32>?),
        ("0 1000 1\n1 100000 65536\n", 64_534...65_533), ("0 0 65536", 64_533...65_532), ("0 1000 1", nil), ("", nil),
    ])
    func usersLieInWhatTheNamespaceMaps(map: String, range: ClosedRange<UInt32>?) {
        #expect(UserPool.mapped(map) == range)
    }

    /// What a run leaves in /tmp belongs to its user and would be in the way of the next one.
    @Test(.enabled(if: ExecutionBench.isRoot, "needs root: only it can mount"))
    func temporaryFoldersAndVolumesAreTheRunsOwn() async throws {
        let folder = "/run/slipway-execution-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bench = try ExecutionBench(root: folder)
        let mark = "slipway-\(UInt64.random(in: 0...UInt64.max))"
        var run = ExecutionBench.run("")
        run.job.spec = .object([
            "volumes": .array([.object(["name": .string("cache"), "emptyDir": .object([:])])]),
            "containers": .array([
                .object([
                    "command": .array([
                        .string("bash"), .string("-c"),
                        .string("ls -A /tmp /mnt; touch /tmp/\(mark) /mnt/\(mark); ls $TMPDIR $HOME/../volumes/cache"),
                    ]),
                    "volumeMounts": .array([.object(["name": .string("cache"), "mountPath": .string("/mnt")])]),
                ])
            ]),
        ])
        let outcome = await bench.execute(run)
        #expect(outcome.state == .success, "\(outcome.message)")
        let log = try await bench.log(run)
        #expect(log.hasPrefix("/mnt:\n\n/tmp:\n"), "\(log)")
        #expect(log.split(separator: "\n").filter { $0 == mark }.count == 2)
        #expect(access("/tmp/\(mark)", F_OK) != 0 && access("/mnt/\(mark)", F_OK) != 0)
    }

    @Test func volumesNeedRootAndAPlace() async throws {
        let bench = try ExecutionBench()
        var run = ExecutionBench.run("")
        run.job.spec = .object([
            "volumes": .array([.object(["name": .string("cache"), "emptyDir": .object([:])])]),
            "containers": .array([
                .object([
                    "command": .array([.string("true")]),
                    "volumeMounts": .array([
                        .object(["name": .string("cache"), "mountPath": .string("/no/such/place")])
                    ]),
                ])
            ]),
        ])
        let outcome = await bench.execute(run)
        #expect(outcome.state == .error)
        #expect(outcome.message.contains("spec.containers[0].volumeMounts[0].mountPath"))
    }
}
