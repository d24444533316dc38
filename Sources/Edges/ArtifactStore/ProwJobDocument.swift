package import FoundationEssentials
package import SlipwayModel

/// A run in the shape of Prow's ProwJob resource: `prowjob.json`, and the items of `/prowjobs.js`.
/// Times are RFC 3339 in UTC with whole seconds (`ArtifactDocument.encode` writes them so); empty fields are left out.
package struct ProwJobDocument: Hashable, Sendable, Codable {
    package struct Metadata: Hashable, Sendable, Codable {
        package var name: String
        package var namespace: String?
        package var creationTimestamp: Date?
        package var labels: [String: String]?
        package var annotations: [String: String]?
    }

    package struct Spec: Hashable, Sendable, Codable {
        package var type: JobKind
        package var agent: String
        package var cluster: String
        package var namespace: String?
        package var job: String
        package var refs: Refs?
        package var extraRefs: [Refs]?
        package var report: Bool?
        package var context: String?
        package var rerunCommand: String?
        package var maxConcurrency: Int?
        package var podSpec: JSONValue?
        package var decorationConfig: JSONValue?
        package var jobQueueName: String?

        enum CodingKeys: String, CodingKey {
            case type, agent, cluster, namespace, job, refs, report, context
            case extraRefs = "extra_refs"
            case rerunCommand = "rerun_command"
            case maxConcurrency = "max_concurrency"
            case podSpec = "pod_spec"
            case decorationConfig = "decoration_config"
            case jobQueueName = "job_queue_name"
        }
    }

    package struct Status: Hashable, Sendable, Codable {
        /// When the run was requested.
        package var startTime: Date
        /// When an agent claimed it.
        package var pendingTime: Date?
        package var completionTime: Date?
        /// Prow's name of the state: triggered, pending, success, failure, aborted, error.
        package var state: String
        package var description: String?
        package var url: String?
        package var podName: String?
        package var buildID: String?

        enum CodingKeys: String, CodingKey {
            case startTime, pendingTime, completionTime, state, description, url
            case podName = "pod_name"
            case buildID = "build_id"
        }

        package init(
            startTime: Date, pendingTime: Date?, completionTime: Date?, state: RunState, description: String?,
            url: String?, podName: String?, buildID: BuildID?
        ) {
            self.startTime = startTime
            self.pendingTime = pendingTime
            self.completionTime = completionTime
            self.state = state.prowName
            self.description = description
            self.url = url
            self.podName = podName
            self.buildID = buildID?.description
        }
    }

    package var apiVersion: String
    package var kind: String
    package var metadata: Metadata
    package var spec: Spec
    package var status: Status

    package init(runID: RunID, kind jobKind: JobKind, job: ResolvedJob, refs: Refs?, status: Status) {
        apiVersion = "prow.k8s.io/v1"
        kind = "ProwJob"
        var labels = job.labels
        labels["created-by-prow"] = "true"
        labels["prow.k8s.io/id"] = runID.description
        labels["prow.k8s.io/type"] = jobKind.rawValue
        // A label holds what Kubernetes takes; the annotation holds the whole name.
        labels["prow.k8s.io/job"] = Self.labelValue(Self.shortened(job.name))
        var annotations = job.annotations
        annotations["prow.k8s.io/job"] = job.name
        if let context = job.context {
            labels["prow.k8s.io/context"] = Self.labelValue(Self.shortened(context))
            annotations["prow.k8s.io/context"] = context
        }
        if jobKind == .presubmit { labels["prow.k8s.io/is-optional"] = String(job.optional) }
        if let refs {
            labels["prow.k8s.io/refs.org"] = Self.labelValue(refs.org)
            labels["prow.k8s.io/refs.repo"] = Self.labelValue(refs.repo)
            labels["prow.k8s.io/refs.base_ref"] = refs.baseRef.flatMap(Self.labelValue)
            if let pull = refs.pulls?.first { labels["prow.k8s.io/refs.pull"] = String(pull.number) }
        }
        if let build = status.buildID { labels["prow.k8s.io/build-id"] = build }
        metadata = Metadata(
            name: runID.description, namespace: job.namespace, creationTimestamp: status.startTime, labels: labels,
            annotations: annotations)
        spec = Spec(
            type: jobKind, agent: job.agent, cluster: job.cluster, namespace: job.namespace, job: job.name, refs: refs,
            extraRefs: job.extraRefs.isEmpty ? nil : job.extraRefs, report: job.skipReport ? nil : true,
            context: job.context, rerunCommand: job.rerunCommand,
            maxConcurrency: job.maxConcurrency == 0 ? nil : job.maxConcurrency, podSpec: job.spec,
            decorationConfig: job.decoration?.prowDocument, jobQueueName: job.jobQueueName)
        self.status = status
    }
}

extension ProwJobDocument {
    /// What Kubernetes takes as the value of a label: at most 63 letters, digits and `-_.`, with a letter or a digit at
    /// either end. Of a path that is none, the last name; nil where that is none either (Prow's
    /// `LabelsAndAnnotationsForSpec`).
    package static func labelValue(_ text: String) -> String? {
        if isLabelValue(text) { return text }
        let base = text.split(separator: "/").last.map(String.init) ?? ""
        return isLabelValue(base) ? base : nil
    }

    private static func isLabelValue(_ text: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        let bytes = text.utf8
        guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    /// A long name is cut where a label ends.
    private static func shortened(_ name: String) -> String {
        guard name.utf8.count > 63 else { return name }
        var cut = name.prefix(63)
        while let last = cut.last, last == "." || last == "-" { cut.removeLast() }
        return String(cut)
    }
}

extension Decoration {
    /// Prow's `decoration_config`, with durations as Go writes them (`2h0m0s`).
    package var prowDocument: JSONValue {
        var members: [String: JSONValue] = [
            "timeout": .string(goDuration(timeout)), "grace_period": .string(goDuration(gracePeriod)),
        ]
        if skipCloning { members["skip_cloning"] = .bool(true) }
        if let censoring { members["censoring_options"] = censoring }
        if let pathStrategy { members["gcs_configuration"] = pathStrategy.document }
        return .object(members)
    }
}

/// Seconds in the form of Go's `time.Duration`: `2h0m0s`, `15s`, `1m30.5s`, `250ms`.
package func goDuration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds > 0 else { return "0s" }
    if seconds < 1 { return "\(trimmed(seconds * 1000))ms" }
    let whole = Int(min(seconds, 1e12))
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    let rest = trimmed(seconds - Double(whole / 60 * 60))
    if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
    return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
}

/// A number without the `.0` of a whole one, to the thousandth.
private func trimmed(_ number: Double) -> String {
    let rounded = (number * 1000).rounded() / 1000
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
}
