import NIOCore
import NIOHTTP1

/// One client's connection: reads a request whole, has it answered, and reads the next one.
///
/// Calls of this interface come by the ten thousand a second from clients that do little else, so each goes from its
/// connection's thread straight into the desk's next transaction, without a task of its own.
final class BoskosConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let face: BoskosFace
    private let line: BoskosLine
    /// Takes what cannot be done at once.
    private let work: @Sendable (@escaping @Sendable () async -> Void) -> Void
    private var head: HTTPRequestHead?
    private var body: ByteBuffer?

    init(
        _ face: BoskosFace, _ line: BoskosLine, work: @escaping @Sendable (@escaping @Sendable () async -> Void) -> Void
    ) {
        self.face = face
        self.line = line
        self.work = work
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ByteBuffer()
        case .body(var part):
            guard let length = body?.readableBytes, length + part.readableBytes <= BoskosRequest.longestBody else {
                body = nil
                return
            }
            body?.writeBuffer(&part)
        case .end:
            guard let head else { return }
            self.head = nil
            take(BoskosRequest(head, body: body), head, context)
        }
    }

    private func take(_ request: BoskosRequest, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let promise: EventLoopPromise<BoskosAnswer>
        switch face.step(request) {
        case .answer(let answer): return write(answer, to: head, context)
        case .desk(let call, let answer):
            promise = context.eventLoop.makePromise()
            line.stand(BoskosLine.Place(call: call, answer: answer, promise: promise))
        case .work(let step):
            promise = context.eventLoop.makePromise()
            work { [face, promise] in
                do {
                    promise.succeed(try await step())
                } catch {
                    promise.succeed(face.answer(to: error))
                }
            }
        }
        promise.futureResult.assumeIsolated().whenSuccess { self.write($0, to: head, context) }
    }

    private func write(_ answer: BoskosAnswer, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var head = HTTPResponseHead(version: request.version, status: answer.status, headers: answer.headers)
        head.headers.add(name: "content-length", value: String(answer.body.utf8.count))
        head.headers.add(name: "date", value: HTTPDate.now)
        if !request.isKeepAlive {
            head.headers.add(name: "connection", value: "close")
        } else if request.version == .http1_0 {
            head.headers.add(name: "connection", value: "keep-alive")
        }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !answer.body.isEmpty, request.method != .HEAD {
            context.write(
                wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(string: answer.body)))), promise: nil
            )
        }
        let done = request.isKeepAlive ? nil : context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
        done?.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent, head == nil {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
