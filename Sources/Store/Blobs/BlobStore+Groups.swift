import Glibc
package import Primitives

/// Blobs in groups of 16 KiB, as nodes exchange them.
///
/// A download is `blobs/part/<64 digits>` and beside it `<64 digits>.map`, one bit for each group
/// that is there, so that a crash keeps finished groups. The map is a claim: opening hashes what it
/// names. A finished download is hashed as a whole before it gets its name.
extension BlobStore {
    /// The most groups of a blob that is exchanged: 16 GiB.
    package static let groupsMax = 1 << 20

    /// The groups of a blob; nil if it is not here. Hashes the blob unless that is remembered.
    ///
    /// - Throws: `.wrongSize` above ``groupsMax`` groups; `.damaged` naming the file.
    package func describe(_ id: BlobID) throws(StoreError) -> BlobGroups? {
        let path = self.file(of: id)
        guard let size = try Files.size(of: path) else { return nil }
        try Self.check(size, path)
        let known = self.state.withLock { state in
            state.verified.contains(id) ? state.outlines.groups(of: id) : nil
        }
        if let known { return known }
        let groups = try self.groups(of: try File(path, .read), bytes: size)
        guard groups.id == id else { throw StoreError(.damaged, path) }
        self.state.withLock { state in
            state.verified.insert(id)
            state.outlines.remember(groups, of: id)
        }
        return groups
    }

    /// The bytes of one group.
    ///
    /// - Throws: `.blobNotFound`, `.damaged`; `.wrongOffset` beyond the last group.
    package func readGroup(_ id: BlobID, group: UInt64) throws(StoreError) -> [UInt8] {
        let size = UInt64(BlobGroups.bytesPerGroup)
        let (offset, overflow) = group.multipliedReportingOverflow(by: size)
        let bytes =
            overflow ? [] : try self.read(id, offset: offset, count: BlobGroups.bytesPerGroup)
        guard !bytes.isEmpty else {
            throw StoreError(.wrongOffset, self.file(of: id), detail: "group \(group)")
        }
        // A file may rot after it was hashed: what is served is what was promised, or nothing.
        let isRight = self.state.withLock { state in
            guard let known = state.outlines.groups(of: id), !known.isGroup(group, bytes) else {
                return true
            }
            state.verified.remove(id)
            state.outlines.forget(id)
            return false
        }
        guard isRight else { throw StoreError(.damaged, self.file(of: id)) }
        return bytes
    }

    /// Ends a download that was given up; what came stays until its room is needed.
    package func closePart(_ id: BlobID) { self.state.withLock { $0.parts.close(id) } }

    /// Begins or resumes the download of a blob with these groups.
    ///
    /// - Returns: which groups are there and have their digest. All of them for a blob that is
    ///   here; after the last group of a download, ``finishPart(_:)`` is still to be called.
    /// - Throws: `.wrongContent` if the groups are not the blob's, `.wrongSize` above
    ///   ``groupsMax``, `.quota`, or the disk's error.
    package func openPart(
        _ id: BlobID, _ groups: BlobGroups
    ) throws(StoreError) -> [Bool] {
        let path = self.partPath(id)
        try Self.check(groups.bytes, path)
        guard groups.id == id else { throw StoreError(.wrongContent, path) }
        if try self.isHere(id) {
            return [Bool](repeating: true, count: groups.digests.count)
        }
        if let part = self.state.withLock({ $0.parts.part(of: id) }) { return part.present }
        let refusal = self.state.withLock { state -> StoreError? in
            if state.parts.bytes(of: id) == groups.bytes { return nil }
            state.dropPart(id)
            if let refusal = self.reserve(groups.bytes, &state) { return refusal }
            state.parts.add(id, bytes: groups.bytes)
            return nil
        }
        if let refusal { throw refusal }
        let part = try BlobPart(path, groups)
        self.state.withLock { $0.parts.open(id, part) }
        return part.present
    }

    /// Writes one group of an open download; nothing for a blob that is here.
    ///
    /// - Throws: `.uploadNotFound`, `.wrongContent` unless the bytes are that group, or the disk's
    ///   error.
    package func writeGroup(
        _ id: BlobID, group: UInt64, _ bytes: [UInt8]
    ) throws(StoreError) {
        if let part = self.state.withLock({ $0.parts.part(of: id) }) {
            return try part.write(group, bytes)
        }
        guard try self.isHere(id) else { throw StoreError(.uploadNotFound, self.partPath(id)) }
    }

    /// Ends a download: the blob is on the disk under its name. A blob that is here is no error.
    ///
    /// - Throws: `.uploadNotFound`; `.wrongSize` while groups are missing; `.damaged` if the disk
    ///   does not give back what was written: the groups that are wrong count as missing then.
    package func finishPart(_ id: BlobID) throws(StoreError) {
        if try self.isHere(id) { return self.state.withLock { $0.dropPart(id) } }
        let part = try self.part(id)
        let missing = part.present.filter { !$0 }.count
        guard missing == 0 else {
            throw StoreError(.wrongSize, part.path, detail: "\(missing) groups are missing")
        }
        try part.synchronize()
        let found = try self.groups(of: part.file, bytes: part.groups.bytes)
        guard found == part.groups else {
            try part.clear(except: found)
            throw StoreError(.damaged, part.path)
        }
        let target = self.file(of: id)
        try Files.makeDirectory(self.directory + "/" + id.hex.prefix(2))
        try Files.rename(part.path, to: target)
        try Files.removeIfThere(part.path + BlobParts.mapSuffix)
        try Files.synchronizeDirectory(of: part.path)
        self.state.withLock { state in
            state.parts.remove(id)
            state.verified.insert(id)
            state.outlines.remember(found, of: id)
        }
    }

    // MARK: Helpers

    /// The groups of a file's first `bytes` bytes; fewer if the file ends before.
    func groups(of file: File, bytes: UInt64) throws(StoreError) -> BlobGroups {
        var hasher = BlobGroupHasher()
        while hasher.count < bytes {
            let rest = Int(clamping: bytes - hasher.count)
            let piece = try file.read(at: hasher.count, count: min(rest, Self.hashBytes))
            if piece.isEmpty { break }
            hasher.update(piece[...])
        }
        return hasher.finish()
    }

    /// True if the blob is here and right; one that the disk damaged is removed, to be fetched.
    private func isHere(_ id: BlobID) throws(StoreError) -> Bool {
        do throws(StoreError) {
            _ = try self.path(of: id)
            return true
        } catch {
            switch error.code {
            case .blobNotFound: return false
            case .damaged:
                try self.delete(id)
                return false
            default: throw error
            }
        }
    }

    private func part(_ id: BlobID) throws(StoreError) -> BlobPart {
        guard let part = self.state.withLock({ $0.parts.part(of: id) }) else {
            throw StoreError(.uploadNotFound, self.partPath(id))
        }
        return part
    }

    private func partPath(_ id: BlobID) -> String { "\(self.directory)/part/\(id.hex)" }

    private static func check(_ bytes: UInt64, _ path: String) throws(StoreError) {
        guard BlobGroups.count(bytes: bytes) <= UInt64(Self.groupsMax) else {
            throw StoreError(.wrongSize, path, detail: "\(bytes) bytes are too many to exchange")
        }
    }
}

extension BlobStore.State {
    /// Removes a download that is not needed any more.
    mutating func dropPart(_ id: BlobID) {
        self.usedBytes -= min(self.usedBytes, self.parts.drop(id) ?? 0)
    }
}
