import CZlib

/// Job files may be compressed: Prow's own tools pack them into config maps so.
enum Gzip {
    /// The bytes as they are, or decompressed where they begin like a gzip file, up to the limit of a file.
    static func plain(_ bytes: [UInt8]) throws(YAMLError) -> [UInt8] {
        guard bytes.starts(with: [0x1F, 0x8B]) else { return bytes }
        var input = bytes
        var stream = z_stream()
        // 15 bits of window, 16 for gzip's header.
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw YAMLError(line: 0, message: "it cannot be decompressed for want of memory; split it")
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let status = input.withUnsafeMutableBufferPointer { source -> Int32 in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            var status = Z_OK
            while status == Z_OK, output.count <= ConfigurationFolder.fileLimit {
                chunk.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    output += target.prefix(target.count - Int(stream.avail_out))
                }
            }
            return status
        }
        guard output.count <= ConfigurationFolder.fileLimit else {
            throw YAMLError(
                line: 0, message: "decompressed it is larger than \(ConfigurationFolder.fileLimit >> 20) MB; split it")
        }
        guard status == Z_STREAM_END else {
            throw YAMLError(line: 0, message: "it begins like a gzip file and is damaged or cut; compress it again")
        }
        return output
    }
}
