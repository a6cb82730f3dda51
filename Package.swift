// swift-tools-version: 6.2
import PackageDescription

// The house (docs/ARCHITECTURE.md): a room imports only rooms below it. Tests/TidyTests holds the
// table; this file and every `import` line are checked against it.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// The programs carry their Swift runtime: a provider's machine has none, and the sandbox shows the
// worker /usr alone. Test bundles stay dynamic, and one release build serves both.
// Foundation's static parts are named here because the rooms are compiled for the dynamic runtime too.
let standalone: [LinkerSetting] = [
    .unsafeFlags(["-static-stdlib"]),
    .linkedLibrary("Foundation"), .linkedLibrary("FoundationInternationalization"),
    .linkedLibrary("FoundationEssentials"), .linkedLibrary("CoreFoundation"),
    .linkedLibrary("_FoundationICU"), .linkedLibrary("_FoundationCollections"),
    .linkedLibrary("_FoundationCShims"), .linkedLibrary("swiftSynchronization"),
]

let collections = Target.Dependency.product(
    name: "OrderedCollections", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle: [Target.Dependency] = [
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    .product(name: "UnixSignals", package: "swift-service-lifecycle"),
]

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A driver whose tests look inside, in the one release build too.
func testable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies,
        swiftSettings: strict + [.unsafeFlags(["-enable-testing"])])
}

func door(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: standalone)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
    name: "starling",
    products: [
        .executable(name: "starlingd", targets: ["starlingd"]),
        .executable(name: "starling", targets: ["starling"]),
        .executable(name: "starling-worker", targets: ["starling-worker"]),
        .executable(name: "starling-sim", targets: ["starling-sim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // C libraries, one importer each.
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(
            name: "COpenCL", pkgConfig: "OpenCL", providers: [.apt(["ocl-icd-opencl-dev"])]),

        // Vocabulary.
        room("Primitives", ["CSodium"]),

        // Cores.
        room("Ledger", ["Primitives", collections]),
        room("Kernels", ["Primitives", collections]),
        room("Economy", ["Primitives", "Ledger", "Kernels", collections]),
        room("Consensus", ["Primitives", collections]),
        room("Gossip", ["Primitives", collections]),
        room("Provider", ["Primitives", "Kernels", collections]),
        room("Chain", ["Primitives", "Ledger", "Economy", collections, deque]),

        // Composition.
        room("Node", ["Primitives", "Chain", "Provider", "Gossip", "Consensus", collections]),

        // Drivers.
        room("Store", ["Primitives", "Ledger", "CLMDB", collections]),
        testable("Executor", ["Primitives", "Kernels", logging]),
        room("Devices", ["Primitives", "Kernels", "COpenCL"]),
        testable("Transport", ["Primitives", "Gossip", logging] + nio),
        testable("Control", ["Primitives", "Kernels", logging] + nio),
        room(
            "Simulation",
            [
                "Primitives", "Ledger", "Kernels", "Economy", "Consensus", "Gossip", "Provider",
                "Chain", "Node", collections,
            ]),

        // Doors.
        door(
            "starlingd",
            [
                "Primitives", "Ledger", "Kernels", "Economy", "Consensus", "Gossip", "Provider",
                "Chain", "Node", "Store", "Executor", "Transport", "Control", arguments, logging,
                .product(name: "TOMLKit", package: "TOMLKit"),
            ] + lifecycle),
        door(
            "starling",
            [
                "Primitives", "Kernels", "Control", arguments,
                .product(name: "TOMLKit", package: "TOMLKit"),
            ]),
        door("starling-worker", ["Primitives", "Kernels", "Devices"]),
        door("starling-sim", ["Primitives", "Simulation", arguments]),
        // A worker that cheats, for test networks.
        .executableTarget(
            name: "starling-liar", dependencies: ["Devices"], path: "testnet/liar",
            swiftSettings: strict, linkerSettings: standalone),

        .executableTarget(
            name: "starling-bench",
            dependencies: ["Primitives", "Ledger", "Economy", "Chain", "Store", arguments],
            path: "Benchmarks", swiftSettings: strict, linkerSettings: standalone),

        // Proof.
        tests("TidyTests", []),
        tests("PrimitivesTests", ["Primitives"]),
        tests("LedgerTests", ["Primitives", "Ledger"]),
        tests("KernelsTests", ["Primitives", "Kernels"]),
        tests("EconomyTests", ["Primitives", "Ledger", "Kernels", "Economy"]),
        tests("ConsensusTests", ["Primitives", "Consensus"]),
        tests("ChainTests", ["Primitives", "Ledger", "Kernels", "Economy", "Chain"]),
        tests("GossipTests", ["Primitives", "Gossip"]),
        tests("TransportTests", ["Primitives", "Gossip", "Transport", logging] + nio),
        tests("SimulationTests", ["Primitives", "Simulation"]),
        tests("ProviderTests", ["Primitives", "Kernels", "Provider"]),
        tests("StoreTests", ["Primitives", "Ledger", "Store"]),
        tests("ExecutorTests", ["Primitives", "Kernels", "Executor"]),
        tests("ControlTests", ["Primitives", "Control"]),
        tests("EndToEndTests", ["Primitives", "Control"]),
    ]
)
