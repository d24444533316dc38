import ArtifactStore
import Glibc
package import SlipwayModel

/// Turns a claimed attempt into what its entrypoint does. No I/O but for a look at the machine.
struct InstructionBuilder {
    let run: ClaimedRun
    let plan: PodPlan
    let workspace: Workspace
    /// PATH of git and of jobs that set none.
    let searchPath: String
    var limits: Instruction.Limits

    func build() throws(PodProblem) -> Instruction {
        let spec = run.prowSpec
        let decoration = run.job.decoration ?? Decoration()
        let all = (spec.refs.map { [$0] } ?? []) + (spec.extraRefs ?? [])
        var clones: [Instruction.Clone] = []
        for (index, refs) in all.enumerated() {
            guard let components = CloneLocation.components(refs) else {
                throw PodProblem(
                    field: index == 0 && spec.refs != nil ? "path_alias" : "extra_refs[\(index)].path_alias",
                    reason: "leads out of the source folder")
            }
            clones.append(
                Instruction.Clone(
                    refs: refs, address: refs.cloneAddress,
                    folder: ([workspace.goPath, "src"] + components).joined(separator: "/")))
        }
        let main = all.firstIndex { $0.workdir == true } ?? (all.isEmpty ? nil : 0)
        let folder = decoration.skipCloning ? workspace.goPath : main.map { clones[$0].folder } ?? workspace.goPath

        var limits = limits
        limits.timeout = min(decoration.timeout > 0 ? decoration.timeout : 7200, plan.deadline ?? .infinity)
        limits.gracePeriod = decoration.gracePeriod > 0 ? decoration.gracePeriod : 15
        let base = baseEnvironment
        for mount in plan.container.mounts {
            guard workspace.user != nil else {
                throw PodProblem(field: mount.field, reason: "can only be mounted by an agent that runs as root")
            }
            guard access(mount.path, F_OK) == 0 else {
                throw PodProblem(field: mount.field, reason: "is '\(mount.path)', which this machine does not have")
            }
        }
        return Instruction(
            jobFolder: workspace.job, controlFolder: workspace.control, user: workspace.user?.id, environment: base,
            clones: decoration.skipCloning ? [] : clones,
            step: step(plan.container, base, spec, folder), limits: limits)
    }

    /// What stands in place of an image's own environment. Nothing of the agent's is passed on.
    private var baseEnvironment: [String: String] {
        [
            "PATH": searchPath, "HOME": workspace.home, "TMPDIR": workspace.temporary, "LANG": "C.UTF-8",
        ]
    }

    private func step(
        _ container: PodPlan.Container, _ base: [String: String], _ spec: JobSpec, _ folder: String
    ) -> Instruction.Step {
        // As the kubelet does: a value may refer to variables that stand before it in the list.
        var own: [String: String] = [:]
        for variable in container.environment {
            own[variable.name] = JobEnvironment.expand(variable.value, own)
        }
        var prow = JobEnvironment.prow(spec, json: spec.json)
        prow["ARTIFACTS"] = workspace.artifacts
        prow["GOPATH"] = workspace.goPath
        for (name, value) in run.leaseVariables { prow[name] = value }
        if run.leased != nil { prow["LEASES_FILE"] = workspace.leasesFile }
        let variables = own.merging(prow) { $1 }
        return Instruction.Step(
            name: container.name,
            command: container.command.map { JobEnvironment.expand($0, variables) },
            environment: base.merging(variables) { $1 }, folder: container.workingFolder ?? folder,
            mounts: temporaryMounts
                + container.mounts.map {
                    .init(source: "\(workspace.job)/volumes/\($0.volume)", target: $0.path, field: $0.field)
                })
    }

    /// Only where a run has a user of its own; its files in `/tmp` would be in the way of the next one's.
    private var temporaryMounts: [Instruction.Mount] {
        guard workspace.user != nil else { return [] }
        // A workspace inside would be hidden by its own mount.
        return ["/tmp", "/var/tmp"].filter { !workspace.folder.hasPrefix($0 + "/") }.map {
            .init(source: workspace.temporary, target: $0, field: nil)
        }
    }
}

extension ClaimedRun {
    /// A presubmit over several pull requests is a batch.
    package var kind: JobKind {
        job.kind == .presubmit && refs?.pulls?.count ?? 0 > 1 ? .batch : job.kind
    }

    /// JOB_SPEC as Prow writes it.
    package var prowSpec: JobSpec {
        var spec = spec
        spec.type = kind
        spec.decorationConfig = job.decoration?.prowDocument
        return spec
    }
}

extension ClaimedRun {
    /// What a job learns of the resources that it holds: LEASED_RESOURCE (the first name), LEASED_RESOURCES (all names,
    /// separated by commas), LEASED_TOKENS (their fencing tokens, in the same order). Nothing where it needs none.
    package var leaseVariables: [String: String] {
        guard let leased, !leased.isEmpty else { return [:] }
        return [
            "LEASED_RESOURCE": leased[0].name, "LEASED_RESOURCES": leased.map(\.name).joined(separator: ","),
            "LEASED_TOKENS": leased.map { String($0.token) }.joined(separator: ","),
        ]
    }

    /// The same, with what is noted about each, as a JSON array of `name`, `type`, `token` and `data`.
    func leasesDocument() throws -> [UInt8]? {
        struct Entry: Encodable {
            var name: String
            var type: String
            var token: Int64
            var data: [String: String]
        }
        return try leased.map { leased in
            try ArtifactDocument.encode(
                leased.map {
                    Entry(
                        name: $0.name, type: $0.type, token: $0.token,
                        data: try ArtifactDocument.decode([String: String].self, from: Array($0.data.utf8)))
                })
        }
    }
}

extension JobSpec {
    /// One line.
    var json: String {
        (try? ArtifactDocument.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

extension Refs {
    /// Prow's rule: the address given, else the repository's page with `.git`, else GitHub.
    var cloneAddress: String {
        if let cloneURI, !cloneURI.isEmpty { return cloneURI }
        if let repoLink, !repoLink.isEmpty { return repoLink + ".git" }
        return "https://github.com/\(org)/\(repo).git"
    }
}

extension Machine {
    /// This one.
    package static var current: Machine {
        let pages = Int64(sysconf(Int32(_SC_PHYS_PAGES)))
        #if arch(arm64)
            let architecture = "arm64"
        #else
            let architecture = "amd64"
        #endif
        return Machine(
            processors: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), memory: pages * Int64(sysconf(Int32(_SC_PAGESIZE))),
            architecture: architecture)
    }
}
