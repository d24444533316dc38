import Foundation
import Testing

/// The rules between floors and rooms, read off the import lines.
@Suite struct FloorPlanTests {
    private static let floors = ["C", "Core", "Edges", "Rooms", "Shell"]

    /// A target with the file that imports it.
    struct Import: CustomTestStringConvertible, Sendable {
        var file: String
        var floor: String
        var room: String
        var imported: String
        var testDescription: String { "\(file): import \(imported)" }
    }

    /// The floor of each target of ours.
    private static let floorOf: [String: String] = {
        var floorOf: [String: String] = [:]
        for floor in floors {
            for target in Checkout.folders(in: "Sources/\(floor)") { floorOf[target] = floor }
        }
        return floorOf
    }()

    private static let imports: [Import] = {
        var imports: [Import] = []
        for file in Checkout.files(below: "Sources", suffix: ".swift") {
            let parts = file.split(separator: "/")
            guard parts.count > 3 else { continue }
            for line in Checkout.text(of: file).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let keyword = words.firstIndex(of: "import"), keyword <= 2, words.count > keyword + 1 else {
                    continue
                }
                let module = words[keyword + 1].split(separator: ".")[0]
                guard floorOf[String(module)] != nil else { continue }
                imports.append(
                    Import(file: file, floor: String(parts[1]), room: String(parts[2]), imported: String(module)))
            }
        }
        return imports
    }()

    @Test func theHouseHasItsFloors() {
        #expect(Self.floors.allSatisfy { !Checkout.folders(in: "Sources/\($0)").isEmpty })
        #expect(Self.imports.count > 200, "the import lines were not found: the rules below would check nothing")
    }

    @Test func importsGoDownOnly() throws {
        for line in Self.imports {
            let here = try #require(Self.floors.firstIndex(of: line.floor))
            let there = try #require(Self.floorOf[line.imported].flatMap { Self.floors.firstIndex(of: $0) })
            #expect(there <= here, "\(line.file) imports \(line.imported), which stands above it")
        }
    }

    @Test func aRoomImportsNoRoom() {
        for line in Self.imports where line.floor == "Rooms" && line.imported != line.room {
            #expect(
                Self.floorOf[line.imported] != "Rooms",
                """
                \(line.file) imports the room \(line.imported): rooms meet by events, SQL views, or a protocol that \
                the shell wires
                """)
        }
    }

    /// A room's tables are written by it alone; what others read are views that end in a version.
    @Test func aRoomReadsOtherRoomsByTheirViews() throws {
        let rooms = Checkout.folders(in: "Sources/Rooms")
        let schemas = Set(rooms.map { $0.lowercased() })
        for room in rooms {
            for file in Checkout.files(below: "Sources/Rooms/\(room)", suffix: ".swift") {
                for match in Checkout.text(of: file).matches(of: /(?:from|join|into|update)\s+([a-z]+)\.([a-z_0-9]+)/) {
                    let (schema, table) = (String(match.1), match.2)
                    guard schemas.contains(schema), schema != room.lowercased() else { continue }
                    #expect(
                        table.contains(/_v[0-9]+$/),
                        "\(file) reads \(schema).\(table); other rooms' rows are read by their versioned views")
                }
            }
        }
    }

    @Test func filesLieNoDeeperThanADrawer() {
        for file in Checkout.files(below: "Sources", suffix: ".swift") {
            #expect(
                file.split(separator: "/").count <= 5,
                "\(file): Floor/Room/Drawer/File.swift is the deepest")
        }
    }
}
