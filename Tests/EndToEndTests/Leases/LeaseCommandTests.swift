import Foundation
import SlipwayTesting
import Testing

/// `slipway lease` with the built program.
@Suite(.liveFleet, .serialized) struct LeaseCommandTests {
    private func begin() async throws -> LiveFleet {
        let fleet = try LiveFleet.current
        let file = "\(fleet.folder)/pools.yaml"
        try Data("resources: [{type: board, state: free, names: [board-1]}]".utf8).write(to: URL(filePath: file))
        try await fleet.slipway("lease", "config", "apply", file)
        return fleet
    }

    private struct Held: Decodable {
        var lease: String
        var token: Int64
    }

    private func held(_ fleet: LiveFleet) async throws -> [Held] {
        let text = try await fleet.slipway("lease", "list", "--type", "board", "--format", "json")
        return try JSONDecoder().decode([Held].self, from: Data(text.utf8))
    }

    @Test func aCommandRunsWithItsLeaseAndHasItsOwnExitCode() async throws {
        let fleet = try await begin()
        let said = try await fleet.bash(
            "slipway lease exec --type board -- sh -c 'echo $LEASED_RESOURCE $LEASED_TOKENS; exit 7' || echo \"ended $?\""
        )
        #expect(said.contains(/board-1 \d+\nended 7/), "\(said)")
        #expect(try await held(fleet).isEmpty)
    }

    @Test func aCommandWhoseLeaseIsTakenAwayIsEnded() async throws {
        let fleet = try await begin()
        let (file, pid) = ("\(fleet.folder)/ended", "\(fleet.folder)/pid")
        async let ended = fleet.bash(
            """
            slipway lease exec --type board --lasts 3 -- sh -c 'echo $$ > '\(pid)'; exec sleep 600' 2> '\(file).log' \
                || echo $? > '\(file)'
            """)
        try await eventually("the command runs") { FileManager.default.fileExists(atPath: pid) }
        let lease = try #require(try await held(fleet).first)
        try await fleet.slipway("lease", "release", lease.lease, "--token", "\(lease.token)")
        _ = try await ended
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "69\n")
        let complaint = try String(contentsOfFile: file + ".log", encoding: .utf8)
        #expect(complaint.contains("The lease is lost: "), "\(complaint)")
        let command = try #require(
            pid_t(try String(contentsOfFile: pid, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(kill(command, 0) != 0, "the command still runs")
    }

    @Test func whatWasTakenForACommandThatCannotBeStartedIsGivenBack() async throws {
        let fleet = try await begin()
        await #expect(throws: LiveFleet.CommandFailed.self) {
            try await fleet.slipway("lease", "exec", "--type", "board", "--", "/no/such/command")
        }
        #expect(try await held(fleet).isEmpty)
        // One that is refused leaves no place behind.
        await #expect(throws: LiveFleet.CommandFailed.self) {
            try await fleet.slipway("lease", "exec", "--type", "car", "--", "true")
        }
    }

    @Test func whoeverWaitsIsToldHisPlaceAndGivesItUpInTime() async throws {
        let fleet = try await begin()
        try await fleet.slipway("lease", "acquire", "--type", "board")
        let failure = await #expect(throws: LiveFleet.CommandFailed.self) {
            try await fleet.slipway("lease", "acquire", "--type", "board", "--wait", "1")
        }
        #expect(
            failure?.description.contains("nothing was granted within 1 s; the place in line is given up") == true,
            "\(failure?.description ?? "")")
        #expect(try await fleet.slipway("lease", "pools").contains(/board +0 +1 +0 +1 +0/))
        let lease = try #require(try await held(fleet).first)
        try await fleet.slipway("lease", "release", lease.lease, "--token", "\(lease.token)")
        #expect(try await held(fleet).isEmpty)
    }
}
