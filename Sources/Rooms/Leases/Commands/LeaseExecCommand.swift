package import ArgumentParser
import FoundationEssentials
import RoomKit
import SlipwayModel
import Subprocess
import Synchronization
import SystemPackage
import UnixSignals

/// `slipway lease exec`: a command that runs for as long as its lease lasts.
package struct LeaseExecCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Take resources, run a command with them, and give them back when it ends.",
        discussion: """
            The lease is renewed while the command runs. When it is lost (expired, reset, given back by somebody else) \
            the command and what it started get SIGTERM and, 10 s later, SIGKILL, and the exit code is 69. Otherwise \
            it is the command's. The command finds LEASE_ID, LEASED_RESOURCE (the first name), LEASED_RESOURCES (all \
            names, separated by commas), LEASED_TOKENS (their fencing tokens, in the same order) and LEASES (the whole \
            lease as JSON) in its environment.
            """)

    @OptionGroup package var connection: LeaseCommand.Connection
    @OptionGroup package var wish: LeaseCommand.Wish
    @Option(help: "The state that the resources get afterwards.") package var dest = "free"
    @Argument(parsing: .postTerminator, help: "The command and its arguments.") package var command: [String]

    package init() {}

    package func validate() throws {
        guard !command.isEmpty else { throw ValidationError("name the command behind '--'") }
    }

    private enum Ending: Sendable {
        case ended(TerminationStatus)
        case lost(String)
        case stopped
    }

    package func run() async throws {
        let client = try connection.client()
        let id = UUID.version7()
        let granted = Mutex<NativeLeases.Lease?>(nil)
        // Read once, from the first moment to the last: it has one reader.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let ending: Ending
        do {
            ending = try await Self.first([
                { [wish, command] in
                    let lease = try await client.obtain(id, wish)
                    granted.withLock { $0 = lease }
                    return try await Self.first([
                        { .ended(try await Self.execute(command, lease)) },
                        { await Self.keep(client, lease, lasts: wish.lasts) },
                    ])
                },
                {
                    for await _ in signals { break }
                    return .stopped
                },
            ])
        } catch {
            // The wish was refused, or the command could not be started: nothing is kept for it.
            _ = try? await client.release(id.lowercased, token: granted.withLock { $0?.token }, dest: dest)
            throw error
        }
        if case .lost(let reason) = ending {
            Terminal.complain("The lease is lost: \(reason)")
            throw ExitCode(69)
        }
        do {
            try await client.release(id.lowercased, token: granted.withLock { $0?.token }, dest: dest)
        } catch {
            Terminal.complain("The lease could not be given back and ends by itself: \(error)")
        }
        switch ending {
        case .ended(.exited(let code)): throw ExitCode(Int32(code))
        case .ended(.signaled(let signal)): throw ExitCode(128 + Int32(signal))
        case .stopped, .lost: throw ExitCode(130)
        }
    }

    /// The ending that comes first; the others are cancelled, which ends a command that still runs.
    private static func first(_ endings: [@Sendable () async throws -> Ending]) async throws -> Ending {
        try await withThrowingTaskGroup(of: Ending.self) { group in
            for ending in endings { group.addTask(operation: ending) }
            defer { group.cancelAll() }
            return try await group.next() ?? .stopped
        }
    }

    /// Renews the lease three times in its span, until it is lost or the task is cancelled.
    private static func keep(_ client: LeaseClient, _ lease: NativeLeases.Lease, lasts: Double) async -> Ending {
        var deadline = ContinuousClock.now + .seconds(lasts)
        while true {
            do {
                try await Task.sleep(for: .seconds(lasts / 3))
            } catch {
                return .stopped
            }
            let asked = ContinuousClock.now
            do {
                _ = try await client.renew(lease.id.lowercased, token: lease.token ?? 0, lasts: lasts)
                deadline = asked + .seconds(lasts)
            } catch let error as LeaseClientError where error.isPassing {
                if ContinuousClock.now >= deadline { return .lost("it could not be renewed in time: \(error)") }
            } catch is CancellationError {
                return .stopped
            } catch {
                return .lost("\(error)")
            }
        }
    }

    private static func execute(
        _ command: [String], _ lease: NativeLeases.Lease
    ) async throws -> TerminationStatus {
        var variables: [Environment.Key: String?] = [:]
        for (key, value) in try lease.variables { variables[Environment.Key(stringLiteral: key)] = value }
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(10))]
        return try await Subprocess.run(
            .name(command[0]), arguments: Arguments(Array(command.dropFirst())),
            environment: .inherit.updating(variables), platformOptions: options,
            input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
            output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
            error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
        ).terminationStatus
    }
}

extension NativeLeases.Lease {
    /// What a command finds in its environment.
    var variables: [String: String] {
        get throws {
            let encoder = JSONEncoder()
            encoder.dateEncodingStrategy = .iso8601
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return [
                "LEASE_ID": id.lowercased, "LEASED_RESOURCE": resources.first?.name ?? "",
                "LEASED_RESOURCES": resources.map(\.name).joined(separator: ","),
                "LEASED_TOKENS": resources.map { String($0.token) }.joined(separator: ","),
                "LEASES": String(decoding: try encoder.encode(self), as: UTF8.self),
            ]
        }
    }
}
