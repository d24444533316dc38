// swift-tools-version: 6.2
import PackageDescription

// The floor plan of the house. Imports go down only: C → Core → Edges → Rooms → Shell, and a room never
// imports a room (Tests/HouseTests reads every import line and says so). docs/architecture.md explains why.

// MARK: Libraries from outside

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

// MARK: How each floor is built

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// A module map and a header over a library of the operating system.
func system(_ name: String, _ pkgConfig: String, apt: String, brew: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt]), .brew([brew])])
}

func core(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/Core/\(name)", resources: resources,
        swiftSettings: strict)
}

func edge(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/Edges/\(name)", resources: resources,
        swiftSettings: strict)
}

/// Every room stands on the whole Core; what it takes beyond that is written at its line.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]) -> Target {
    .target(
        name: name, dependencies: ["SlipwayModel", "Postgres", "Fleet", "Web", "RoomKit", logging] + dependencies,
        path: "Sources/Rooms/\(name)", resources: resources, swiftSettings: strict)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", exclude: exclude,
        resources: resources, swiftSettings: strict)
}

let migrations = Resource.embedInCode("Migrations")
let templates = Resource.embedInCode("Templates")
let assets = Resource.embedInCode("Assets")

let package = Package(
    name: "slipway",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "slipway", targets: ["slipway"]),
        // Preloaded by 'slipway bench faults' into an agent whose clock shall be wrong.
        .library(name: "slipway-clock", type: .dynamic, targets: ["CClock"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: C
        system("CLibpq", "libpq", apt: "libpq-dev", brew: "libpq"),
        system("CRabbitMQ", "librabbitmq", apt: "librabbitmq-dev", brew: "rabbitmq-c"),
        system("COpenSSL", "libcrypto", apt: "libssl-dev", brew: "openssl@3"),
        system("CExpat", "expat", apt: "libexpat1-dev", brew: "expat"),
        system("CZlib", "zlib", apt: "zlib1g-dev", brew: "zlib"),
        .target(name: "CRE2", path: "Sources/C/CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CLinux", path: "Sources/C/CLinux"),
        .target(name: "CClock", path: "Sources/C/CClock"),

        // MARK: Core
        core("SlipwayModel"),
        core("JSONCoding"),
        core("Signatures", ["COpenSSL"]),
        core("Patterns", ["CRE2"]),
        core("SocketLoop", ["CLinux"]),
        core("Postgres", ["CLibpq", "JSONCoding", "SocketLoop", logging]),
        core("AMQP", ["CRabbitMQ", "SocketLoop", logging]),
        core("Fleet", ["SlipwayModel", "JSONCoding", "Postgres", "AMQP", logging, lifecycle], resources: [migrations]),
        core(
            "Web",
            [
                "SlipwayModel", "Signatures", "Postgres", "CZlib", hummingbird, httpTypes, nio, mustache, logging,
                lifecycle,
            ],
            resources: [migrations, templates, assets]),
        core(
            "RoomKit",
            [
                "SlipwayModel", "Postgres", "AMQP", "Fleet", "Web", hummingbird, argumentParser, logging, lifecycle,
                unixSignals, yams,
            ]),

        // MARK: Edges
        edge("JobConfig", ["SlipwayModel", "Signatures", "Patterns", "CZlib", yams]),
        edge("Forge", ["SlipwayModel", "JSONCoding", "Signatures", asyncHTTPClient, nio, logging]),
        edge("Git", ["SlipwayModel", "Forge", subprocess]),
        edge(
            "LocalForge",
            [
                "SlipwayModel", "Signatures", "Forge", "Git", hummingbird, httpTypes, asyncHTTPClient, nio, subprocess,
                logging,
            ]),
        edge("ArtifactStore", ["SlipwayModel"]),
        edge("LocalServices", ["SocketLoop", subprocess], resources: [.embedInCode("Scripts")]),

        // MARK: Rooms
        room(
            "Triggers", ["Signatures", "Forge", "JobConfig", hummingbird, httpTypes, asyncHTTPClient, nio],
            resources: [migrations]),
        room(
            "Scheduling",
            ["Signatures", "Forge", "Git", "JobConfig", "Patterns", hummingbird, argumentParser, asyncHTTPClient, nio],
            resources: [migrations]),
        room(
            "Execution",
            ["AMQP", "ArtifactStore", "CLinux", "Signatures", "SocketLoop", argumentParser, lifecycle],
            resources: []),
        room(
            "Results", ["ArtifactStore", "JobConfig", "CExpat", hummingbird, yams],
            resources: [migrations, templates, assets]),
        room("Reporting", ["Forge", "JobConfig"], resources: [migrations]),
        room(
            "PullRequests", ["Forge", "Git", "JobConfig", "Patterns", "Signatures", hummingbird, argumentParser],
            resources: [migrations, templates]),
        room(
            "Merging", ["Signatures", "Forge", "Git", "JobConfig", "Patterns", hummingbird, argumentParser, httpTypes],
            resources: [migrations, templates, assets]),
        room(
            "Leases",
            [
                "JobConfig", "Signatures", hummingbird, nio, nioHTTP1, nioPosix, argumentParser, asyncHTTPClient,
                subprocess, lifecycle, unixSignals,
            ],
            resources: [migrations, templates]),

        // MARK: Shell
        .executableTarget(
            name: "slipway",
            dependencies: [
                "SlipwayModel", "Signatures", "SocketLoop", "Postgres", "AMQP", "Fleet", "Web", "RoomKit",
                "JobConfig", "Forge", "Git", "LocalForge", "ArtifactStore", "LocalServices",
                "Triggers", "Scheduling", "Execution", "Results", "Reporting", "PullRequests", "Merging",
                "Leases",
                "CLinux", hummingbird, argumentParser, logging, lifecycle, subprocess, asyncHTTPClient,
            ],
            path: "Sources/Shell/slipway", swiftSettings: strict),

        // MARK: Tests
        .target(
            name: "SlipwayTesting",
            dependencies: [
                "SlipwayModel", "SocketLoop", "Postgres", "AMQP", "Fleet", "RoomKit", "LocalServices", logging,
            ],
            path: "Tests/SlipwayTesting", swiftSettings: strict),
        .target(
            name: "ForgeTesting",
            dependencies: ["Forge", "LocalForge", "Signatures", "SlipwayModel", "SlipwayTesting", subprocess],
            path: "Tests/ForgeTesting", swiftSettings: strict),
        tests("House", ["RoomKit"]),
        tests("JSONCoding", ["JSONCoding", "SlipwayModel"]),
        tests("Model", ["SlipwayModel", "Signatures", "Patterns"]),
        tests("Postgres", ["Postgres", "SocketLoop", "LocalServices", "SlipwayTesting", logging]),
        tests("AMQP", ["AMQP", "LocalServices", "SlipwayTesting", subprocess, logging]),
        tests("Fleet", ["Fleet", "Postgres", "AMQP", "SlipwayModel", "SlipwayTesting"]),
        tests(
            "Web",
            ["Web", "Postgres", "SlipwayTesting", "CZlib", hummingbird, hummingbirdTesting, httpTypes, nio]),
        tests("JobConfig", ["JobConfig", "Patterns", "SlipwayModel", "CZlib"]),
        tests(
            "Forge",
            [
                "Forge", "Git", "LocalForge", "SlipwayModel", "Signatures", "SlipwayTesting", hummingbird,
                asyncHTTPClient,
                nio, logging,
                subprocess,
            ]),
        tests("ArtifactStore", ["ArtifactStore", "SlipwayModel"]),
        tests("LocalServices", ["LocalServices", subprocess]),
        tests(
            "Rooms",
            [
                "Triggers", "Scheduling", "Execution", "Results", "Reporting", "Merging", "PullRequests", "Leases",
                "SlipwayModel",
                "Postgres", "AMQP", "Fleet", "Web", "RoomKit", "JobConfig", "Forge", "Git", "LocalForge",
                "ArtifactStore",
                "Signatures",
                "SlipwayTesting", "ForgeTesting", hummingbird, hummingbirdTesting, asyncHTTPClient, httpTypes, nio,
                subprocess,
            ],
            exclude: ["Compatibility/Previous"]),
        tests(
            "PullRequests",
            [
                "PullRequests", "Triggers", "Scheduling", "Reporting", "Merging", "SlipwayModel", "Postgres", "AMQP",
                "Fleet", "Web", "RoomKit", "JobConfig", "Forge", "Git", "LocalForge", "Signatures", "Patterns",
                "SlipwayTesting", "ForgeTesting", hummingbird, hummingbirdTesting, httpTypes, nio, subprocess,
            ]),
        tests(
            "Merging",
            [
                "Merging", "Triggers", "PullRequests", "Scheduling", "Results", "Reporting", "ArtifactStore",
                "SlipwayModel", "Postgres", "AMQP",
                "Fleet", "Web", "RoomKit", "JobConfig", "Forge", "Git", "LocalForge", "Signatures", "SlipwayTesting",
                hummingbird, hummingbirdTesting, httpTypes, nio, subprocess,
            ]),
        tests(
            "Leases",
            [
                "Leases", "Scheduling", "JobConfig", "SlipwayModel", "Postgres", "Fleet", "Web", "RoomKit",
                "LocalServices", "SlipwayTesting", hummingbird, hummingbirdTesting, asyncHTTPClient, httpTypes, nio,
                nioHTTP1, logging,
            ]),
        tests("Shell", ["slipway", "JobConfig", "SlipwayModel", subprocess]),
        tests(
            "EndToEnd",
            [
                "SlipwayModel", "Postgres", "SlipwayTesting", "LocalServices", asyncHTTPClient, nio, logging,
                subprocess, yams,
            ]),
    ],
    cxxLanguageStandard: .cxx17
)
