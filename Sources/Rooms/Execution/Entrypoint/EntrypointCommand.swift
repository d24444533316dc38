package import ArgumentParser
import FoundationEssentials
import Glibc

/// `slipway entrypoint`: wraps one run.
package struct EntrypointCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "entrypoint",
        abstract: "Runs one attempt from an instruction file; agents start it.",
        discussion: """
            Standard input is the lifeline: the run is killed when it ends, and stopped by a line 'stop REASON'.
            Standard output and error take the log, descriptor 3 takes events, one JSON document per line.
            """,
        shouldDisplay: false)

    @Argument(help: "The instruction, a JSON file.")
    var instruction: String

    package init() {}

    package func run() throws {
        guard let bytes = FileManager.default.contents(atPath: instruction) else {
            throw ValidationError("The instruction file '\(instruction)' cannot be read.")
        }
        let decoded: Instruction
        do {
            decoded = try JSONDecoder().decode(Instruction.self, from: bytes)
        } catch {
            throw ValidationError("The instruction file '\(instruction)' is malformed: \(error)")
        }
        // Writing to an agent that is gone must not end the entrypoint before it has killed its job.
        signal(SIGPIPE, SIG_IGN)
        let entrypoint = try Entrypoint(
            decoded, control: EntrypointDescriptor.control, events: EntrypointDescriptor.events)
        _ = entrypoint.run()
    }
}
