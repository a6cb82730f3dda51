import Gossip
import Kernels
import Node
import Primitives
import Provider

// What the executor, the referee's threads, the record files and the blob store do.
extension World {
    func perform(_ effect: Provider.Effect, _ host: Host) {
        if case .execute(let job, let package, let order) = effect {
            self.court.orders[job] = (package, order)
            self.court.friends[job] = nil
        }
        guard !self.cheats(effect, host) else { return }
        switch effect {
        case .derive(let job):
            let secret = host.secret.derive(.salt, job.digest)
            self.give(host, .provider(.secret(job, secret)), after: 1_000)
        case .prepare: break  // Nothing is compiled here.
        case .execute(let job, let package, let order):
            host.cancelled[job] = nil
            self.tell("\(host.name) runs job \(job.short)")
            self.execute(job, package, order, host)
        case .cancel(let job): host.cancelled[job] = true
        case .referee(let run, let package, let order, let leaves):
            let answer = self.referee(run, package, order, leaves, host)
            let wait = self.workChance.between(1_000_000, 20_000_000)
            self.give(host, .provider(answer), after: wait)
        case .revealAudit(let job, let auditor, let index):
            let reveal = host.accounts.first == auditor ? host.audits.reveal(index) : nil
            self.give(
                host, .provider(.auditReveal(job, auditor: auditor, reveal)), after: 10_000)
        case .signTranscript(let job, let auditor, let digest):
            let signature = host.secret.sign(digest)
            self.give(
                host,
                .provider(
                    .transcriptSigned(job, auditor: auditor, digest: digest, signature)),
                after: 40_000)
        case .gatherProof(let run, let package, let order, let leaf):
            let answer = self.proof(run, package, order, leaf, host)
            self.give(host, .provider(answer), after: 20_000_000)
        case .readSlice(let job, let blob, let leaf, let package, let order):
            let answer = self.slice(job, blob, leaf, package, order, host)
            self.give(host, .provider(answer), after: 1_000_000)
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

    /// Runs leaves on the referee: the device of this world is exact.
    ///
    /// - Parameters:
    ///   - faked: leaves that are not run; their bytes and roots are made up.
    ///   - guess: the 16 bytes of every faked leaf; nil: random ones.
    /// - Returns: the roots of all slices, none if the job did not run.
    @discardableResult
    func execute(
        _ job: JobID, _ package: KernelPackage, _ order: WorkOrder, _ host: Host,
        faked: [UInt64] = [], as guess: [UInt8]? = nil
    ) -> [Digest] {
        let wait = self.workChance.between(20_000_000, 800_000_000)
        let honest = faked.isEmpty ? nil : (0..<self.plan.leaves).filter { !faked.contains($0) }
        switch self.kernel.run(package, order, leaves: honest, self.blobs(of: host)) {
        case .success(let run):
            host.leavesRun.provided += UInt64(clamping: run.count)
            var slices = run.map { (leaf: $0.leaf, bytes: $0.bytes, isFaked: false) }
            slices += faked.map {
                (leaf: $0, bytes: guess ?? self.workChance.bytes(16), isFaked: true)
            }
            slices.sort { $0.leaf < $1.leaf }
            let output = slices.flatMap(\.bytes)
            let roots = slices.map { Leaf.sliceRoot($0.bytes) }
            let execution = Execution(
                sliceRoots: roots, outputBlob: self.keep(output, on: host),
                outputBytes: UInt64(clamping: output.count), kernelNs: wait,
                device: "simulated")
            self.give(host, .provider(.executed(job, execution)), after: wait)
            return roots
        case .failure(let missing):
            let answer = Provider.Input.executionFailed(
                job, code: missing.code, text: missing.text)
            self.give(host, .provider(answer), after: wait)
            return []
        }
    }

    private func referee(
        _ run: RefereeRun, _ package: KernelPackage, _ order: WorkOrder, _ leaves: [UInt64],
        _ host: Host
    ) -> Provider.Input {
        switch self.kernel.run(package, order, leaves: leaves, self.blobs(of: host)) {
        case .success(let slices):
            let count = UInt64(clamping: slices.count)
            if case .selfCheck = run.purpose {
                host.leavesRun.provided += count
            } else {
                host.leavesRun.audited += count
            }
            return .refereed(
                run,
                slices.map { LeafResult(leaf: $0.leaf, sliceRoot: Leaf.sliceRoot($0.bytes)) })
        case .failure(let missing):
            return .refereeFailed(
                run, text: missing.text, isFinal: missing.isFinal)
        }
    }

    /// What a leaf reads, with the blobs of a machine.
    func witness(
        _ package: KernelPackage, _ order: WorkOrder, _ leaf: UInt64, _ host: Host
    ) -> Result<LeafWitness, SimulatedKernel.Missing> {
        self.kernel.witness(package, order, leaf: leaf, self.blobs(of: host)).map(\.witness)
    }

    private func proof(
        _ run: RefereeRun, _ package: KernelPackage, _ order: WorkOrder, _ leaf: UInt64,
        _ host: Host
    ) -> Provider.Input {
        switch self.kernel.witness(package, order, leaf: leaf, self.blobs(of: host)) {
        case .success(let found):
            host.leavesRun.audited += 1
            return .proof(
                run, leaf: leaf, witness: found.witness,
                sliceRoot: Leaf.sliceRoot(found.run.slice))
        case .failure(let missing):
            return .refereeFailed(
                run, text: missing.text, isFinal: missing.isFinal)
        }
    }

    /// The kernel's slices are of one size.
    private func slice(
        _ job: JobID, _ blob: BlobID, _ leaf: UInt64, _ package: KernelPackage,
        _ order: WorkOrder, _ host: Host
    ) -> Provider.Input {
        guard let bytes = self.blobs(of: host)(blob),
            let range = self.kernel.range(ofLeaf: leaf, package, order),
            range.upperBound <= bytes.count
        else { return .sliceFailed(job, leaf: leaf, text: "the output is not here") }
        return .slice(job, leaf: leaf, Array(bytes[range]))
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
        case .cannotAnswer(let job, let leaf, let text):
            return "cannot give leaf \(leaf) of job \(job.short): \(text)"
        case .cannotProve(let job, let leaf, let text):
            return "cannot prove leaf \(leaf) of job \(job.short) wrong: \(text)"
        case .summoning(let job, let text):
            return "asks for job \(job.short) on the ledger: \(text)"
        case .disagreed(let job, let leaf):
            return "finds leaf \(leaf) of job \(job.short) wrong"
        case .agreed(let job, let leaves):
            return "re-ran \(leaves) leaves of job \(job.short): all equal"
        case .refused(let job, let kind, let text):
            return "is refused its \(kind) of job \(job.short): \(text)"
        }
    }
}
