/// The page `docs/settings.md`, made from the definitions so that it cannot drift from them.
package enum SettingsReference {
    package static var markdown: String {
        """
        # Settings

        Addresses, secrets and capacities. `slipway.yaml` (or the file given with `--config`) is read first, then the
        environment, then flags: what comes later wins. A key is written nested or dotted (`gateway: {port: 8080}` or
        `gateway.port: 8080`). An unknown key is an error that names its line. Secrets print as `redacted`; each may be
        `file:/path`, which reads it from that file.

        What CI does (jobs, presets) is not here: see `slipway config --help`.

        | key | environment | default | meaning |
        |---|---|---|---|
        \(SettingDefinition.all.map(row).joined(separator: "\n"))

        """
    }

    private static func row(_ definition: SettingDefinition) -> String {
        let variables = definition.variables.map { "`\($0)`" }.joined(separator: ", ")
        return "| `\(definition.key)` | \(variables) | \(definition.defaultText ?? "") | \(definition.summary) |"
    }
}
