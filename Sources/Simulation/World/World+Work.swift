import Gossip
import Kernels
import Node
import Primitives
import Provider

// What the executor, the referee's threads, the record files and the blob store do.
extension World {
    func perform(_ effect: Provider.Effect, _ host: Host) {
        switch effect {
        case .derive(let job):
            let secret = host.secret.derive(.salt, job.digest)
            self.give(host, .provider(.secret(job, secret)), after: 1_000)
        case .execute(let job, let package, let order):
            host.cancelled[job] = nil
            self.tell("\(host.name) runs job \(job.short)")
            self.execute(job, package, order, host)
        case .cancel(let job): host.cancelled[job] = true
        case .referee(let run, let package, let order, let leaves):
            let answer = self.referee(run, package, order, leaves, host)
            let wait = self.workChance.between(1_000_000, 20_000_000)
            self.give(host, .provider(answer), after: wait)
        case .keep(let record):
            self.write(
                .job(record.job, record.canonicalBytes), host, .files,
                .node(.provider(.kept(record.job))))
        case .forget(let job): self.write(.forgetJob(job), host, .files, .nothing)
        case .fetch, .intend, .send, .lookUp, .opened, .output, .notHere, .notYet, .schedule,
            .report:
            preconditionFailure("the node routes these itself")
        }
    }

    // MARK: Executor and referee

    /// Runs all leaves on the referee: the device of this world is exact.
    private func execute(
        _ job: JobID, _ package: KernelPackage, _ order: WorkOrder, _ host: Host
    ) {
        let wait = self.workChance.between(20_000_000, 800_000_000)
        let answer: Provider.Input
        switch self.kernel.run(package, order, leaves: nil, self.blobs(of: host)) {
        case .success(let slices):
            let output = slices.flatMap(\.bytes)
            let id = self.keep(output, on: host)
            let execution = Execution(
                sliceRoots: slices.map { Leaf.sliceRoot($0.bytes) }, outputBlob: id,
                outputBytes: UInt64(clamping: output.count), kernelNs: wait,
                device: "simulated")
            answer = .executed(job, execution)
        case .failure(let missing):
            answer = .executionFailed(job, code: missing.code, text: missing.text)
        }
        self.give(host, .provider(answer), after: wait)
    }

    private func referee(
        _ run: RefereeRun, _ package: KernelPackage, _ order: WorkOrder, _ leaves: [UInt64],
        _ host: Host
    ) -> Provider.Input {
        switch self.kernel.run(package, order, leaves: leaves, self.blobs(of: host)) {
        case .success(let slices):
            .refereed(
                run,
                slices.map { LeafResult(leaf: $0.leaf, sliceRoot: Leaf.sliceRoot($0.bytes)) })
        case .failure(let missing): .refereeFailed(run, text: missing.text)
        }
    }

    private func blobs(of host: Host) -> (BlobID) -> [UInt8]? {
        { id in
            guard let blob = host.disk.blobs[id], blob.isComplete else { return nil }
            return blob.pieces.flatMap { $0 ?? [] }
        }
    }

    // MARK: Blobs

    /// Puts bytes on a disk, as an upload or a worker's output: durable when this returns.
    @discardableResult
    func keep(_ bytes: [UInt8], on host: Host) -> BlobID {
        let groups = BlobGroups(of: bytes)
        let pieces = groups.digests.indices.map { index in
            let start = index * BlobGroups.bytesPerGroup
            return Optional(
                Array(bytes[start..<min(start + BlobGroups.bytesPerGroup, bytes.count)]))
        }
        host.disk.blobs[groups.id] = Disk.Blob(groups: groups, pieces: pieces)
        return groups.id
    }

    func performBlob(_ effect: Gossip.Effect, _ host: Host) {
        let wait: UInt64 = 300_000
        switch effect {
        case .describeBlob(let id, let token):
            let blob = host.disk.blobs[id].flatMap { $0.isComplete ? $0 : nil }
            let description = blob.map {
                BlobDescription(bytes: $0.groups.bytes, groups: $0.groups.digests)
            }
            self.give(host, .gossip(.blobDescribed(id, description, token: token)), after: wait)
        case .readBlob(let id, let group, let token):
            let bytes = host.disk.blobs[id]?.piece(group)
            self.give(host, .gossip(.blobRead(id, group: group, bytes, token: token)), after: wait)
        case .openBlob(let id, let description):
            guard
                let groups = BlobGroups(bytes: description.bytes, digests: description.groups),
                groups.id == id
            else {
                self.give(host, .gossip(.blobDone(id, false)), after: wait)
                return
            }
            if host.disk.blobs[id] == nil {
                host.disk.blobs[id] = Disk.Blob(
                    groups: groups, pieces: Array(repeating: nil, count: groups.digests.count))
            }
            let present = host.disk.blobs[id]?.pieces.map { $0 != nil } ?? []
            self.give(host, .gossip(.blobOpened(id, present: present)), after: wait)
        case .writeBlob(let id, let group, let bytes, let isLast):
            self.write(
                .blob(id, group: group, bytes), host, .files,
                isLast ? .node(.gossip(.blobDone(id, true))) : .nothing)
        case .closeBlob: break  // A world's disk keeps every piece.
        case .dial, .close, .send, .datagram, .deliver, .up, .down, .fetched, .fetchFailed,
            .schedule, .report:
            preconditionFailure("the node and the transport perform these")
        }
    }

    // MARK: Words

    static func words(_ report: ProviderReport) -> String {
        switch report {
        case .failed(let job, let code, let text, let isRetried):
            let end = isRetried ? "will try again" : "gives up"
            return "fails at job \(job.short) [\(code)] and \(end): \(text)"
        case .selfCheckFailed(let job, let leaf):
            return "declines job \(job.short): leaf \(leaf) differs"
        case .committed(let job, let leaves, _, _):
            return "commits \(leaves) leaves of job \(job.short)"
        case .cannotOpen(let job, let account):
            return "cannot open job \(job.short) to \(account)"
        case .disagreed(let job, let leaf):
            return "finds leaf \(leaf) of job \(job.short) wrong"
        case .agreed(let job, let leaves):
            return "re-ran \(leaves) leaves of job \(job.short): all equal"
        case .refused(let job, let kind, let text):
            return "is refused its \(kind) of job \(job.short): \(text)"
        }
    }
}
