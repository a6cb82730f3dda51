internal import Glibc
internal import Kernels
internal import Primitives

/// Compiled programs on disk, one file each: 32 bytes of check and the program.
///
/// A program belongs to one kernel, device, driver version and worker protocol. Files come from
/// this machine's own workers, never from a peer; the check finds torn and rotten ones.
struct ProgramCache: Sendable {
    private let directory: String
    private let entriesMax: Int

    init(directory: String, entriesMax: Int) {
        self.directory = directory
        self.entriesMax = entriesMax
    }

    /// The program, or nil; a file that fails its check is removed.
    func load(_ kernel: KernelID, _ device: DeviceKey) -> [UInt8]? {
        let path = self.path(kernel, device)
        guard let bytes = Files.read(path, max: WorkerProtocol.programBytesMax + Digest.count)
        else { return nil }
        let program = Array(bytes.dropFirst(Digest.count))
        guard bytes.count > Digest.count,
            Digest(bytes.prefix(Digest.count)) == self.check(kernel, device, program)
        else {
            unlink(path)
            return nil
        }
        return program
    }

    /// Keeps a program; a disk without room only costs the next job a compilation.
    func store(_ kernel: KernelID, _ device: DeviceKey, _ program: [UInt8]) {
        do throws(ExecutorError) { try Files.makeDirectory(self.directory) } catch { return }
        self.makeRoom()
        let path = self.path(kernel, device)
        let draft = path + ".\(getpid()).\(Clock.nowNs)"
        let file = Descriptor(open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600))
        guard file.number >= 0 else { return }
        let bytes = self.check(kernel, device, program).bytes + program
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                write(file.number, $0.baseAddress, $0.count)
            }
            guard count > 0 else {
                unlink(draft)
                return
            }
            offset += count
        }
        if rename(draft, path) != 0 { unlink(draft) }
    }

    /// Forgets a program that the driver does not take.
    func remove(_ kernel: KernelID, _ device: DeviceKey) { unlink(self.path(kernel, device)) }

    private func path(_ kernel: KernelID, _ device: DeviceKey) -> String {
        var hash = self.hash(kernel, device)
        hash.update(u8: 0)
        return self.directory + "/" + hash.finish().hex
    }

    private func check(_ kernel: KernelID, _ device: DeviceKey, _ program: [UInt8]) -> Digest {
        var hash = self.hash(kernel, device)
        hash.update(u8: 1)
        hash.update(program)
        return hash.finish()
    }

    // These digests never leave the machine; the domain only has to be some fixed one.
    private func hash(_ kernel: KernelID, _ device: DeviceKey) -> Blake2b {
        var hash = Blake2b(.kernel, .none)
        hash.update(Array("device program".utf8))
        hash.update(u32: UInt32(WorkerProtocol.version))
        hash.update(kernel.digest)
        hash.update(device.canonicalBytes)
        return hash
    }

    /// Removes the oldest files until there is room for one more.
    private func makeRoom() {
        var files: [(age: Int, path: String)] = []
        for path in Files.names(in: self.directory) {
            var info = stat()
            if stat(path, &info) == 0 { files.append((Int(info.st_mtim.tv_sec), path)) }
        }
        guard files.count >= self.entriesMax else { return }
        files.sort { $0.age < $1.age }
        for file in files.prefix(files.count - self.entriesMax + 1) { unlink(file.path) }
    }
}
