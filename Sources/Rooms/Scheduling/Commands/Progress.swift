#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Overwrites one line of a terminal; says nothing where nobody sees it.
func showProgress(_ line: String) {
    guard isatty(2) == 1 else { return }
    writeToStandardError("\r\u{1B}[K\(line)")
}

func finishProgress() {
    guard isatty(2) == 1 else { return }
    writeToStandardError("\r\u{1B}[K")
}

func printToStandardError(_ line: String) { writeToStandardError(line + "\n") }

private func writeToStandardError(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
        guard written > 0 else { return }
        rest = rest.dropFirst(written)
    }
}
