import ArgumentParser
import RoomKit

struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "Print the reference of all settings (docs/settings.md).")

    func run() { print(SettingsReference.markdown, terminator: "") }
}
