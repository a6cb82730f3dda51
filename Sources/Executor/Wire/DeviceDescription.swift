package import Primitives

/// Names one OpenCL device on one machine, across worker processes.
///
/// A driver update gives another key: what was compiled or qualified for the old driver is void.
package struct DeviceKey: Record, CustomStringConvertible {
    /// The platform's name.
    package var platform: String
    /// The device's name.
    package var name: String
    /// The driver's version, as it says it.
    package var driver: String
    /// The position among devices with the same three texts.
    package var ordinal: UInt16

    /// No device.
    package static let blank = DeviceKey(platform: "", name: "", driver: "", ordinal: 0)

    /// The four parts.
    package init(platform: String, name: String, driver: String, ordinal: UInt16) {
        self.platform = platform
        self.name = name
        self.driver = driver
        self.ordinal = ordinal
    }

    /// Texts of at most 256 bytes, then the ordinal.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.text("platform", &self.platform, max: 256)
        try visitor.text("name", &self.name, max: 256)
        try visitor.text("driver", &self.driver, max: 256)
        try visitor.field("ordinal", &self.ordinal)
    }

    /// For people: device, platform and driver.
    package var description: String {
        "\(self.name) #\(self.ordinal) (\(self.platform), driver \(self.driver))"
    }
}

/// What kind of processor a device is.
package enum DeviceKind: UInt8, CodeEnum {
    /// CL_DEVICE_TYPE_CPU.
    case cpu = 0
    /// CL_DEVICE_TYPE_GPU.
    case gpu = 1
    /// CL_DEVICE_TYPE_ACCELERATOR.
    case accelerator = 2
    /// Any other.
    case other = 3
}

/// What an OpenCL device says about itself; sizes in bytes.
package struct DeviceDescription: Record {
    /// Its name across processes.
    package var key = DeviceKey.blank
    /// The maker, as the driver says it.
    package var vendor = ""
    /// The OpenCL version text, such as `OpenCL 3.0 …`.
    package var version = ""
    /// Processor kind.
    package var kind = DeviceKind.other
    /// Compute units.
    package var computeUnits: UInt32 = 0
    /// MHz; 0 where unknown.
    package var clockMHz: UInt32 = 0
    /// Global memory.
    package var globalBytes: UInt64 = 0
    /// Local memory of one work-group.
    package var localBytes: UInt64 = 0
    /// The largest single buffer.
    package var allocationBytesMax: UInt64 = 0
    /// The most work-items of one work-group.
    package var groupItemsMax: UInt64 = 0
    /// Double precision is there.
    package var hasFloat64 = false
    /// Single-precision denormals are kept (CL_FP_DENORM).
    package var keepsDenormals = false
    /// Single-precision divide and square root can be rounded correctly.
    package var roundsDivision = false
    /// Single precision has a fused multiply-add in hardware (CL_FP_FMA).
    package var hasFusedMultiplyAdd = false
    /// Little-endian.
    package var isLittleEndian = false
    /// Width of a device address in bits.
    package var addressBits: UInt32 = 0
    /// A compiler is there.
    package var hasCompiler = false
    /// The extension names, separated by spaces, cut at 8 KiB.
    package var extensions = ""

    /// A device that says nothing.
    package static let blank = DeviceDescription()

    /// An empty description to fill in.
    package init() {}

    /// The fields in the order declared.
    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("key", &self.key)
        try visitor.text("vendor", &self.vendor, max: 256)
        try visitor.text("version", &self.version, max: 256)
        try visitor.field("kind", &self.kind)
        try visitor.field("computeUnits", &self.computeUnits)
        try visitor.field("clockMHz", &self.clockMHz)
        try visitor.field("globalBytes", &self.globalBytes)
        try visitor.field("localBytes", &self.localBytes)
        try visitor.field("allocationBytesMax", &self.allocationBytesMax)
        try visitor.field("groupItemsMax", &self.groupItemsMax)
        try visitor.field("hasFloat64", &self.hasFloat64)
        try visitor.field("keepsDenormals", &self.keepsDenormals)
        try visitor.field("roundsDivision", &self.roundsDivision)
        try visitor.field("hasFusedMultiplyAdd", &self.hasFusedMultiplyAdd)
        try visitor.field("isLittleEndian", &self.isLittleEndian)
        try visitor.field("addressBits", &self.addressBits)
        try visitor.field("hasCompiler", &self.hasCompiler)
        try visitor.text("extensions", &self.extensions, max: 8_192)
    }
}
