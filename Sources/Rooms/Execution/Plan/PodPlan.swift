package import SlipwayModel

/// What a pod spec asks for, as far as a plain process can give it: one container.
///
/// Fields are taken from an explicit list. Everything else that asks for something is a `PodProblem`, so that no job
/// runs under conditions its author did not mean; a field that asks for nothing (`false`, `null`, empty) is fine.
/// Recorded and without effect: images (nothing is pulled) and wishes about placement; CPU and memory are compared
/// with the machine and not enforced.
package struct PodPlan: Hashable, Sendable {
    package struct Container: Hashable, Sendable {
        package var name: String
        package var command: [String]
        /// In the order of the spec; a later one may refer to an earlier one as `$(NAME)`.
        package var environment: [EnvironmentVariable]
        package var workingFolder: String?
        package var image: String?
        package var mounts: [Mount]
    }

    package struct EnvironmentVariable: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    /// An emptyDir volume and where the container expects it.
    package struct Mount: Hashable, Sendable {
        package var volume: String
        package var path: String
        /// The field, for messages.
        package var field: String
    }

    package var container: Container
    /// Seconds from the pod's `activeDeadlineSeconds`.
    package var deadline: Double?

    /// - Parameter machine: what requests are compared with.
    package init(spec: JSONValue?, machine: Machine) throws(PodProblem) {
        guard let spec, case .object = spec else {
            throw PodProblem(field: "spec", reason: "is missing; the job says nothing that could be run")
        }
        var reader = PodReader(machine: machine)
        let pod = try reader.object(spec, "spec")
        try reader.check(pod, at: "spec", PodReader.podRules)
        try reader.checkPlacement(pod["nodeSelector"])
        reader.volumes = try reader.readVolumes(pod["volumes"])
        let main = try reader.array(pod["containers"], "spec.containers")
        guard let first = main.first else {
            throw PodProblem(field: "spec.containers", reason: "is empty; one container with a command is needed")
        }
        guard main.count == 1 else {
            throw PodProblem(
                field: "spec.containers[1]",
                reason: "is a second container, and side by side they need a pod; put the command into one script")
        }
        container = try reader.container(first, "spec.containers[0]")
        if let seconds = pod["activeDeadlineSeconds"]?.intValue, seconds > 0 { deadline = Double(seconds) }
    }
}

/// A field of a pod spec that the process executor cannot honour.
package struct PodProblem: Error, Hashable, CustomStringConvertible {
    /// E.g. `spec.containers[0].securityContext.privileged`.
    package var field: String
    package var reason: String

    package var description: String {
        "The job cannot run as a plain process: \(field) \(reason). Change the field, or send the job to a cluster "
            + "whose agents use Kubernetes."
    }
}

/// What requests of CPU and memory are compared with.
package struct Machine: Hashable, Sendable {
    package var processors: Int
    package var memory: Int64
    /// Go's name, as Kubernetes labels use it.
    package var architecture: String

    package init(processors: Int, memory: Int64, architecture: String) {
        self.processors = processors
        self.memory = memory
        self.architecture = architecture
    }
}

/// What may be said of a field.
enum PodRule {
    /// Read elsewhere.
    case used
    /// Carried, without effect here.
    case ignored
    /// Only these texts.
    case only([String])
    /// Only while it asks for nothing.
    case refused(String)
    case object([String: PodRule])
}

struct PodReader {
    let machine: Machine
    var volumes: Set<String> = []

    static let podRules: [String: PodRule] = [
        "containers": .used, "initContainers": .refused("asks for work before the job's own; do it in its command"),
        "volumes": .used, "activeDeadlineSeconds": .used,
        "nodeSelector": .used,
        "restartPolicy": .only(["Never", "OnFailure"]), "terminationGracePeriodSeconds": .ignored,
        "tolerations": .ignored, "affinity": .ignored, "topologySpreadConstraints": .ignored,
        "priorityClassName": .ignored, "schedulerName": .ignored, "imagePullSecrets": .ignored,
        "enableServiceLinks": .ignored, "dnsPolicy": .only(["Default", "ClusterFirst"]),
        "serviceAccountName": .only(["default"]), "serviceAccount": .only(["default"]),
        "automountServiceAccountToken": .refused("needs a Kubernetes service account"),
        "hostNetwork": .refused("asks for the node's network"), "hostPID": .refused("asks for the node's processes"),
        "hostIPC": .refused("asks for the node's shared memory"), "hostUsers": .ignored,
        "shareProcessNamespace": .ignored, "os": .object(["name": .only(["linux"])]),
        "securityContext": .object(securityRules),
    ]

    static let containerRules: [String: PodRule] = [
        "name": .used, "command": .used, "args": .used, "env": .used, "workingDir": .used, "resources": .used,
        "volumeMounts": .used, "image": .used, "imagePullPolicy": .ignored, "terminationMessagePath": .ignored,
        "terminationMessagePolicy": .ignored, "tty": .refused("asks for a terminal"),
        "stdin": .refused("asks for an attached input"),
        "ports": .refused("asks for ports of the pod's own; bind 127.0.0.1 and port 0 instead"),
        "envFrom": .refused("takes variables from Kubernetes objects"), "lifecycle": .refused("needs a pod"),
        "livenessProbe": .refused("needs a pod"), "readinessProbe": .refused("needs a pod"),
        "startupProbe": .refused("needs a pod"), "volumeDevices": .refused("asks for a block device"),
        "restartPolicy": .refused("asks for a side-car container"), "securityContext": .object(securityRules),
    ]

    static let securityRules: [String: PodRule] = [
        "privileged": .refused("asks for all rights over the machine"),
        "allowPrivilegeEscalation": .ignored, "runAsNonRoot": .ignored,
        "capabilities": .object(["add": .refused("asks for capabilities"), "drop": .ignored]),
        "seccompProfile": .object(["type": .only(["RuntimeDefault", "Unconfined"])]),
        "readOnlyRootFilesystem": .refused("asks for a read-only file system"),
        "supplementalGroups": .refused("asks for groups"),
    ]

    func object(_ value: JSONValue, _ field: String) throws(PodProblem) -> [String: JSONValue] {
        guard let members = value.objectValue else { throw PodProblem(field: field, reason: "is not an object") }
        return members
    }

    func array(_ value: JSONValue?, _ field: String) throws(PodProblem) -> [JSONValue] {
        guard let value, value != .null else { return [] }
        guard let items = value.arrayValue else { throw PodProblem(field: field, reason: "is not a list") }
        return items
    }

    func text(_ value: JSONValue?, _ field: String) throws(PodProblem) -> String? {
        guard let value, value != .null else { return nil }
        guard let text = value.stringValue else { throw PodProblem(field: field, reason: "is not a text") }
        guard !text.utf8.contains(0) else { throw PodProblem(field: field, reason: "holds a NUL character") }
        return text
    }

    func check(
        _ members: [String: JSONValue], at field: String, _ rules: [String: PodRule]
    ) throws(PodProblem) {
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where !value.asksForNothing {
            let field = "\(field).\(key)"
            switch rules[key] {
            case .used, .ignored: continue
            case .only(let allowed):
                guard let text = value.stringValue, allowed.contains(text) else {
                    throw PodProblem(
                        field: field,
                        reason: "is \(value.brief); only \(allowed.joined(separator: " or ")) can be given here")
                }
            case .refused(let reason): throw PodProblem(field: field, reason: reason)
            case .object(let rules): try check(try object(value, field), at: field, rules)
            case nil: throw PodProblem(field: field, reason: "is not something the process executor can give")
            }
        }
    }

    /// Labels every node has can be answered for this machine; others name a node this is not.
    func checkPlacement(_ value: JSONValue?) throws(PodProblem) {
        guard let value, !value.asksForNothing else { return }
        for (label, wanted) in (try object(value, "spec.nodeSelector")).sorted(by: { $0.key < $1.key }) {
            let has: String? =
                switch label {
                case "kubernetes.io/arch", "beta.kubernetes.io/arch": machine.architecture
                case "kubernetes.io/os", "beta.kubernetes.io/os": "linux"
                default: nil
                }
            guard wanted.stringValue == has else {
                throw PodProblem(
                    field: "spec.nodeSelector['\(label)']",
                    reason: "is \(wanted.brief); this machine \(has.map { "is '\($0)'" } ?? "has no such label")")
            }
        }
    }

    func readVolumes(_ value: JSONValue?) throws(PodProblem) -> Set<String> {
        var names: Set<String> = []
        for (index, item) in (try array(value, "spec.volumes")).enumerated() {
            let field = "spec.volumes[\(index)]"
            let members = try object(item, field)
            guard let name = try text(members["name"], "\(field).name"), isName(name) else {
                throw PodProblem(field: "\(field).name", reason: "is missing or no name (a-z, 0-9, -)")
            }
            for key in members.keys.sorted() where key != "name" && key != "emptyDir" {
                throw PodProblem(
                    field: "\(field).\(key)", reason: "is a volume from outside the run; only emptyDir can be given")
            }
            if let empty = members["emptyDir"], empty["medium"]?.asksForNothing == false {
                throw PodProblem(field: "\(field).emptyDir.medium", reason: "asks for a special medium")
            }
            names.insert(name)
        }
        return names
    }

    func container(_ value: JSONValue, _ field: String) throws(PodProblem) -> PodPlan.Container {
        let members = try object(value, field)
        try check(members, at: field, Self.containerRules)
        var command: [String] = []
        for key in ["command", "args"] {
            for (index, item) in (try array(members[key], "\(field).\(key)")).enumerated() {
                let itemField = "\(field).\(key)[\(index)]"
                guard let text = try text(item, itemField) else {
                    throw PodProblem(field: itemField, reason: "is not a text")
                }
                command.append(text)
            }
            if key == "command", command.isEmpty {
                throw PodProblem(
                    field: "\(field).command", reason: "is missing, and images are not pulled, so theirs is not known")
            }
        }
        try checkResources(members["resources"], "\(field).resources")
        return PodPlan.Container(
            name: try text(members["name"], "\(field).name") ?? "test", command: command,
            environment: try environment(members["env"], "\(field).env"),
            workingFolder: try text(members["workingDir"], "\(field).workingDir"),
            image: try text(members["image"], "\(field).image"),
            mounts: try mounts(members["volumeMounts"], "\(field).volumeMounts"))
    }

    private func environment(
        _ value: JSONValue?, _ field: String
    ) throws(PodProblem) -> [PodPlan.EnvironmentVariable] {
        var variables: [PodPlan.EnvironmentVariable] = []
        for (index, item) in (try array(value, field)).enumerated() {
            let field = "\(field)[\(index)]"
            let members = try object(item, field)
            guard let name = try text(members["name"], "\(field).name"), !name.isEmpty, !name.contains("=") else {
                throw PodProblem(field: "\(field).name", reason: "is missing or no variable's name")
            }
            if let source = members["valueFrom"], !source.asksForNothing {
                let kind = source.objectValue?.keys.sorted().first.map { ".\($0)" } ?? ""
                throw PodProblem(
                    field: "\(field).valueFrom\(kind)",
                    reason: "takes the value of \(name) from Kubernetes; write a value")
            }
            variables.append(
                .init(name: name, value: try text(members["value"], "\(field).value") ?? ""))
        }
        return variables
    }

    private func mounts(_ value: JSONValue?, _ field: String) throws(PodProblem) -> [PodPlan.Mount] {
        var mounts: [PodPlan.Mount] = []
        for (index, item) in (try array(value, field)).enumerated() {
            let field = "\(field)[\(index)]"
            let members = try object(item, field)
            for key in members.keys.sorted() where !["name", "mountPath"].contains(key) {
                guard members[key]?.asksForNothing == true else {
                    throw PodProblem(field: "\(field).\(key)", reason: "cannot be given to a mount here")
                }
            }
            guard let name = try text(members["name"], "\(field).name"), volumes.contains(name) else {
                throw PodProblem(field: "\(field).name", reason: "names no volume of this spec")
            }
            guard let path = try text(members["mountPath"], "\(field).mountPath"), path.hasPrefix("/") else {
                throw PodProblem(field: "\(field).mountPath", reason: "is not an absolute path")
            }
            mounts.append(.init(volume: name, path: path, field: "\(field).mountPath"))
        }
        return mounts
    }

    private func checkResources(_ value: JSONValue?, _ field: String) throws(PodProblem) {
        guard let value, value != .null else { return }
        for (kind, amounts) in (try object(value, field)).sorted(by: { $0.key < $1.key })
        where !amounts.asksForNothing {
            guard kind == "requests" || kind == "limits" else {
                throw PodProblem(field: "\(field).\(kind)", reason: "is not something the process executor can give")
            }
            for (name, amount) in (try object(amounts, "\(field).\(kind)")).sorted(by: { $0.key < $1.key }) {
                let field = "\(field).\(kind).\(name)"
                guard let quantity = Quantity(amount) else {
                    throw PodProblem(field: field, reason: "is \(amount.brief), no Kubernetes quantity")
                }
                switch name {
                case "cpu" where kind == "requests" && quantity.value > Double(machine.processors):
                    throw PodProblem(
                        field: field,
                        reason: "asks for \(amount.brief) processors; this machine has \(machine.processors)")
                case "memory" where kind == "requests" && quantity.value > Double(machine.memory):
                    throw PodProblem(
                        field: field, reason: "asks for \(amount.brief); this machine has \(machine.memory >> 20)Mi")
                case "cpu", "memory", "ephemeral-storage": continue
                default:
                    guard quantity.value > 0 else { continue }
                    throw PodProblem(field: field, reason: "is a resource that only a Kubernetes node can give")
                }
            }
        }
    }

    /// A DNS label, so safe as a folder's name.
    private func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
            }
    }
}

/// A Kubernetes quantity: `500m`, `2`, `1.5Gi`, `1e3`.
struct Quantity {
    let value: Double

    init?(_ json: JSONValue) {
        switch json {
        case .integer(let number): value = Double(number)
        case .number(let number): value = number
        case .string(let text):
            let digits = text.prefix { $0.isNumber || $0 == "." || $0 == "-" || $0 == "+" }
            let suffixes: [Substring: Double] = [
                "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "Ki": 1024, "Mi": 1_048_576,
                "Gi": 1_073_741_824, "Ti": 1_099_511_627_776, "Pi": 1_125_899_906_842_624,
            ]
            if let number = Double(digits), let factor = suffixes[text.dropFirst(digits.count)] {
                value = number * factor
            } else if let number = Double(text), number.isFinite {
                value = number
            } else {
                return nil
            }
        default: return nil
        }
    }
}

extension JSONValue {
    /// Absent, false, zero or empty: the same as not saying it.
    var asksForNothing: Bool {
        switch self {
        case .null, .bool(false), .integer(0): true
        case .string(let text): text.isEmpty
        case .array(let items): items.isEmpty
        case .object(let members): members.values.allSatisfy(\.asksForNothing)
        default: false
        }
    }

    /// For messages, cut to what fits one.
    var brief: String {
        switch self {
        case .string(let text): "'\(text.prefix(40))'"
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .bool(let value): String(value)
        case .null: "null"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
