import Glibc
import Primitives

/// Looks at a file's two meta pages before LMDB maps it: reading a page beyond the end of a mapped
/// file kills the process (SIGBUS).
///
/// - Source: liblmdb 0.9 mdb.c, `MDB_page`, `MDB_meta`, on a 64-bit little-endian machine.
enum LMDBHead {
    private static let magic: UInt32 = 0xBEEF_C0DE
    private static let version: UInt32 = 1
    /// The largest page LMDB uses.
    private static let pageBytesMax: UInt64 = 0x8000
    private static let metaBytes = 16 + 136

    private struct Meta {
        let pageBytes: UInt64
        let lastPage: UInt64
        let transaction: UInt64
    }

    /// Throws `.damaged` or `.shortFile`; a file that is not there or empty is a new one.
    static func check(_ path: String) throws(StoreError) {
        guard let size = try Files.size(of: path), size > 0 else { return }
        let file = try File(path, .read)
        guard let first = try self.meta(file, at: 0) else {
            throw StoreError(.damaged, path, detail: "meta page 0")
        }
        guard let second = try self.meta(file, at: first.pageBytes),
            second.pageBytes == first.pageBytes
        else { throw StoreError(.damaged, path, detail: "meta page 1") }
        let newest = first.transaction > second.transaction ? first : second
        let (needed, overflow) = (newest.lastPage + 1).multipliedReportingOverflow(
            by: newest.pageBytes)
        guard !overflow, needed <= size else {
            throw StoreError(.shortFile, path, detail: "\(size) bytes, \(needed) expected")
        }
    }

    private static func meta(_ file: File, at offset: UInt64) throws(StoreError) -> Meta? {
        let bytes = try file.read(at: offset, count: self.metaBytes)
        guard bytes.count == self.metaBytes else { return nil }
        var decoder = Decoder(Array(bytes[16...]))
        do throws(DecodeError) {
            guard try decoder.u32() == self.magic, try decoder.u32() == self.version else {
                return nil
            }
            try decoder.skip(16)  // Address and map size.
            let pageBytes = UInt64(try decoder.u32())  // In the free list's unused pad.
            try decoder.skip(44 + 48)
            let lastPage = try decoder.u64()
            let transaction = try decoder.u64()
            guard pageBytes >= 512, pageBytes <= self.pageBytesMax,
                pageBytes & (pageBytes - 1) == 0,
                lastPage < 1 << 48
            else { return nil }
            return Meta(pageBytes: pageBytes, lastPage: lastPage, transaction: transaction)
        } catch { return nil }
    }
}
