import Logging
import SlipwayModel

/// Logs go to standard error, a line each, with the trace that the line belongs to.
func startLogging() {
    let trace = Logger.MetadataProvider {
        guard let trace = TraceContext.current else { return [:] }
        return ["trace": "\(trace.traceID)"]
    }
    LoggingSystem.bootstrap(
        { label, provider in StreamLogHandler.standardError(label: label, metadataProvider: provider) },
        metadataProvider: trace)
}
