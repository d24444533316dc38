import CZlib
import HTTPTypes
package import Hummingbird
import Signatures

/// Style sheets, scripts and images of a room, under names that change with their content, so that a browser keeps them
/// for good.
package struct AssetSet: Sendable {
    private struct Asset: Sendable {
        let path: String
        let type: String
        let bytes: ByteBuffer
        let gzipped: ByteBuffer?
        let tag: String
    }

    private let assets: [String: Asset]

    /// - Parameter files: file name (`log.js`) to its embedded content.
    package init(_ files: [String: [UInt8]]) {
        var assets: [String: Asset] = [:]
        for (name, bytes) in files {
            let hash = String(SHA256.hexadecimal(bytes).prefix(16))
            let dot = name.lastIndex(of: ".") ?? name.endIndex
            let type = AssetSet.types[String(name[dot...])] ?? "application/octet-stream"
            let gzipped = Gzip.isWorthwhile(type: type, count: bytes.count) ? Gzip.compress(bytes, level: 9) : nil
            assets[name] = Asset(
                path: "/assets/\(name[..<dot])-\(hash)\(name[dot...])", type: type, bytes: ByteBuffer(bytes: bytes),
                gzipped: gzipped.map { ByteBuffer(bytes: $0) }, tag: "\"\(hash)\"")
        }
        self.assets = assets
    }

    /// Where a file of the set is served; `/assets/missing` for a name that is not in it.
    package func path(of name: String) -> String { assets[name]?.path ?? "/assets/missing" }

    /// Serves the set. Called once while routes are added.
    package func addRoutes(to router: Router<SlipwayContext>) {
        for asset in assets.values {
            router.get(RouterPath(asset.path)) { request, _ in
                var headers: HTTPFields = [
                    .contentType: asset.type, .eTag: asset.tag, .vary: "Accept-Encoding",
                    .cacheControl: "public, max-age=31536000, immutable",
                ]
                if request.headers[.ifNoneMatch] == asset.tag {
                    return Response(status: .notModified, headers: headers)
                }
                if let gzipped = asset.gzipped, Gzip.isAccepted(by: request) {
                    headers[.contentEncoding] = "gzip"
                    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: gzipped))
                }
                return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: asset.bytes))
            }
        }
    }

    private static let types = [
        ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
        ".png": "image/png", ".txt": "text/plain; charset=utf-8",
    ]
}

/// The style sheet, icon and script of the frame.
enum WebAssets {
    static let set = AssetSet([
        "slipway.css": PackageResources.slipway_css,
        "slipway.svg": PackageResources.slipway_svg,
        "page.js": PackageResources.page_js,
    ])
}
