package import Primitives

/// One thing that keeps a worker in its place.
package enum Mechanism: UInt8, CodeEnum {
    /// bubblewrap: own file system view, process, network, IPC and user name spaces, no capability.
    case namespaces = 0
    /// No program gains rights (PR_SET_NO_NEW_PRIVS).
    case noNewPrivileges = 1
    /// Landlock: files outside the allowed trees cannot be opened.
    case landlock = 2
    /// A system-call filter.
    case seccomp = 3
    /// RLIMIT_AS: the limit on address space.
    case memoryLimit = 4
    /// RLIMIT_CPU: the limit on processor seconds.
    case processorLimit = 5
    /// RLIMIT_FSIZE, RLIMIT_NOFILE and no core dump.
    case fileLimits = 6
    /// RLIMIT_NPROC: the limit on processes in the compile stage.
    case processLimit = 7
}

/// Whether a mechanism holds, and why not.
package struct MechanismState: Record {
    /// Which.
    package var mechanism: Mechanism
    /// It holds.
    package var isOn: Bool
    /// Words for people: what is on, or what is missing and how to get it.
    package var reason: String

    /// Not on.
    package static let blank = MechanismState(.namespaces, isOn: false, "")

    /// A state with its reason.
    package init(_ mechanism: Mechanism, isOn: Bool, _ reason: String) {
        self.mechanism = mechanism
        self.isOn = isOn
        self.reason = reason
    }

    /// The mechanism, the state, the reason.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("mechanism", &self.mechanism)
        try visitor.field("isOn", &self.isOn)
        try visitor.text("reason", &self.reason, max: 256)
    }
}

/// One forbidden thing that the worker tried on itself.
package struct SandboxAttempt: Record {
    /// What was tried.
    package var name: String
    /// The system refused it.
    package var wasDenied: Bool
    /// The error met, or what was reached.
    package var detail: String

    /// Nothing tried.
    package static let blank = SandboxAttempt("", wasDenied: false, "")

    /// An attempt and its end.
    package init(_ name: String, wasDenied: Bool, _ detail: String) {
        self.name = name
        self.wasDenied = wasDenied
        self.detail = detail
    }

    /// The three fields.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.text("name", &self.name, max: 128)
        try visitor.field("wasDenied", &self.wasDenied)
        try visitor.text("detail", &self.detail, max: 256)
    }
}
