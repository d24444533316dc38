import Foundation
import SlipwayModel
import SlipwayTesting
import Testing

/// A page of a browser, used as a person would: looked at, clicked, typed into.
struct BrowserPage: Sendable {
    private let tools: DevTools
    private let session: String

    /// Opens an empty page.
    init(_ tools: DevTools) async throws {
        self.tools = tools
        let target = try await tools.call("Target.createTarget", ["url": .string("about:blank")])
        let attached = try await tools.call(
            "Target.attachToTarget", ["targetId": target["targetId"] ?? .null, "flatten": .bool(true)])
        session = try #require(attached["sessionId"]?.stringValue)
        for domain in ["Page", "Runtime", "Log", "Network"] { try await call("\(domain).enable") }
    }

    @discardableResult
    private func call(_ method: String, _ parameters: [String: JSONValue] = [:]) async throws -> JSONValue {
        try await tools.call(method, parameters, session: session)
    }

    // MARK: Looking

    /// What an expression of JavaScript gives.
    func evaluate(_ script: String) async throws -> JSONValue {
        let answer = try await call(
            "Runtime.evaluate",
            ["expression": .string(script), "returnByValue": .bool(true), "awaitPromise": .bool(true)])
        if let failure = answer["exceptionDetails"] {
            throw DevTools.Failure(
                description: failure["exception"]?["description"]?.stringValue ?? "'\(script)' failed")
        }
        return answer["result"]?["value"] ?? .null
    }

    func text(_ script: String) async throws -> String { try await evaluate(script).stringValue ?? "" }

    func isTrue(_ script: String) async throws -> Bool { try await evaluate(script) == .bool(true) }

    var path: String { get async throws { try await text("location.pathname") } }

    /// Nothing that the page loaded, ran or was refused has gone wrong since the last look.
    func expectNoProblems(_ place: String, sourceLocation: SourceLocation = #_sourceLocation) async {
        let problems = await tools.takeProblems()
        #expect(problems.isEmpty, "\(place): \(problems)", sourceLocation: sourceLocation)
    }

    // MARK: Going

    func open(_ url: String) async throws {
        try await loading { try await call("Page.navigate", ["url": .string(url)]) }
    }

    func back() async throws { try await loading { try await evaluate("history.back()") } }

    /// Runs a script that leads to another page.
    func follow(script: String) async throws { try await loading { try await evaluate(script) } }

    /// Forgets what went wrong: the next page is not ours, or is meant to refuse.
    func forgiveProblems() async { _ = await tools.takeProblems() }

    /// Until another document than the present one is there and complete. It is asked, not listened to: a document that
    /// comes back out of the browser's own store fires no event of loading, and an event may belong to a document that a
    /// script has left again.
    private func loading(_ act: () async throws -> JSONValue) async throws {
        let mark = await tools.nextMark()
        _ = try await evaluate("window.markOfTheTest = \(mark)")
        _ = try await act()
        try await wait(
            for: "the next page has loaded",
            "window.markOfTheTest !== \(mark) && document.readyState === 'complete' && location.href !== 'about:blank'")
    }

    /// Until the page answers so; while it changes into another one it answers nothing.
    func wait(for what: String, _ script: String) async throws {
        try await eventually(what, within: Chromium.patience) { (try? await isTrue(script)) ?? false }
    }

    // MARK: Doing

    /// Clicks in the middle of the first element that the selector finds.
    func click(_ selector: String) async throws {
        let place = try await evaluate(
            """
            (() => {
              const element = document.querySelector(\(literal(selector)));
              if (!element) return null;
              element.scrollIntoView({ block: "center", behavior: "instant" });
              const box = element.getClientRects()[0];
              return { x: Math.round(box.x + box.width / 2), y: Math.round(box.y + box.height / 2) };
            })()
            """)
        guard let x = place["x"], let y = place["y"] else {
            throw DevTools.Failure(description: "there is no \(selector) on \(try await path)")
        }
        for kind in ["mousePressed", "mouseReleased"] {
            try await call(
                "Input.dispatchMouseEvent",
                ["type": .string(kind), "x": x, "y": y, "button": .string("left"), "clickCount": .integer(1)])
        }
    }

    /// Clicks what leads to another page.
    func follow(_ selector: String) async throws {
        try await loading {
            try await click(selector)
            return .null
        }
    }

    /// Presses a key: a character, or `Enter`, `Escape`, `ArrowDown`.
    func press(_ key: String) async throws {
        let codes: [String: Int64] = ["Enter": 13, "Escape": 27, "ArrowDown": 40]
        var down: [String: JSONValue] = ["type": .string("keyDown"), "key": .string(key)]
        if let code = codes[key] {
            down["windowsVirtualKeyCode"] = .integer(code)
            if key == "Enter" { down["text"] = .string("\r") }
        } else {
            down["text"] = .string(key)
        }
        try await call("Input.dispatchKeyEvent", down)
        try await call("Input.dispatchKeyEvent", ["type": .string("keyUp"), "key": .string(key)])
    }

    /// Presses a key that leads to another page.
    func followKey(_ key: String) async throws {
        try await loading {
            try await press(key)
            return .null
        }
    }

    func type(_ text: String) async throws { try await call("Input.insertText", ["text": .string(text)]) }

    // MARK: Pretending

    /// A phone held upright.
    func becomePhone() async throws {
        try await call(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(390), "height": .integer(844), "deviceScaleFactor": .integer(2),
                "mobile": .bool(true),
            ])
    }

    /// - Parameter scheme: `light` or `dark`.
    func prefer(_ scheme: String) async throws {
        try await call(
            "Emulation.setEmulatedMedia",
            ["features": .array([.object(["name": .string("prefers-color-scheme"), "value": .string(scheme)])])])
    }

    private func literal(_ text: String) -> String {
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "''"
    }
}
