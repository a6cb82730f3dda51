internal import COpenCL

/// One OpenCL device, found by its key.
///
/// Root devices live as long as the process: nothing to release.
struct Device {
    let handle: cl_device_id
    let description: DeviceDescription

    /// Every device of every platform.
    ///
    /// - Throws: ``FailureCode/noPlatform`` where no driver is installed.
    /// - Bounds: ``WorkerProtocol/devicesMax``; the rest is not seen.
    static func all() throws(WorkerFailure) -> [Device] {
        var found: [Device] = []
        for platform in try Self.platforms() {
            let name = Self.text(CL_PLATFORM_NAME) {
                clGetPlatformInfo(platform, cl_platform_info($0), $1, $2, $3)
            }
            for handle in Self.handles(of: platform) where found.count < WorkerProtocol.devicesMax {
                var description = Self.describe(handle, platform: name)
                let twins = found.filter {
                    var key = $0.description.key
                    key.ordinal = 0
                    return key == description.key
                }
                description.key.ordinal = UInt16(truncatingIfNeeded: twins.count)
                found.append(Device(handle: handle, description: description))
            }
        }
        return found
    }

    /// The device with this key.
    ///
    /// - Throws: ``FailureCode/noDevice`` where it is gone or its driver changed.
    static func find(_ key: DeviceKey) throws(WorkerFailure) -> Device {
        let all = try Self.all()
        guard let device = all.first(where: { $0.description.key == key }) else {
            let names = all.map { $0.description.key.description }.joined(separator: "; ")
            throw WorkerFailure(.noDevice, "no device \(key); there are: \(names)")
        }
        return device
    }

    /// PoCL: programs hold one compiled form per local size and per width of the grid.
    var isPoCL: Bool { self.description.key.platform == "Portable Computing Language" }

    private static func platforms() throws(WorkerFailure) -> [cl_platform_id] {
        var count: cl_uint = 0
        let status = clGetPlatformIDs(0, nil, &count)
        guard status == CL_SUCCESS, count > 0 else {
            throw WorkerFailure(
                .noPlatform, "no OpenCL platform: \(OpenCLStatus.name(status)) (\(status))",
                status: status)
        }
        var ids = [cl_platform_id?](repeating: nil, count: Int(min(count, 16)))
        try OpenCLStatus.check(
            clGetPlatformIDs(cl_uint(ids.count), &ids, nil), "clGetPlatformIDs")
        return ids.compactMap { $0 }
    }

    private static func handles(of platform: cl_platform_id) -> [cl_device_id] {
        let kind = cl_device_type(CL_DEVICE_TYPE_ALL)
        var count: cl_uint = 0
        // A platform whose hardware is absent answers with an error; the others still count.
        guard clGetDeviceIDs(platform, kind, 0, nil, &count) == CL_SUCCESS, count > 0 else {
            return []
        }
        var ids = [cl_device_id?](repeating: nil, count: Int(min(count, 64)))
        guard clGetDeviceIDs(platform, kind, cl_uint(ids.count), &ids, nil) == CL_SUCCESS else {
            return []
        }
        return ids.compactMap { $0 }
    }

    private static func describe(_ device: cl_device_id, platform: String) -> DeviceDescription {
        func text(_ name: Int32, _ limit: Int = 256) -> String {
            Self.text(name, limit) { clGetDeviceInfo(device, cl_device_info($0), $1, $2, $3) }
        }
        func number<T: FixedWidthInteger>(_ name: Int32, _ type: T.Type) -> T {
            var value: T = 0
            let status = clGetDeviceInfo(
                device, cl_device_info(name), MemoryLayout<T>.size, &value, nil)
            return status == CL_SUCCESS ? value : 0
        }
        var description = DeviceDescription()
        description.key = DeviceKey(
            platform: clipped(platform, 256), name: text(CL_DEVICE_NAME),
            driver: text(CL_DRIVER_VERSION), ordinal: 0)
        description.vendor = text(CL_DEVICE_VENDOR)
        description.version = text(CL_DEVICE_VERSION)
        let type = number(CL_DEVICE_TYPE, UInt64.self)
        description.kind =
            type & UInt64(CL_DEVICE_TYPE_GPU) != 0
            ? .gpu
            : type & UInt64(CL_DEVICE_TYPE_CPU) != 0
                ? .cpu : type & UInt64(CL_DEVICE_TYPE_ACCELERATOR) != 0 ? .accelerator : .other
        description.computeUnits = number(CL_DEVICE_MAX_COMPUTE_UNITS, UInt32.self)
        description.clockMHz = number(CL_DEVICE_MAX_CLOCK_FREQUENCY, UInt32.self)
        description.globalBytes = number(CL_DEVICE_GLOBAL_MEM_SIZE, UInt64.self)
        description.localBytes = number(CL_DEVICE_LOCAL_MEM_SIZE, UInt64.self)
        description.allocationBytesMax = number(CL_DEVICE_MAX_MEM_ALLOC_SIZE, UInt64.self)
        description.groupItemsMax = number(CL_DEVICE_MAX_WORK_GROUP_SIZE, UInt64.self)
        description.hasFloat64 = number(CL_DEVICE_DOUBLE_FP_CONFIG, UInt64.self) != 0
        let single = number(CL_DEVICE_SINGLE_FP_CONFIG, UInt64.self)
        description.keepsDenormals = single & UInt64(CL_FP_DENORM) != 0
        description.roundsDivision = single & UInt64(CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0
        description.hasFusedMultiplyAdd = single & UInt64(CL_FP_FMA) != 0
        description.isLittleEndian = number(CL_DEVICE_ENDIAN_LITTLE, UInt32.self) != 0
        description.addressBits = number(CL_DEVICE_ADDRESS_BITS, UInt32.self)
        description.hasCompiler = number(CL_DEVICE_COMPILER_AVAILABLE, UInt32.self) != 0
        description.extensions = text(CL_DEVICE_EXTENSIONS, 8_192)
        return description
    }

    private static func text(
        _ name: Int32, _ limit: Int = 256,
        _ query: (Int32, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
    ) -> String {
        var size = 0
        guard query(name, 0, nil, &size) == CL_SUCCESS, size > 0, size <= 1 << 20 else { return "" }
        var bytes = [UInt8](repeating: 0, count: size)
        guard query(name, size, &bytes, nil) == CL_SUCCESS else { return "" }
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        return clipped(text, limit)
    }
}
