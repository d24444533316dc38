import CLinux
import Glibc

/// A process to start. Its user, limits and descriptors are set between fork and exec, which Swift's own process APIs
/// cannot do; hence `clinux_spawn`.
struct Spawn {
    /// The program and its arguments; without a slash, the program is looked up in `searchPath`.
    var command: [String]
    var environment: [String: String]
    var searchPath: String
    var folder: String
    /// Become 0, 1, 2 … of the process.
    var descriptors: [Int32]
    /// A user and group id of its own.
    var user: UInt32?
    /// Bytes a single file may have; 0 = unlimited.
    var fileSizeLimit: UInt64 = 0
    /// Processes of `user`; 0 = unlimited.
    var processLimit: UInt64 = 0
    var diesWithThread = false
    /// A job is sacrificed before its agent when memory runs out.
    var isJob = true

    /// Starts it.
    func start() throws(SpawnError) -> pid_t {
        guard let program = command.first, !program.isEmpty else {
            throw SpawnError(command: "", folder: folder, step: "exec", code: ENOENT)
        }
        let candidates =
            program.utf8.contains(UInt8(ascii: "/"))
            ? [program] : searchPath.split(separator: ":").map { "\($0)/\(program)" }
        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        var step: UnsafePointer<CChar>?
        var process: pid_t = -1
        var code: Int32 = 0
        withCStrings(candidates) { candidates in
            withCStrings(command) { arguments in
                withCStrings(variables) { variables in
                    folder.withCString { folder in
                        descriptors.withUnsafeBufferPointer { descriptors in
                            candidates.withMemoryRebound(to: UnsafePointer<CChar>?.self) { candidates in
                                var options = clinux_spawn_options()
                                options.candidates = UnsafePointer(candidates.baseAddress)
                                options.arguments = UnsafePointer(arguments.baseAddress)
                                options.environment = UnsafePointer(variables.baseAddress)
                                options.directory = folder
                                options.descriptors = descriptors.baseAddress
                                options.descriptor_count = Int32(descriptors.count)
                                options.new_session = true
                                options.change_user = user != nil
                                options.user = user ?? 0
                                options.group = user ?? 0
                                options.death_signal = diesWithThread ? SIGKILL : 0
                                options.no_new_privileges = isJob
                                options.mask = 0o022
                                options.file_size_limit = fileSizeLimit
                                options.process_limit = user == nil ? 0 : processLimit
                                options.oom_score = isJob ? 500 : 0
                                process = clinux_spawn(&options, &step)
                                code = errno
                            }
                        }
                    }
                }
            }
        }
        guard process >= 0 else {
            throw SpawnError(
                command: program, folder: folder, step: step.map { String(cString: $0) } ?? "", code: code)
        }
        return process
    }
}

/// Why a process was not started.
struct SpawnError: Error, CustomStringConvertible {
    let command: String
    let folder: String
    /// What failed between fork and exec.
    let step: String
    let code: Int32

    var description: String {
        let words = String(cString: strerror(code))
        return switch (step, code) {
        case ("exec", ENOENT): "'\(command)' was not found; give its path, or install it on the agent's machine"
        case ("exec", EACCES): "'\(command)' may not be executed; is its executable bit set?"
        case ("exec", ENOEXEC): "'\(command)' is no program and has no '#!' line"
        case ("exec", E2BIG): "the arguments and variables of '\(command)' are too long for the system"
        case ("directory", _): "the folder '\(folder)' cannot be entered: \(words)"
        default: "'\(command)' could not be started (\(step)): \(words)"
        }
    }
}

/// Passes texts as an array of C strings that ends with a null pointer.
private func withCStrings(_ texts: [String], _ body: (UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>) -> Void)
{
    var pointers = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    pointers.withUnsafeMutableBufferPointer { body($0) }
}
