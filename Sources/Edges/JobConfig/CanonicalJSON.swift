import Patterns
import Signatures
package import SlipwayModel

/// One spelling per value: keys sorted by their UTF-8 bytes, no white space, whole numbers without a fraction.
package enum CanonicalJSON {
    /// What a job would do, as 64 hexadecimal digits: everything it resolves to, but not where it was written.
    package static func hash(of job: ResolvedJob) -> String { SHA256.hexadecimal(bytes(of: job)) }

    /// The job as Codable would write it, its `source` left out.
    package static func bytes(of job: ResolvedJob) -> [UInt8] { bytes(of: job.canonicalValue) }

    /// A whole definition, as 64 hexadecimal digits: what it would do, when, and where it was written.
    package static func digest(of job: ConfiguredJob) -> String {
        SHA256.hexadecimal(bytes(of: job.canonicalRules))
    }

    package static func bytes(of value: JSONValue) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2048)
        append(value, to: &bytes)
        return bytes
    }

    private static func append(_ value: JSONValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        case .number(let value):
            if let whole = Int64(exactly: value) { bytes += String(whole).utf8 } else { bytes += String(value).utf8 }
        case .string(let value): append(value, to: &bytes)
        case .array(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(item, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                append(key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                append(value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes += "\\u00".utf8
                bytes += Hexadecimal.encode([byte]).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension ResolvedJob {
    /// The JSON that Codable gives, without `source`; written out because encoding every job of a large
    /// configuration through Codable takes longer than reading it. A test holds both together.
    var canonicalValue: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name), "kind": .string(kind.rawValue), "cluster": .string(cluster), "agent": .string(agent),
            "optional": .bool(optional), "skipReport": .bool(skipReport),
            "maxConcurrency": .integer(Int64(maxConcurrency)), "labels": .object(labels.mapValues(JSONValue.string)),
            "annotations": .object(annotations.mapValues(JSONValue.string)),
            "extraRefs": .array(extraRefs.map(\.canonicalValue)),
        ]
        members["repository"] = repository.map { .string($0.description) }
        members["namespace"] = namespace.map(JSONValue.string)
        members["context"] = context.map(JSONValue.string)
        members["rerunCommand"] = rerunCommand.map(JSONValue.string)
        members["jobQueueName"] = jobQueueName.map(JSONValue.string)
        members["spec"] = spec
        members["decoration"] = decoration?.canonicalValue
        members["pathAlias"] = pathAlias.map(JSONValue.string)
        members["cloneURI"] = cloneURI.map(JSONValue.string)
        members["cloneDepth"] = cloneDepth.map { .integer(Int64($0)) }
        members["skipSubmodules"] = skipSubmodules.map(JSONValue.bool)
        members["leases"] = leases.map { .array($0.map(\.canonicalValue)) }
        return .object(members)
    }
}

extension LeaseItem {
    fileprivate var canonicalValue: JSONValue {
        var members: [String: JSONValue] = [
            "types": .array(types.map(JSONValue.string)), "count": .integer(Int64(count)),
        ]
        members["reason"] = reason.map(JSONValue.string)
        return .object(members)
    }
}

extension ConfiguredJob {
    /// The hash stands for what is run.
    fileprivate var canonicalRules: JSONValue {
        var members: [String: JSONValue] = [
            "hash": .string(hash), "alwaysRun": .bool(alwaysRun), "runBeforeMerge": .bool(runBeforeMerge),
            "branches": .array(branches.branches.map(JSONValue.string)),
            "skipBranches": .array(branches.skipBranches.map(JSONValue.string)),
        ]
        members["source"] = job.source.map(JSONValue.string)
        members["runIfChanged"] = (runIfChanged?.expression).map(JSONValue.string)
        members["skipIfOnlyChanged"] = (skipIfOnlyChanged?.expression).map(JSONValue.string)
        members["trigger"] = (trigger?.expression).map(JSONValue.string)
        members["schedule"] = (schedule?.description).map(JSONValue.string)
        members["retry"] = retry.map { retry in
            .array([.integer(Int64(retry.attempts)), .number(retry.interval), .bool(retry.runsAll)])
        }
        members["rerun"] = rerun.map { rule in
            .array([
                .bool(rule.allowsAnyone), .array(rule.users.map(JSONValue.string)),
                .array(rule.orgs.map(JSONValue.string)),
                .array(rule.teams.map { .array([.string($0.org), .string($0.slug)]) }),
                .array(rule.teamIDs.map(JSONValue.integer)),
            ])
        }
        return .object(members)
    }
}

extension Decoration {
    fileprivate var canonicalValue: JSONValue {
        var members: [String: JSONValue] = [
            "timeout": .number(timeout), "gracePeriod": .number(gracePeriod), "skipCloning": .bool(skipCloning),
        ]
        members["censoring"] = censoring
        members["pathStrategy"] = pathStrategy?.document
        return .object(members)
    }
}

extension Refs {
    /// What configuration can say of extra refs; pull requests never stand there.
    fileprivate var canonicalValue: JSONValue {
        var members: [String: JSONValue] = ["org": .string(org), "repo": .string(repo)]
        members["repo_link"] = repoLink.map(JSONValue.string)
        members["base_ref"] = baseRef.map(JSONValue.string)
        members["base_sha"] = baseSHA.map(JSONValue.string)
        members["base_link"] = baseLink.map(JSONValue.string)
        members["path_alias"] = pathAlias.map(JSONValue.string)
        members["workdir"] = workdir.map(JSONValue.bool)
        members["clone_uri"] = cloneURI.map(JSONValue.string)
        members["skip_submodules"] = skipSubmodules.map(JSONValue.bool)
        members["clone_depth"] = cloneDepth.map { .integer(Int64($0)) }
        members["skip_fetch_head"] = skipFetchHead.map(JSONValue.bool)
        return .object(members)
    }
}
