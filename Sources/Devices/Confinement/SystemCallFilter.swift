internal import COpenCL
internal import Glibc
internal import Primitives

/// A seccomp filter: calls that no kernel and no driver needs fail with EPERM.
///
/// A list of refusals, not of permissions: vendor drivers differ too much for the other way. Calls
/// newer than this list answer ENOSYS, so nothing unknown passes.
enum SystemCallFilter {
    /// The first number after those known when the list was made (set_mempolicy_home_node is 450).
    private static let unknown: UInt32 = 451

    /// Filters this process, its threads and all it starts.
    static func apply(stage: WorkerStage) -> MechanismState {
        var program = Self.program(stage)
        let count = UInt16(truncatingIfNeeded: program.count)
        let status = program.withUnsafeMutableBufferPointer { instructions in
            var header = sock_fprog(len: count, filter: instructions.baseAddress)
            // SECCOMP_SET_MODE_FILTER with SECCOMP_FILTER_FLAG_TSYNC.
            return withUnsafeMutableBytes(of: &header) {
                starling_syscall(Int(SYS_seccomp), 1, 1, Int(bitPattern: $0.baseAddress), 0, 0)
            }
        }
        guard status == 0 else {
            return MechanismState(.seccomp, isOn: false, "not applied: errno \(errno)")
        }
        return MechanismState(.seccomp, isOn: true, "\(count) instructions, stage \(stage)")
    }

    private static func program(_ stage: WorkerStage) -> [sock_filter] {
        let refuse = Self.answer(UInt32(EPERM))
        let absent = Self.answer(UInt32(ENOSYS))
        let kill = Self.step(0x06, 0x8000_0000)  // SECCOMP_RET_KILL_PROCESS
        // struct seccomp_data: number at 0, architecture at 4, arguments from 16.
        var program = [Self.step(0x20, 4), Self.step(0x15, starling_audit_arch, 1, 0), kill]
        program += [Self.step(0x20, 0)]
        // x86-64 gives a second numbering to the same calls (x32).
        program += [Self.step(0x35, 0x4000_0000, 0, 1), kill]
        program += [Self.step(0x35, Self.unknown, 0, 1), absent]
        // clone3 hides its flags in memory; without it the C library uses clone.
        program += [Self.step(0x15, UInt32(SYS_clone3), 0, 1), absent]
        for number in Self.refused + (stage == .run ? Self.refusedInRun : []) {
            program += [Self.step(0x15, UInt32(number), 0, 1), refuse]
        }
        // prlimit64 reads limits, and sets them where the pointer to new ones is not null.
        let allow = Self.step(0x06, 0x7fff_0000)  // SECCOMP_RET_ALLOW
        program += [
            Self.step(0x15, UInt32(SYS_prlimit64), 0, 6), Self.step(0x20, 32),
            Self.step(0x15, 0, 0, 3), Self.step(0x20, 36), Self.step(0x15, 0, 0, 1), allow, refuse,
        ]
        // clone: no name spaces ever; in the run stage nothing but threads.
        let rest: [sock_filter] =
            stage == .run
            ? [Self.step(0x20, 16), Self.step(0x45, starling_clone_thread, 1, 0), refuse]
            : [Self.step(0x20, 16), Self.step(0x45, 0x7e02_0080, 0, 1), refuse]
        program += [Self.step(0x15, UInt32(SYS_clone), 0, UInt8(rest.count))] + rest
        return program + [allow]
    }

    private static func step(
        _ code: UInt16, _ k: UInt32, _ jumpTrue: UInt8 = 0, _ jumpFalse: UInt8 = 0
    ) -> sock_filter {
        sock_filter(code: code, jt: jumpTrue, jf: jumpFalse, k: k)
    }

    private static func answer(_ error: UInt32) -> sock_filter {
        Self.step(0x06, 0x0005_0000 | error)
    }

    private static let refusedInRun: [Int32] = {
        var numbers = [SYS_execve, SYS_execveat]
        #if arch(x86_64)
            numbers += [SYS_fork, SYS_vfork]
        #endif
        return numbers
    }()

    private static let refused: [Int32] = {
        var numbers = [
            // Network and other processes.
            SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
            SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kill, SYS_tkill,
            SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_kcmp, SYS_pidfd_open, SYS_pidfd_getfd,
            SYS_pidfd_send_signal, SYS_process_madvise, SYS_process_mrelease, SYS_setpgid,
            SYS_setsid,
            // The file tree itself.
            SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_fsopen,
            SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_move_mount, SYS_open_tree, SYS_mount_setattr,
            SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_mknodat, SYS_quotactl,
            SYS_quotactl_fd, SYS_swapon, SYS_swapoff, SYS_fanotify_init,
            // The kernel itself, and the interfaces with the worst record.
            SYS_bpf, SYS_perf_event_open, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_userfaultfd,
            SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_kexec_load,
            SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_reboot, SYS_acct, SYS_syslog,
            SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname,
            SYS_setdomainname, SYS_lookup_dcookie, SYS_personality, SYS_vhangup, SYS_vmsplice,
        ]
        #if arch(x86_64)
            numbers += [
                SYS_mknod, SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_kexec_file_load, SYS_uselib,
                SYS_ustat, SYS_sysfs, SYS__sysctl,
            ]
        #endif
        return numbers
    }()
}
