import FoundationEssentials
import Glibc
import Subprocess

/// Where Debian's packages put the services' programs.
enum Installation {
    static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The folder of PostgreSQL's server programs and its major version.
    /// - Parameter version: the version the data were written by; the newest one when nil.
    static func postgreSQL(version: String?, folder: String) throws(ServiceError) -> String {
        let root = "/usr/lib/postgresql"
        let versions = entries(of: root).filter { access("\(root)/\($0)/bin/postgres", X_OK) == 0 }
        guard let newest = versions.max(by: { (Double($0) ?? 0) < (Double($1) ?? 0) }) else {
            throw .notInstalled(.postgreSQL, missing: "\(root)/*/bin/postgres", package: "postgresql")
        }
        if let version, !versions.contains(version) { throw .foreignData(folder: folder, version: version) }
        return "\(root)/\(version ?? newest)/bin"
    }

    /// The script in the server's own folder. The one on PATH insists on RabbitMQ's user and its system folders.
    static func rabbitMQServer() throws(ServiceError) -> String {
        let root = "/usr/lib/rabbitmq/lib"
        let scripts = entries(of: root).filter { $0.hasPrefix("rabbitmq_server-") }.sorted()
            .map { "\(root)/\($0)/sbin/rabbitmq-server" }
        guard let script = scripts.last(where: { access($0, X_OK) == 0 }) else {
            throw .notInstalled(
                .rabbitMQ, missing: "\(root)/rabbitmq_server-*/sbin/rabbitmq-server", package: "rabbitmq-server")
        }
        return script
    }

    static func portMapper() throws(ServiceError) -> String {
        for folder in searchPath.split(separator: ":") where access("\(folder)/epmd", X_OK) == 0 {
            return "\(folder)/epmd"
        }
        throw .notInstalled(.rabbitMQ, missing: "epmd", package: "erlang-base")
    }

    private static func entries(of folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }
}

/// Makes a folder and the folders above it; the mode is for the last one when it is new.
func makeFolder(_ path: String, mode: mode_t) throws(ServiceError) {
    if access(path, F_OK) == 0 { return }
    do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
        throw .unusableFolder(path, reason: "it cannot be created (\(String(cString: strerror(errno))))")
    }
    chmod(path, mode)
}

/// The last bytes of a text file, empty when there is none.
func readTail(_ path: String, bytes: Int) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    var buffer = [UInt8](repeating: 0, count: min(bytes, max(size, 0)))
    let count = pread(descriptor, &buffer, buffer.count, off_t(max(0, size - bytes)))
    return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
}

/// Runs a program to its end.
/// - Returns: nil when it succeeded, otherwise the end of what it printed.
func failure(of command: [String], input: String = "") async -> String? {
    do {
        let result = try await run(
            .name(command[0]), arguments: Arguments(Array(command.dropFirst())),
            environment: .custom(["PATH": Installation.searchPath, "LANG": "C.UTF-8"]),
            input: .string(input), output: .string(limit: 1 << 20), error: .combinedWithOutput)
        if result.terminationStatus.isSuccess { return nil }
        return "“\(command.joined(separator: " "))” ended with \(result.terminationStatus): "
            + result.standardOutput.suffix(1_500)
    } catch {
        return "“\(command[0])” could not run: \(error)"
    }
}
