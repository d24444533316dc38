package import ArgumentParser
package import Fleet
import FoundationEssentials
import Logging
import Postgres

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How a command prints what it found.
package enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, json
}

/// What every command that talks to a fleet takes.
package struct CommandOptions: ParsableArguments, Sendable {
    @Option(
        name: .customLong("config"), help: "Settings file; slipway.yaml in the working folder by default.",
        completion: .file(extensions: ["yaml", "yml"]))
    package var settingsFile: String?

    @Option(
        help: "Verbosity: trace, debug, info, notice, warning, error or critical.",
        completion: .list(Logger.Level.allCases.map(\.rawValue)))
    package var logLevel: String?

    package init() {}

    /// The settings in force.
    package func settings() throws -> Settings {
        var settings = try Settings.load(file: settingsFile, environment: ProcessInfo.processInfo.environment)
        try settings.set("log.level", logLevel)
        guard Logger.Level(rawValue: settings.logLevel) != nil else {
            throw SettingsError(
                "log.level is '\(settings.logLevel)'; it takes trace, debug, info, notice, warning, error or critical")
        }
        return settings
    }

    /// Opens the database for the length of `body`. Messages that it commits are published by the fleet.
    package func withFleet<Result>(
        _ body: (Settings, FleetBus) async throws -> Result
    ) async throws -> Result {
        let settings = try settings()
        let logger = Logger(label: "slipway")
        var configuration = try PostgresConfiguration(url: settings.databaseURL.reveal)
        configuration.maximumConnections = 2
        let pool = PostgresPool(configuration: configuration, logger: logger)
        let bus = FleetBus(database: pool, publisher: nil, logger: logger)
        do {
            let result = try await body(settings, bus)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }
}

/// `--format table|json`.
package struct OutputOptions: ParsableArguments, Sendable {
    @Option(help: "How to print: table or json.")
    package var format: OutputFormat = .table

    package init() {}

    /// Prints values as a JSON array, or as a table with a heading.
    package func print<Value: Encodable>(
        _ values: [Value], columns: [(String, (Value) -> String)], empty: String
    ) throws {
        switch format {
        case .json:
            try printJSON(values)
        case .table:
            Swift.print(
                values.isEmpty
                    ? empty
                    : TextTable(
                        columns.map(\.0),
                        values.map { value in
                            columns.map { $0.1(value) }
                        }
                    ).description)
        }
    }

    package func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}

/// Columns aligned for a terminal.
package struct TextTable: CustomStringConvertible {
    private let rows: [[String]]

    package init(_ heading: [String], _ rows: [[String]]) { self.rows = [heading] + rows }

    package var description: String {
        let widths = (0..<(rows.first?.count ?? 0)).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                index == widths.count - 1
                    ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
