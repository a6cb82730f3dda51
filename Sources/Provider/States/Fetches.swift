import Primitives

/// Input blobs that jobs wait for: asked for once each, again after a pause if nobody gave them.
///
/// - Bounds: the blobs of the duties that stand; each duty has as many as its work order.
struct Fetches: Sendable {
    private struct Want: Sendable {
        let job: JobID
        let input: JobInput
        var isFailed = false
        var isReported = false
    }

    private var wants: [Want] = []
    /// Jobs whose inputs were asked for.
    private var jobs: [JobID] = []

    /// True while an input of the job is missing.
    func isMissing(_ job: JobID) -> Bool { self.wants.contains { $0.job == job } }

    /// Asks for the inputs of a job, once; those that are here come back at once.
    mutating func need(
        _ inputs: [JobInput], for job: JobID, into outbox: inout Outbox<Provider.Effect>
    ) {
        guard !self.jobs.contains(job) else { return }
        self.jobs.append(job)
        for input in inputs {
            let isAsked = self.wants.contains { $0.input == input && !$0.isFailed }
            self.wants.append(Want(job: job, input: input))
            if !isAsked {
                outbox.append(.fetch(input.blob, job: job, bytesMax: input.bytes))
            }
        }
    }

    /// Drops what no job needs any more.
    mutating func keep(_ isNeeded: (JobID) -> Bool) {
        self.wants.removeAll { !isNeeded($0.job) }
        self.jobs.removeAll { !isNeeded($0) }
    }

    /// The inputs of a job are asked for again the next time.
    mutating func renew(_ job: JobID) {
        self.wants.removeAll { $0.job == job }
        self.jobs.removeAll { $0 == job }
    }

    /// A blob is here for all who want it.
    mutating func onFetched(_ blob: BlobID) {
        self.wants.removeAll { $0.input.blob == blob }
    }

    /// It could not be had; true if somebody still wants it.
    mutating func onFailed(
        _ blob: BlobID, _ text: String, into outbox: inout Outbox<Provider.Effect>
    ) -> Bool {
        var isWanted = false
        for index in self.wants.indices where self.wants[index].input.blob == blob {
            isWanted = true
            self.wants[index].isFailed = true
            // Said once for each job, however often it is tried.
            guard !self.wants[index].isReported else { continue }
            self.wants[index].isReported = true
            outbox.append(
                .report(
                    .failed(
                        self.wants[index].job, code: "blob.missing",
                        text: "input \(blob.short) is not here: \(text)", retried: true)))
        }
        return isWanted
    }

    /// Asks again for what failed.
    mutating func retry(_ blob: BlobID, into outbox: inout Outbox<Provider.Effect>) {
        var asked: [JobInput] = []
        for index in self.wants.indices
        where self.wants[index].input.blob == blob && self.wants[index].isFailed {
            self.wants[index].isFailed = false
            let input = self.wants[index].input
            guard !asked.contains(input) else { continue }
            asked.append(input)
            outbox.append(.fetch(blob, job: self.wants[index].job, bytesMax: input.bytes))
        }
    }
}
