import FoundationEssentials
import Glibc
import Subprocess

/// A volume of its own, in memory and small enough to be filled. Where none can be mounted, a plain folder.
struct SmallVolume: Sendable {
    let folder: String
    private let isMounted: Bool

    /// Mounts it for the length of `body`.
    static func run<Result>(
        at folder: String, megabytes: Int, _ body: (SmallVolume) async throws -> Result
    ) async throws -> Result {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let mounted = try? await Subprocess.run(
            .name("mount"), arguments: ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=755", "slipway", folder],
            output: .discarded, error: .discarded)
        let volume = SmallVolume(folder: folder, isMounted: mounted?.terminationStatus.isSuccess == true)
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(volume))
        } catch {
            outcome = .failure(error)
        }
        if volume.isMounted {
            _ = try? await Subprocess.run(
                .name("umount"), arguments: ["--lazy", folder], output: .discarded, error: .discarded)
        }
        try? FileManager.default.removeItem(atPath: folder)
        return try outcome.get()
    }

    /// Leaves no room on it for a while.
    func fill(for length: Duration) async throws {
        guard isMounted else {
            throw MeasuredFleetError("\(folder) is no volume of its own: that takes the right to mount")
        }
        let path = folder + "/filler"
        let filler = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard filler >= 0 else { throw MeasuredFleetError("\(path) cannot be written") }
        defer {
            close(filler)
            unlink(path)
        }
        let end = ContinuousClock.now + length
        let piece = [UInt8](repeating: 0, count: 1 << 20)
        while ContinuousClock.now < end {
            // What the fleet frees meanwhile is taken too, down to the last block.
            var size = piece.count
            while size >= 512 { if write(filler, piece, size) <= 0 { size /= 2 } }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
