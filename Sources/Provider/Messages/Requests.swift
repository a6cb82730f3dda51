package import Kernels
package import Primitives

/// Where the output of a job is, and what opens its commitment: the provider's answer, and what
/// this node tells its clients.
package struct JobOutput: Record {
    package private(set) var job: JobID = .zero
    /// The root over the slice roots.
    package private(set) var root: Digest = .zero
    /// With the root, it opens the output commitment.
    package private(set) var salt: Digest = .zero
    /// The slice-major bytes.
    package private(set) var blob: BlobID = .zero
    package private(set) var bytes: UInt64 = 0

    /// An output of so many bytes.
    package init(job: JobID, root: Digest, salt: Digest, blob: BlobID, bytes: UInt64) {
        self.job = job
        self.root = root
        self.salt = salt
        self.blob = blob
        self.bytes = bytes
    }

    private init() {}

    /// An empty answer.
    package static var blank: JobOutput { JobOutput() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("job", &self.job)
        try visitor.field("root", &self.root)
        try visitor.field("salt", &self.salt)
        try visitor.field("blob", &self.blob)
        try visitor.field("bytes", &self.bytes)
    }
}

extension Message {
    /// Somebody wants one leaf opened.
    package struct OpeningRequest: Record {
        package private(set) var job: JobID = .zero
        package private(set) var leaf: UInt64 = 0

        /// A request to the job's provider.
        package init(job: JobID, leaf: UInt64) {
            self.job = job
            self.leaf = leaf
        }

        private init() {}

        /// An empty request.
        package static var blank: OpeningRequest { OpeningRequest() }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("job", &self.job)
            try visitor.field("leaf", &self.leaf)
        }
    }

    /// The leaf, opened.
    package struct OpeningAnswer: Record {
        package private(set) var job: JobID = .zero
        package private(set) var opening: LeafOpening = .blank

        /// The provider's answer.
        package init(job: JobID, opening: LeafOpening) {
            self.job = job
            self.opening = opening
        }

        private init() {}

        /// An empty answer.
        package static var blank: OpeningAnswer { OpeningAnswer() }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("job", &self.job)
            try visitor.field("opening", &self.opening)
        }
    }

    /// Somebody wants to know where the output is.
    package struct OutputRequest: Record {
        package private(set) var job: JobID = .zero

        /// A request to the job's provider.
        package init(job: JobID) { self.job = job }

        private init() {}

        /// An empty request.
        package static var blank: OutputRequest { OutputRequest() }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("job", &self.job)
        }
    }

    /// The provider does not answer the request.
    package struct Declined: Record {
        /// Why.
        package enum Reason: UInt8, CodeEnum {
            /// The sender has no record of the job, or no such leaf.
            case notHere = 1
            /// The audit is not over, or the sender is busy: ask again.
            case notYet = 2
        }

        package private(set) var job: JobID = .zero
        /// The leaf that was asked for; nil for the output.
        package private(set) var leaf: UInt64?
        package private(set) var reason = Reason.notHere

        /// The provider's answer.
        package init(job: JobID, leaf: UInt64?, reason: Reason) {
            self.job = job
            self.leaf = leaf
            self.reason = reason
        }

        private init() {}

        /// An empty answer.
        package static var blank: Declined { Declined() }

        package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
            try visitor.field("job", &self.job)
            try visitor.field("leaf", &self.leaf)
            try visitor.field("reason", &self.reason)
        }
    }
}
