import Foundation
import LocalServices
import SlipwayTesting
import Subprocess
import SystemPackage
import Testing

/// A fleet whose ground goes away under it.
@Suite(.serialized) struct OutageTests {
    private static let jobs = """
        presubmits:
          e2e/storm: [{name: unit, always_run: false, decorate: true, spec: {containers: [{command: [./job]}]}}]
        """

    private func begin(_ fleet: LiveFleet, script: String) async throws {
        try await fleet.configure(Self.jobs)
        try await fleet.makeRepository("storm", author: "author", role: "member", script: "#!/bin/sh\n" + script)
        try await fleet.push("storm", branch: "change", author: "author", change: "echo two > file")
        try await fleet.openPull("storm", branch: "change", author: "author")
    }

    private func comment(_ fleet: LiveFleet, _ text: String) async throws {
        try await fleet.slipway("forge", "comment", "e2e/storm#1", "--author", "author", "--body", text)
    }

    @Test func servicesThatDieComeBackAndTheRunEndsOnce() async throws {
        try await LiveFleet.run { fleet in
            let since = Date().formatted(.iso8601)
            // The job waits for its second word, so both services are gone and back while it is executed.
            let word = "\(fleet.folder)/go-on"
            try await begin(fleet, script: "until [ -e '\(word)' ]; do sleep 0.1; done")
            try await comment(fleet, "/test unit")
            _ = try await fleet.running("storm")
            for file in ["services/postgres/data/postmaster.pid", "services/rabbitmq/pid"] {
                let text = try String(contentsOfFile: "\(fleet.folder)/\(file)", encoding: .utf8)
                let pid = try #require(text.split(whereSeparator: \.isNewline).first.flatMap { pid_t($0) })
                kill(pid, SIGKILL)
                try await eventually("the process \(pid) of \(file) is gone") { kill(pid, 0) != 0 }
            }
            try await eventually("the fleet works again", within: .seconds(120)) {
                (try? await fleet.get("/readyz").status) == 200
            }
            _ = FileManager.default.createFile(atPath: word, contents: nil)
            #expect(try await fleet.ended("storm", count: 1).map(\.state) == ["success"])
            // What is asked for afterwards is answered, too.
            try await comment(fleet, "/test unit")
            #expect(try await fleet.ended("storm", count: 2).map(\.state) == ["success", "success"])
            let ledger = try await fleet.slipway("runs", "ledger", "--since", since)
            #expect(ledger.contains(/lost +0\n/) && ledger.contains(/doubled +0\n/), "\(ledger)")
        }
    }

    /// As after a full disk: the node runs on, and its quorum queues do not.
    @Test func aBrokerThatKeepsNothingIsStartedAgain() async throws {
        try await LiveFleet.run { fleet in
            try await begin(fleet, script: "exit 0")
            try await PrivateServices.control(folder: fleet.folder + "/services", ["eval", "application:stop(ra)."])
            try await comment(fleet, "/test unit")
            #expect(try await fleet.ended("storm", count: 1).map(\.state) == ["success"])
        }
    }

    @Test func aKilledSupervisorLeavesNothingBehindAndTheNextOneGoesOn() async throws {
        try await LiveFleet.withFolder { folder in
            try await LiveFleet.run(in: folder) { fleet in
                try await begin(fleet, script: "exit 0")
                try await comment(fleet, "/test unit")
                #expect(try await fleet.ended("storm", count: 1).map(\.state) == ["success"])
                let pids = try await fleet.slipway("ps", "--data", folder, "--pids").split(separator: "\n")
                    .compactMap { pid_t($0) }
                let services = [
                    "services/postgres/data/postmaster.pid", "services/rabbitmq/pid",
                ].compactMap { file in
                    (try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8))?
                        .split(whereSeparator: \.isNewline).first.flatMap { pid_t($0) }
                }
                #expect(pids.count >= 7 && services.count == 2)
                for pid in try await fleet.pids("supervisor") { kill(pid, SIGKILL) }
                for pid in pids + services {
                    try await eventually("process \(pid) has ended", within: .seconds(90)) { !isRunning(pid) }
                }
            }
            try await LiveFleet.run(in: folder) { fleet in
                #expect(try await fleet.runs(of: "storm").map(\.state) == ["success"])
                try await comment(fleet, "/test unit")
                #expect(try await fleet.ended("storm", count: 2).map(\.state) == ["success", "success"])
            }
        }
    }

    @Test(arguments: ["worker", "gateway", "agent"])
    func aRoleThatComesBeforeItsServicesSaysWhatItWaitsFor(_ role: String) async throws {
        var ports = FreePorts()
        let port = try ports.choose()
        _ = consume ports
        _ = try await Subprocess.run(
            .path(FilePath(LiveFleet.binary)), arguments: [role],
            environment: .inherit.updating([
                "SLIPWAY_LIFELINE": "stdin", "DATABASE_URL": "postgres://slipway:hidden@127.0.0.1:\(port)/slipway",
                "AMQP_URL": "amqp://slipway:hidden@127.0.0.1:\(port)/", "SLIPWAY_GATEWAY_PORT": "0",
            ]), input: .inputWriter, output: .discarded, error: .sequence
        ) { execution in
            var said = ""
            for try await part in execution.standardError {
                said += part.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                if said.contains("waiting for PostgreSQL at 127.0.0.1:\(port)") { break }
            }
            #expect(said.contains("waiting for PostgreSQL at 127.0.0.1:\(port)"))
            #expect(!said.contains("hidden"), "a password was printed")
            try await execution.standardInputWriter.finish()
        }
    }

    /// There, and not only waiting to be reaped.
    private func isRunning(_ pid: pid_t) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return stat.split(separator: ") ").last?.hasPrefix("Z") == false
    }
}
