import Foundation
import Primitives
import Provider

/// The provider's job records, one durable file each.
///
/// - Bounds: a record is at most `recordMax` bytes.
struct JobRecordFiles: Sendable {
    static let recordMax = 40 << 20

    private let directory: String

    init(directory: String) {
        self.directory = directory
        Files.makeDirectory(directory)
    }

    /// Writes a record; it survives a crash once this returns.
    func keep(_ record: JobRecord) throws(Files.Failure) {
        try Files.writeDurably(self.path(record.job), record.canonicalBytes)
    }

    /// Removes a record, if it is there.
    func forget(_ job: JobID) { unlink(self.path(job)) }

    /// Every record that can be read, and the paths of those that cannot.
    func all() -> (records: [JobRecord], damaged: [String]) {
        var records: [JobRecord] = []
        var damaged: [String] = []
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.directory)) ?? []
        for name in names.sorted() where name.hasSuffix(".job") {
            let path = self.directory + "/" + name
            do {
                records.append(
                    try JobRecord(canonical: try Files.read(path, max: Self.recordMax)))
            } catch { damaged.append("\(path): \(error)") }
        }
        return (records, damaged)
    }

    private func path(_ job: JobID) -> String { "\(self.directory)/\(job.hex).job" }
}
