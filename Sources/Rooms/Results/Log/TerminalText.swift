package import Web

/// A line as a terminal would show it: colours kept as classes, everything else a terminal obeys taken out, what a
/// carriage return overwrote left out. The text itself is escaped.
package struct TerminalText {
    private var foreground: Int?
    private var isBold = false
    private var isDim = false

    package init() {}

    /// Bytes of one line that are shown.
    static let maximumBytes = 4000

    /// Colours go on from one line to the next, as they do in a terminal.
    ///
    /// - Parameter omitted: bytes of the line that `line` lacks at its end.
    package mutating func render(_ line: some Collection<UInt8>, omitted: Int = 0) -> Markup {
        var markup: Markup = ""
        var run: [UInt8] = []
        let bytes = Array(line.prefix(Self.maximumBytes))
        var index = 0

        func flush(_ text: TerminalText) {
            guard !run.isEmpty else { return }
            let shown = Markup(escaping: String(decoding: run, as: UTF8.self))
            let classes = text.classes
            markup += classes.isEmpty ? shown : "<span class=\"\(classes)\">\(shown)</span>"
            run.removeAll(keepingCapacity: true)
        }

        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case 0x1B:
                flush(self)
                index = skipEscape(bytes, from: index)
            case 0x0D:
                // Progress bars rewrite their line; only the last state stays.
                if index + 1 < bytes.count {
                    run.removeAll()
                    markup = ""
                }
                index += 1
            case 0x08:
                if !run.isEmpty { run.removeLast() }
                index += 1
            case 0x09:
                run.append(byte)
                index += 1
            case 0x00..<0x20, 0x7F:
                index += 1
            default:
                run.append(byte)
                index += 1
            }
        }
        flush(self)
        let omitted = omitted + line.count - bytes.count
        if omitted > 0 { markup += "<span class=\"cut\"> … \(omitted) bytes more</span>" }
        return markup
    }

    private var classes: String {
        var names: [String] = []
        if let foreground { names.append("c\(foreground)") }
        if isBold { names.append("b") }
        if isDim { names.append("d") }
        return names.joined(separator: " ")
    }

    /// Reads the sequence that begins at ESC; answers where it ends. Only SGR (colours) has an effect.
    private mutating func skipEscape(_ bytes: [UInt8], from start: Int) -> Int {
        guard start + 1 < bytes.count else { return bytes.count }
        switch bytes[start + 1] {
        case UInt8(ascii: "["):
            var end = start + 2
            while end < bytes.count, !(0x40...0x7E).contains(bytes[end]) { end += 1 }
            if end < bytes.count, bytes[end] == UInt8(ascii: "m") { select(bytes[(start + 2)..<end]) }
            return min(end + 1, bytes.count)
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"):
            // A string for the terminal (a window's title, a link), ended by BEL or ESC \.
            var end = start + 2
            while end < bytes.count {
                if bytes[end] == 0x07 { return end + 1 }
                if bytes[end] == 0x1B { return min(end + 2, bytes.count) }
                end += 1
            }
            return bytes.count
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "#"):
            return min(start + 3, bytes.count)
        default:
            return start + 2
        }
    }

    /// Select Graphic Rendition (ECMA-48, 8.3.117): weights and the 16 colours; finer ones are left out.
    private mutating func select(_ parameters: ArraySlice<UInt8>) {
        var codes = String(decoding: parameters, as: UTF8.self)
            .split(omittingEmptySubsequences: false) { $0 == ";" || $0 == ":" }.map { Int($0) ?? 0 }[...]
        while let code = codes.popFirst() {
            switch code {
            case 0: (foreground, isBold, isDim) = (nil, false, false)
            case 1: isBold = true
            case 2: isDim = true
            case 22: (isBold, isDim) = (false, false)
            case 30...37: foreground = code - 30
            case 39: foreground = nil
            case 90...97: foreground = code - 90 + 8
            case 38, 48:
                let kind = codes.popFirst()
                let isForeground = code == 38
                if kind == 5, let colour = codes.popFirst(), isForeground {
                    foreground = colour < 16 ? colour : nil
                } else if kind == 2 {
                    codes = codes.dropFirst(3)
                    if isForeground { foreground = nil }
                }
            default: break
            }
        }
    }
}
