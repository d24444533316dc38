import ArtifactStore

// Reading what may not be there: absence is an answer, only a store in trouble is an error.

extension ArtifactStorage {
    func openIfPresent(_ path: ArtifactPath) async throws -> (any ArtifactFile)? {
        do {
            return try await open(path)
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    func entryIfPresent(_ path: ArtifactPath) async throws -> ArtifactEntry? {
        do {
            return try await entry(path)
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    func listIfPresent(_ folder: ArtifactPath, after: String?, limit: Int) async throws -> ArtifactPage {
        do {
            return try await list(folder, after: after, limit: limit)
        } catch {
            guard error.isAbsence else { throw error }
            return ArtifactPage(entries: [], next: nil)
        }
    }
}

extension ArtifactStoreError {
    /// Nothing that could be read stands there.
    fileprivate var isAbsence: Bool {
        switch self {
        case .notFound, .notAFile, .notAFolder: true
        default: false
        }
    }
}
