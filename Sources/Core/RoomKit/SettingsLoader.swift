import FoundationEssentials
import Yams

extension Settings {
    /// Reads a settings file where there is one, then the environment.
    ///
    /// - Parameter file: an explicit path must exist; without one, `slipway.yaml` in the working folder is read if it
    ///   is there.
    package static func load(file: String?, environment: [String: String]) throws -> Settings {
        var settings = Settings()
        let path = file ?? "slipway.yaml"
        if file != nil || FileManager.default.fileExists(atPath: path) {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw SettingsError("the settings file '\(path)' cannot be read; check the path and its permissions")
            }
            guard bytes.count <= 1_000_000 else { throw SettingsError("the settings file '\(path)' is over 1 MB") }
            try settings.apply(yaml: String(decoding: bytes, as: UTF8.self), from: path)
        }
        for definition in SettingDefinition.all {
            for variable in definition.variables {
                guard let value = environment[variable] else { continue }
                do {
                    try definition.apply(&settings, value)
                } catch let error as SettingsError {
                    throw SettingsError("environment variable \(variable): \(error)")
                }
            }
        }
        return settings
    }

    /// Applies a flag given on the command line.
    package mutating func set(_ key: String, _ value: String?) throws {
        guard let value else { return }
        guard let definition = SettingDefinition.all.first(where: { $0.key == key }) else {
            throw SettingsError("there is no setting '\(key)'")
        }
        try definition.apply(&self, value)
    }

    mutating func apply(yaml: String, from path: String) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw SettingsError("\(path): \(error)")
        }
        guard let root else { return }
        for (key, value, line) in try Self.flatten(root, prefix: "", path: path) {
            guard let definition = SettingDefinition.all.first(where: { $0.key == key }) else {
                throw SettingsError(
                    "\(path):\(line): there is no setting '\(key)'; docs/settings.md lists those there are")
            }
            do {
                try definition.apply(&self, value)
            } catch let error as SettingsError {
                throw SettingsError("\(path):\(line): \(error)")
            }
        }
    }

    /// `a: {b: x}` and `a.b: x` alike; a sequence becomes a list separated by commas.
    private static func flatten(_ node: Node, prefix: String, path: String) throws -> [(String, String, Int)] {
        let line = node.mark?.line ?? 0
        switch node {
        case .scalar(let scalar):
            return [(prefix, scalar.string, line)]
        case .sequence(let sequence):
            let items = try sequence.map { item in
                guard let text = item.scalar?.string else {
                    throw SettingsError("\(path):\(line): '\(prefix)' takes a list of plain values")
                }
                return text
            }
            return [(prefix, items.joined(separator: ","), line)]
        case .mapping(let mapping):
            return try mapping.flatMap { key, value in
                guard let name = key.scalar?.string else {
                    throw SettingsError("\(path):\(line): a key below '\(prefix)' is not a plain word")
                }
                return try flatten(value, prefix: prefix.isEmpty ? name : "\(prefix).\(name)", path: path)
            }
        case .alias:
            throw SettingsError("\(path):\(line): aliases are not read in settings; write the value out")
        }
    }
}
