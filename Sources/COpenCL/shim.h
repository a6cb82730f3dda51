#pragma once
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

// System calls that confine the worker have no wrapper in older C libraries, or a variadic one that
// Swift does not import. Only Devices includes this header.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long starling_syscall(
    long number, long a, long b, long c, long d, long e) {
    return syscall(number, a, b, c, d, e);
}

// CLONE_THREAD, which <sched.h> shows to GNU sources only.
static const unsigned int starling_clone_thread = 0x00010000;
#if defined(__x86_64__)
static const unsigned int starling_audit_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
static const unsigned int starling_audit_arch = AUDIT_ARCH_AARCH64;
#endif
