package import ArtifactStore
package import Fleet
package import Logging
import SlipwayModel

/// Reads the JUnit files of finished runs and stores their tests, once per attempt however often it is told; and counts
/// the runs for the overview's trends.
package struct AggregationWorker: Worker {
    package let name = "aggregation"
    package let topics = [RunFinished.type]

    private let artifacts: any ArtifactStorage
    private let logger: Logger

    /// Files of one run that are read; a sentence says so when there were more.
    static let maximumFiles = 2000

    package init(artifacts: any ArtifactStorage, logger: Logger) {
        self.artifacts = artifacts
        self.logger = logger
    }

    package func plan(_ messages: [Message]) async throws -> CommitPlan {
        var reports: [StoredReport] = []
        var finished: [RunFinished] = []
        for message in messages {
            let run = try message.decode(RunFinished.self)
            finished.append(run)
            // What never started left nothing behind.
            guard run.startedAt != nil else { continue }
            let report = try await readReport(of: run)
            if report.files > 0 { reports.append(StoredReport(report, run: run.runID, build: run.buildID)) }
        }
        let pace = PaceRow.rows(of: finished)
        return { [reports] effects in
            try await ResultsStore.add(pace, in: effects.database)
            for report in reports {
                guard try await ResultsStore.insert(report, in: effects.database) else { continue }
                let counts = report.counts
                effects.emit(
                    ResultsIngested(
                        runID: report.runID, buildID: report.buildID, passed: counts.passed, failed: counts.failed,
                        flaky: counts.flaky, skipped: counts.skipped))
            }
        }
    }

    /// All tests of an attempt. What cannot be read of a file is a sentence in the report; a store that does not
    /// answer is an error, and the message comes again.
    func readReport(of run: RunFinished) async throws -> TestReport {
        let layout: ArtifactLayout
        do {
            layout = try ArtifactLayout(
                kind: run.kind, job: run.job, build: run.buildID, jobFolder: run.artifactFolder)
        } catch {
            logger.warning("run \(run.runID) has no place for artifacts: \(error)")
            return TestReport()
        }
        let (files, isComplete) = try await artifacts.files(below: layout.artifacts)
        let named = files.map(\.path).filter { Self.isReport($0.name) }
        var report = TestReport()
        for path in named.prefix(Self.maximumFiles) {
            report = try await read(path, below: layout.artifacts, into: report)
        }
        if !isComplete || named.count > Self.maximumFiles {
            report.problems.append(
                "There are more files than are looked through; of the JUnit files, the first "
                    + "\(min(named.count, Self.maximumFiles)) count.")
        }
        return report
    }

    private func read(
        _ path: ArtifactPath, below folder: ArtifactPath, into report: TestReport
    ) async throws -> TestReport {
        let name = path.components.dropFirst(folder.components.count).joined(separator: "/")
        guard let file = try await artifacts.openIfPresent(path) else {
            var report = report
            report.problems.append("\(name) could not be opened; it is gone, or no regular file.")
            return report
        }
        var parser = JUnitParser(into: report)
        for try await piece in file.pieces(of: 0..<Int64(JUnitParser.maximumBytes + 1)) { parser.feed(piece) }
        return parser.finish(file: name)
    }

    /// `junit*.xml` at any depth, as Prow's tools look for them.
    static func isReport(_ name: String) -> Bool {
        name.hasPrefix("junit") && name.hasSuffix(".xml")
    }
}
