import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Boskos's API at the root of a listener of its own, since its Go client discards the path of the address it is given.
package struct BoskosListener: Service {
    private let face: BoskosFace
    private let host: String
    private let port: Int
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// A connection that has said nothing for so long is closed.
    private static let idle = TimeAmount.seconds(120)

    init(
        _ face: BoskosFace, host: String, port: Int, logger: Logger, onListening: @escaping @Sendable (Int) -> Void
    ) {
        self.face = face
        self.host = host
        self.port = port
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let line = BoskosLine(face)
        let (work, feed) = AsyncStream.makeStream(of: (@Sendable () async -> Void).self)
        let connections = OpenChannels()
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [face] channel in
                connections.add(channel)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(IdleStateHandler(allTimeout: Self.idle))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        // Its own headers alone are written.
                        withOutboundHeaderValidation: false)
                    try channel.pipeline.syncOperations.addHandler(
                        BoskosConnection(face, line) { feed.yield($0) })
                }
            }
            .bind(host: host, port: port).get()
        logger.info("Boskos's interface listens on \(server.localAddress?.description ?? "\(host):\(port)")")
        onListening(server.localAddress?.port ?? port)
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await line.serve() }
                for await item in work { group.addTask(operation: item) }
                group.cancelAll()
            }
        } onCancelOrGracefulShutdown: {
            server.close(promise: nil)
            // Each has its answer first.
            connections.finish().whenComplete { _ in feed.finish() }
        }
    }
}

/// The channels of a listener, to be ended together.
private final class OpenChannels: Sendable {
    private let channels = Mutex<(open: [ObjectIdentifier: any Channel], isFinished: Bool)>(([:], false))

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isLate = channels.withLock { channels in
            channels.open[id] = channel
            return channels.isFinished
        }
        channel.closeFuture.whenComplete { [weak self] _ in self?.channels.withLock { $0.open[id] = nil } }
        if isLate { channel.close(promise: nil) }
    }

    /// Ends each as soon as nothing is under way in it.
    ///
    /// - Returns: completed when all have ended.
    func finish() -> EventLoopFuture<Void> {
        let open = channels.withLock { channels in
            channels.isFinished = true
            return Array(channels.open.values)
        }
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        return .andAllComplete(
            open.map(\.closeFuture), on: MultiThreadedEventLoopGroup.singleton.any())
    }
}

/// The time as HTTP writes it (RFC 9110, 5.6.7), put into words once a second.
enum HTTPDate {
    private static let last = Mutex<(second: time_t, text: String)>((0, ""))

    static var now: String {
        let second = time(nil)
        return last.withLock { last in
            if last.second != second { last = (second, text(second)) }
            return last.text
        }
    }

    static func text(_ second: time_t) -> String {
        var second = second
        var parts = tm()
        gmtime_r(&second, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let count = strftime(buffer.baseAddress, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            return String(decoding: buffer[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
