package import ArgumentParser
package import RoomKit
package import SlipwayModel

extension RunsCommand {
    package struct Wait: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Wait until no run is on its way any more, or until some are running.")

        @OptionGroup package var options: CommandOptions
        @Option(help: "Only runs of this kind; may be repeated.")
        package var kind: [JobKind] = []
        @Option(help: "Until this many are running, instead of until none is left.")
        package var running: Int?
        @Option(help: "Not before there have been this many runs.")
        package var atLeast = 0
        @Option(help: "Seconds after which to give up with exit code 1.")
        package var timeout = 600

        package init() {}

        package func run() async throws {
            try await options.withRuns { runs in
                let clock = ContinuousClock()
                let end = clock.now + .seconds(timeout)
                var shown = ""
                while true {
                    let figures = try await runs.figures(kind)
                    let line =
                        "\(figures.all - figures.unfinished) of \(figures.all) runs have ended, \(figures.running) are running"
                    if line != shown { Terminal.progress(line) }
                    shown = line
                    let isReached = running.map { figures.running >= $0 } ?? (figures.unfinished == 0)
                    if isReached, figures.all >= atLeast { break }
                    guard clock.now < end else {
                        Terminal.progress("")
                        Terminal.complain("Gave up after \(timeout) s: \(line).")
                        throw ExitCode(1)
                    }
                    try await Task.sleep(for: .milliseconds(500))
                }
                Terminal.progress("")
                print(shown + ".")
            }
        }
    }
}
