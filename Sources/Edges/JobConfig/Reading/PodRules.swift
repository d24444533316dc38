import SlipwayModel

/// What Prow asks of a job's pod, presets merged in (pkg/config, `validatePodSpec`).
struct PodRules {
    let kind: JobKind
    let isDecorated: Bool
    /// Volumes of secrets that decoration brings in Prow.
    let secrets: Set<String>

    /// What is wrong with a pod that has containers, and what to do.
    func violations(in pod: PodSpec) -> [String] {
        let containers = pod.containers ?? []
        var violations: [String] = []
        if !(pod.members["initContainers"]?.arrayValue ?? []).isEmpty {
            violations.append("its spec has initContainers; let the container's own command do their work first")
        }
        if containers.count > 1 { violations += several(containers) }
        for (index, container) in containers.enumerated() {
            let name = container["name"]?.stringValue ?? String(index)
            violations += words(of: container, name) + variables(of: container, name)
        }
        return violations + volumes(of: pod, containers)
    }

    private func several(_ containers: [JSONValue]) -> [String] {
        guard isDecorated else {
            return ["it has \(containers.count) containers, for which it must be decorated; set decorate: true"]
        }
        let names = containers.map { $0["name"]?.stringValue ?? "" }
        var violations: [String] = []
        if names.contains("") || Set(names).count < names.count {
            violations.append("several containers need a name each; give each one of its own")
        }
        for name in names where PodRules.ownContainers.contains(name) {
            violations.append("the container name '\(name)' is Prow's own; give it another")
        }
        return violations
    }

    private func words(of container: JSONValue, _ name: String) -> [String] {
        var violations: [String] = []
        for key in ["command", "args"] where container[key] != nil && container[key] != .null {
            guard let items = container[key]?.arrayValue, items.allSatisfy({ $0.stringValue != nil }) else {
                violations.append("\(key) of container \(name) is not a list of texts; write e.g. [make, test]")
                continue
            }
        }
        let words = (container["command"]?.arrayValue ?? []) + (container["args"]?.arrayValue ?? [])
        if isDecorated, (words.first?.stringValue ?? "").isEmpty {
            violations.append("its decorated container \(name) has neither command nor args; add what it runs")
        }
        return violations
    }

    private func variables(of container: JSONValue, _ name: String) -> [String] {
        var known: Set<String> = []
        return (container["env"]?.arrayValue ?? []).compactMap { variable in
            guard let variable = variable["name"]?.stringValue else { return nil }
            if isReserved(variable) {
                return "container \(name) sets \(variable), which every run gets by itself; remove it"
            }
            if !known.insert(variable).inserted { return "container \(name) sets \(variable) twice; remove one" }
            return nil
        }
    }

    private func volumes(of pod: PodSpec, _ containers: [JSONValue]) -> [String] {
        var violations: [String] = []
        var known: Set<String> = []
        for volume in pod.members["volumes"]?.arrayValue ?? [] {
            guard let name = volume["name"]?.stringValue else { continue }
            if PodRules.ownVolumes.contains(name) || isDecoration(name) {
                violations.append("the volume name '\(name)' is Prow's own; give it another")
            }
            if !known.insert(name).inserted {
                violations.append("its spec has two volumes of the name '\(name)'; rename or remove one")
            }
        }
        for (index, container) in containers.enumerated() {
            for mount in container["volumeMounts"]?.arrayValue ?? [] {
                let name = mount["name"]?.stringValue ?? ""
                let place = "container \(container["name"]?.stringValue ?? String(index))"
                if let path = mount["mountPath"]?.stringValue, PodRules.ownPaths.contains(path) {
                    violations.append("\(place) mounts '\(name)' at \(path), which is Prow's own; choose another path")
                }
                if PodRules.ownVolumes.contains(name) {
                    violations.append("\(place) mounts the volume '\(name)', which is Prow's own; remove it")
                } else if !known.contains(name), !isDecoration(name) {
                    violations.append(
                        "\(place) mounts the volume '\(name)', which does not exist; add it below spec.volumes")
                }
            }
        }
        return violations
    }

    private func isDecoration(_ volume: String) -> Bool {
        PodRules.decorationVolumes.contains(volume) || secrets.contains(volume)
    }

    // MARK: What decoration brings in Prow, kept free so that a configuration serves both

    private static let ownContainers: Set<String> = ["clonerefs", "initupload", "place-entrypoint", "sidecar"]
    private static let ownVolumes: Set<String> = ["logs", "code", "tools"]
    private static let ownPaths: Set<String> = ["/logs", "/home/prow/go", "/tools"]
    /// Volumes that need not stand in the spec.
    private static let decorationVolumes: Set<String> = ["gcs-credentials", "s3-credentials"]

    /// Whether a run of the job's kind gets the variable by itself: a periodic, which tests no refs, may set theirs.
    private func isReserved(_ variable: String) -> Bool {
        switch kind {
        case .periodic: PodRules.variables.contains(variable)
        case .postsubmit, .batch: PodRules.variables.contains(variable) || PodRules.refsVariables.contains(variable)
        case .presubmit:
            PodRules.variables.contains(variable) || PodRules.refsVariables.contains(variable)
                || PodRules.pullVariables.contains(variable)
        }
    }

    private static let variables: Set<String> = [
        "CI", "JOB_NAME", "JOB_TYPE", "JOB_SPEC", "BUILD_ID", "BUILD_NUMBER", "PROW_JOB_ID",
    ]
    private static let refsVariables: Set<String> = [
        "REPO_OWNER", "REPO_NAME", "PULL_BASE_REF", "PULL_BASE_SHA", "PULL_REFS",
    ]
    private static let pullVariables: Set<String> = ["PULL_NUMBER", "PULL_PULL_SHA", "PULL_HEAD_REF", "PULL_TITLE"]
}
