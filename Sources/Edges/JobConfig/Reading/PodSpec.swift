import SlipwayModel

/// The few parts of a pod's spec that configuration looks into; everything else is carried as it stands.
struct PodSpec {
    private(set) var members: [String: JSONValue]

    init?(_ spec: JSONValue) {
        guard case .object(let members) = spec else { return nil }
        self.members = members
    }

    var json: JSONValue { .object(members) }

    var containers: [JSONValue]? { members["containers"]?.arrayValue }

    /// Numbers and truth values become text where Kubernetes takes nothing else, as they do in Prow.
    mutating func writeTexts() {
        eachContainer { container in
            for key in ["command", "args"] {
                guard case .array(let items)? = container[key], items.contains(where: { $0.stringValue == nil })
                else { continue }
                container[key] = .array(items.map(PodSpec.text))
            }
            guard case .array(let env)? = container["env"],
                env.contains(where: { $0["value"] != nil && $0["value"]?.stringValue == nil })
            else { return }
            container["env"] = .array(
                env.map { entry in
                    guard case .object(var fields) = entry, let value = fields["value"] else { return entry }
                    fields["value"] = PodSpec.text(value)
                    return .object(fields)
                })
        }
    }

    private static func text(_ value: JSONValue) -> JSONValue {
        switch value {
        case .bool(let value): .string(value ? "true" : "false")
        case .integer(let value): .string(String(value))
        case .number(let value): .string(Int64(exactly: value).map(String.init) ?? String(value))
        case .null: .string("")
        default: value
        }
    }

    /// Why the preset cannot be added: something of that name is there already. Adds nothing then.
    mutating func add(_ preset: Preset) -> String? {
        let before = members
        var clash: String?
        func join(_ additions: [JSONValue], to list: JSONValue?, _ noun: String) -> JSONValue? {
            guard !additions.isEmpty else { return list }
            var items = list?.arrayValue ?? []
            var names = Set(items.compactMap { $0["name"]?.stringValue })
            for addition in additions {
                if let name = addition["name"]?.stringValue, !names.insert(name).inserted {
                    clash = "the \(noun) '\(name)'"
                }
                items.append(addition)
            }
            return .array(items)
        }
        members["volumes"] = join(preset.volumes, to: members["volumes"], "volume")
        if !preset.tolerations.isEmpty {
            var tolerations = members["tolerations"]?.arrayValue ?? []
            for toleration in preset.tolerations {
                if tolerations.contains(toleration) {
                    clash = "the toleration '\(toleration["key"]?.stringValue ?? "")'"
                }
                tolerations.append(toleration)
            }
            members["tolerations"] = .array(tolerations)
        }
        eachContainer { container in
            container["env"] = join(preset.env, to: container["env"], "variable")
            container["volumeMounts"] = join(preset.volumeMounts, to: container["volumeMounts"], "volume mount")
        }
        if clash != nil { members = before }
        return clash
    }

    private mutating func eachContainer(_ change: (inout [String: JSONValue]) -> Void) {
        guard let containers else { return }
        members["containers"] = .array(
            containers.map { container in
                guard case .object(var fields) = container else { return container }
                change(&fields)
                return .object(fields)
            })
    }
}
