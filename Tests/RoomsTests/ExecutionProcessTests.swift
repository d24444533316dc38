import ArtifactStore
import Execution
import FoundationEssentials
import Glibc
import SlipwayModel
import Testing

/// Jobs as processes under the real entrypoint.
@Suite(.timeLimit(.minutes(15))) struct ExecutionProcessTests {
    @Test func aGreenJobLeavesEverythingInItsPlace() async throws {
        let bench = try ExecutionBench()
        let run = ExecutionBench.run("echo hello; echo world >&2; echo '<testsuite/>' > $ARTIFACTS/junit_1.xml")
        let executed = await bench.executor.execute(run, agent: "bench", control: RunControl())
        let outcome = executed.outcome
        #expect(outcome.state == .success, "\(outcome.message)")
        #expect(outcome.exitCode == 0)
        #expect(outcome.phases.keys.sorted() == ["test", "upload"])
        #expect(try await bench.log(run) == "hello\nworld\n")
        let layout = try bench.layout(run)
        #expect(try await bench.text(layout.artifacts.appending("junit_1.xml")) == "<testsuite/>\n")
        // Before the ledger's word there is no finished.json.
        #expect(try await bench.store.exists(layout.started))
        #expect(try await !bench.store.exists(layout.finished))
        #expect(try await bench.store.exists(layout.logChunk(0)))
        await bench.executor.conclude(executed, isAccepted: true)
        let finished = try ArtifactDocument.decode(
            FinishedDocument.self, from: try await bench.store.get(layout.finished))
        #expect(finished.passed && finished.result == "SUCCESS")
        let job = try ArtifactDocument.decode(ProwJobDocument.self, from: try await bench.store.get(layout.prowJob))
        #expect(job.status.state == "success" && job.status.completionTime != nil)
        for path in layout.latestBuilds { #expect(try await bench.text(path) == run.buildID.description) }
        #expect(try await !bench.store.exists(layout.liveLog))
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder + "/work/runs").isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder + "/work/locks").isEmpty)
    }

    @Test func whatItDidWhenIsAmongItsArtifacts() async throws {
        let bench = try ExecutionBench()
        var run = ExecutionBench.run("exit 1")
        run.requestedAt = run.claimedAt.addingTimeInterval(-10)
        run.dispatchedAt = run.claimedAt.addingTimeInterval(-2)
        _ = await bench.execute(run)
        let bytes = try await bench.store.get(bench.layout(run).intervals)
        let document = try IntervalsDocument.decode(bytes)
        #expect(document.items.map { $0.locator.keys["phase"] } == ["wait", "queue", "test", "upload"])
        #expect(document.items.map(\.level) == ["Info", "Info", "Error", "Info"])
        #expect(document.items.map { $0.to.timeIntervalSince($0.from) }.prefix(2).map { $0.rounded() } == [8, 2])
        let test = document.items[2]
        #expect(test.message.annotations["status"] == "Failed" && test.to >= test.from)
        #expect(document.items[3].from >= test.to)
        // The shape that readers of OpenShift's timelines expect.
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix(#"{"items":[{"display":true,"from":"20"#) && text.contains(#""humanMessage":"#))
    }

    @Test func aLostAttemptPublishesNothing() async throws {
        let bench = try ExecutionBench()
        let run = ExecutionBench.run("true")
        let executed = await bench.executor.execute(run, agent: "bench", control: RunControl())
        await bench.executor.conclude(executed, isAccepted: false)
        let layout = try bench.layout(run)
        #expect(try await !bench.store.exists(layout.finished))
        for path in layout.latestBuilds { #expect(try await !bench.store.exists(path)) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder + "/work/runs").isEmpty)
    }

    @Test(arguments: [
        ("exit 3", 3, "exited with 3"), ("kill -SEGV $BASHPID", 139, "killed by signal 11"),
        ("exec /nonexistent/program", 127, "exited with 127"),
    ])
    func aRedJobFails(script: String, code: Int, message: String) async throws {
        let bench = try ExecutionBench()
        let outcome = await bench.execute(ExecutionBench.run(script))
        #expect(outcome.state == .failure)
        #expect(outcome.exitCode == code)
        #expect(outcome.message.contains(message))
    }

    @Test func aMissingProgramIsNamed() async throws {
        let bench = try ExecutionBench()
        var run = ExecutionBench.run("true")
        run.job.spec = .object(["containers": .array([.object(["command": .array([.string("no-such-tool")])])])])
        let outcome = await bench.execute(run)
        #expect(outcome.state == .failure && outcome.exitCode == 127)
        #expect(outcome.message.contains("'no-such-tool' was not found"))
        #expect(try await bench.log(run).contains("slipway: 'no-such-tool' was not found"))
    }

    @Test func whatAProcessCannotBeGivenEndsInError() async throws {
        let bench = try ExecutionBench()
        var run = ExecutionBench.run("true")
        run.job.spec = .object([
            "hostNetwork": .bool(true), "containers": .array([.object(["command": .array([.string("true")])])]),
        ])
        run.job.extraRefs = [Refs(repository: RepositoryName(org: "lantern", repo: "nowhere"))]
        let outcome = await bench.execute(run)
        #expect(outcome.state == .error)
        #expect(outcome.message.contains("spec.hostNetwork"))
        #expect(try await bench.log(run).contains("spec.hostNetwork"))
        // Nothing was cloned.
        #expect(try await !bench.store.exists(bench.layout(run).cloneRecords))
    }

    // MARK: Environment

    @Test func theEnvironmentIsProwsAndNothingOfTheAgents() async throws {
        setenv("SLIPWAY_TEST_SECRET", "of the agent", 1)
        let bench = try ExecutionBench()
        var run = ExecutionBench.run("")
        run.job.spec = .object([
            "containers": .array([
                .object([
                    "command": .array([
                        .string("bash"), .string("-c"),
                        .string(
                            "env -0 > $ARTIFACTS/env; umask > $ARTIFACTS/umask; ulimit -c >> $ARTIFACTS/umask; echo \"$0 $(JOB_NAME)\" > $ARTIFACTS/args; readlink /proc/$BASHPID/fd/* > $ARTIFACTS/fds; true"
                        ),
                        .string("zero-$(COLOUR)"),
                    ]),
                    "env": .array([
                        .object(["name": .string("COLOUR"), "value": .string("amber")]),
                        .object(["name": .string("DERIVED"), "value": .string("deep $(COLOUR) $(LATER)")]),
                        .object(["name": .string("JOB_NAME"), "value": .string("not mine to set")]),
                    ]),
                ])
            ])
        ])
        let outcome = await bench.execute(run)
        #expect(outcome.state == .success, "\(outcome.message)")
        let artifacts = try bench.layout(run).artifacts
        var variables: [String: String] = [:]
        for line in try await bench.text(artifacts.appending("env")).split(separator: "\0") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            variables[String(parts[0])] = String(parts[1])
        }
        let ofShell: Set = ["PWD", "SHLVL", "_", "OLDPWD"]
        #expect(
            Set(variables.keys).subtracting(ofShell) == [
                "CI", "JOB_NAME", "JOB_TYPE", "JOB_SPEC", "BUILD_ID", "BUILD_NUMBER", "PROW_JOB_ID", "ARTIFACTS",
                "GOPATH", "PATH", "HOME", "TMPDIR", "LANG", "COLOUR", "DERIVED",
            ])
        #expect(variables["JOB_NAME"] == "unit")
        #expect(variables["DERIVED"] == "deep amber $(LATER)")
        #expect(variables["PROW_JOB_ID"] == run.runID.description)
        #expect(try await bench.text(artifacts.appending("args")) == "zero-amber unit\n")
        #expect(try await bench.text(artifacts.appending("umask")) == "0022\n0\n")
        let spec = try JSONDecoder().decode(JobSpec.self, from: Data((variables["JOB_SPEC"] ?? "").utf8))
        #expect(spec.job == "unit" && spec.buildID == run.buildID.description && spec.type == .periodic)
        #expect(spec.decorationConfig?["timeout"] == .string("10m0s"))
        // Standard input, output and error, and bash's own listing.
        let descriptors = try await bench.text(artifacts.appending("fds"))
        #expect(descriptors.contains("/dev/null"))
        #expect(!descriptors.contains("locks") && !descriptors.contains("slipway-users"))
    }

    @Test(.enabled(if: ExecutionBench.isRoot, "needs root: only it can give runs users of their own"))
    func runsHaveUsersOfTheirOwn() async throws {
        let bench = try ExecutionBench()
        let script =
            "id -u > $ARTIFACTS/user; ls \(bench.folder)/work/locks \(bench.folder)/work/runs > $ARTIFACTS/seen 2>&1; cat ../../control/instruction.json; echo x > /tmp/slipway-test-$BUILD_ID && rm /tmp/slipway-test-$BUILD_ID"
        let pipe = try bench.makePipe()
        let first = ExecutionBench.run(script + "; read < \(pipe)")
        chmod(pipe, 0o666)
        let second = ExecutionBench.run(script + "; echo > \(pipe)")
        async let one = bench.execute(first)
        async let two = bench.execute(second)
        #expect(await [one.state, two.state] == [.success, .success])
        var users: [UInt32] = []
        for run in [first, second] {
            let artifacts = try bench.layout(run).artifacts
            users.append(try #require(UInt32(try await bench.text(artifacts.appending("user")).filter(\.isNumber))))
            #expect(try await bench.text(artifacts.appending("seen")).contains("Permission denied"))
            #expect(try await bench.log(run).contains("Permission denied"))
        }
        #expect(users[0] != users[1])
        #expect(users.allSatisfy { UserPool.usual.contains($0) })
    }

    // MARK: Ends

    @Test func aTimeOutInterruptsFirst() async throws {
        let bench = try ExecutionBench()
        let run = ExecutionBench.run(
            "trap 'echo interrupted; exit 0' INT; echo begin; while true; do read -t 0.1 < /dev/zero; done",
            timeout: 0.5, gracePeriod: 30)
        let outcome = await bench.execute(run)
        #expect(outcome.state == .failure)
        #expect(outcome.exitCode == 127)
        #expect(outcome.message.contains("time-out of 500ms"))
        let log = try await bench.log(run)
        #expect(log.hasPrefix("begin\ninterrupted\n"))
        #expect(log.contains("slipway: the job did not end within its time-out"))
    }

    @Test func whoIgnoresTheInterruptIsKilled() async throws {
        let bench = try ExecutionBench()
        let run = ExecutionBench.run(
            """
            trap '' INT TERM HUP
            echo $BASHPID >> $ARTIFACTS/pids
            (trap '' INT TERM HUP; echo $BASHPID >> $ARTIFACTS/pids; while true; do sleep 1000; done) &
            while true; do sleep 1000; done
            """, timeout: 0.5, gracePeriod: 0.3)
        let outcome = await bench.execute(run)
        #expect(outcome.state == .failure && outcome.exitCode == 127)
        let processes = try await bench.processes(run)
        #expect(processes.count == 2)
        for process in processes { #expect(!isAlive(process)) }
    }

    /// setsid, double forks, daemons, a changed parent: all are gone when the run has ended.
    @Test(arguments: [true, false])
    func nothingIsLeftBehind(hasUsers: Bool) async throws {
        let bench = try ExecutionBench(hasUsers: hasUsers)
        let run = ExecutionBench.run(
            """
            mark='echo $BASHPID >> $ARTIFACTS/pids; trap "" HUP INT TERM; while true; do sleep 1000; done'
            bash -c "$mark" &
            setsid bash -c "$mark" &
            (setsid bash -c "setsid bash -c '$mark' & exit" &)
            nohup setsid bash -c "$mark" > /dev/null 2>&1 < /dev/null &
            while [ "$(wc -l < $ARTIFACTS/pids)" != 4 ]; do sleep 0.01; done
            echo done
            """)
        let outcome = await bench.execute(run)
        #expect(outcome.state == .success, "\(outcome.message)")
        let processes = try await bench.processes(run)
        #expect(processes.count == 4)
        for process in processes { #expect(!isAlive(process)) }
        #expect(try await bench.log(run).contains("processes behind; killed"))
    }

    @Test func anAbortIsQuick() async throws {
        let bench = try ExecutionBench()
        let pipe = try bench.makePipe()
        let run = ExecutionBench.run(
            "trap '' INT; echo $BASHPID > $ARTIFACTS/pids; echo ready > \(pipe); while true; do sleep 1000; done",
            gracePeriod: 600)
        let control = RunControl()
        async let outcome = bench.execute(run, control: control)
        #expect(await ExecutionBench.line(from: pipe) == "ready")
        control.stop(.cancelled("a newer push\nreplaced it"))
        let ended = await outcome
        #expect(ended.state == .aborted && ended.exitCode == 130)
        #expect(ended.message == "Aborted: a newer push\nreplaced it.")
        #expect(try await bench.log(run).contains("slipway: aborted: a newer push replaced it"))
        for process in try await bench.processes(run) { #expect(!isAlive(process)) }
    }

    @Test func anAbortBeforeTheBeginningStartsNothing() async throws {
        let bench = try ExecutionBench()
        let run = ExecutionBench.run("echo started")
        let control = RunControl()
        control.stop(.cancelled("not wanted any more"))
        #expect(await bench.execute(run, control: control).state == .aborted)
        #expect(try await !bench.log(run).contains("started"))
    }

    @Test func aDiskQuotaEndsTheJob() async throws {
        var limits = Instruction.Limits(gracePeriod: 1)
        limits.diskQuota = 4 << 20
        let bench = try ExecutionBench(limits: limits)
        // In many files: one alone would meet the limit on a file's size.
        let run = ExecutionBench.run(
            "i=0; while true; do head -c 1000000 /dev/zero > $HOME/file-$i; i=$((i+1)); sleep 0.05; done")
        let outcome = await bench.execute(run)
        #expect(outcome.state == .failure && outcome.exitCode == 137)
        #expect(outcome.message.contains("more than 4 MB of disk"))
        #expect(try await bench.log(run).contains("slipway: the job used more than 4 MB of disk; killed"))
    }

    @Test func aSingleFileIsBoundedAtOnce() async throws {
        var limits = Instruction.Limits(gracePeriod: 1)
        limits.diskQuota = 1 << 20
        let bench = try ExecutionBench(limits: limits)
        let run = ExecutionBench.run(
            "head -c 100000000 /dev/zero > $HOME/file; echo \"code $?\"; stat -c %s $HOME/file")
        #expect(await bench.execute(run).state == .success)
        #expect(try await bench.log(run).contains("\n1048576\n"))
    }

    // MARK: Log

    @Test func aGigabyteOfLogIsBounded() async throws {
        let bench = try ExecutionBench(log: .init(head: 1 << 20, tail: 64 << 10))
        let run = ExecutionBench.run(
            "echo first; yes 'this line is of no interest to anybody' | head -c 1000000000; echo; echo last")
        let outcome = await bench.execute(run)
        #expect(outcome.state == .success, "\(outcome.message)")
        let log = try await bench.log(run)
        #expect(log.utf8.count < (1 << 20) + (64 << 10) + 1000)
        #expect(log.hasPrefix("first\n") && log.hasSuffix("\nlast\n"))
        #expect(log.contains("slipway: the log is longer than 1 MB"))
        #expect(log.contains("slipway: 952 MB are left out here"))
    }

    @Test func secretsDoNotShow() async throws {
        let folder = try ExecutionBench.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "from-a-file-0815\n".write(toFile: folder + "/token", atomically: true, encoding: .utf8)
        let bench = try ExecutionBench(secrets: ["swordfish-42"], secretsFolder: folder)
        // In two writes with a pause, so that it comes in two pieces.
        let run = ExecutionBench.run(
            """
            printf 'a sword'; sleep 0.2; printf 'fish-42 b\\n'
            echo from-a-file-0815; printf swordfish-42 | base64
            echo 'see swordfish-42' > $ARTIFACTS/notes.txt
            head -c 262140 /dev/zero | tr '\\0' . >> $ARTIFACTS/notes.txt; echo swordfish-42 >> $ARTIFACTS/notes.txt
            """)
        #expect(await bench.execute(run).state == .success)
        let log = try await bench.log(run)
        #expect(log == "a ************ b\n****************\n****************\n")
        let notes = try await bench.text(bench.layout(run).artifacts.appending("notes.txt"))
        #expect(notes.hasPrefix("see ************\n") && !notes.contains("swordfish"))
    }

    @Test func aMissingFolderOfSecretsShowsNothing() async throws {
        let bench = try ExecutionBench(secretsFolder: "/nonexistent/secrets")
        let outcome = await bench.execute(ExecutionBench.run("echo never"))
        #expect(outcome.state == .error)
        #expect(outcome.message.contains("'/nonexistent/secrets' cannot be read"))
    }

    @Test func linksInArtifactsAreNotFollowed() async throws {
        let bench = try ExecutionBench()
        let run = ExecutionBench.run(
            """
            mkdir -p $ARTIFACTS/a/b; echo 1 > $ARTIFACTS/a/b/file; ln -s /etc/passwd $ARTIFACTS/passwd
            ln -s /etc $ARTIFACTS/etc; mkfifo $ARTIFACTS/pipe; printf x > $ARTIFACTS/$'bad\\xffname'
            """)
        #expect(await bench.execute(run).state == .success)
        let (files, _) = try await bench.store.files(below: bench.layout(run).artifacts)
        #expect(files.map(\.entry.name) == ["file", "e2e-timelines_slipway.json"])
        #expect(try await bench.log(run).contains("slipway: 4 artifacts were not stored"))
    }
}
