/// A binary netpbm picture of 8 bits a sample: P5 (grey) or P6 (colour).
struct Picture: Equatable {
    /// Samples of one pixel: 1 or 3.
    let channels: Int
    let width: Int
    let height: Int
    /// Row by row, without the header.
    let pixels: [UInt8]

    enum Problem: Error, Equatable {
        case notNetpbm
        case malformedHeader
        /// Only a largest value of 255 is taken.
        case depth(Int)
        case size(expected: Int, found: Int)
    }

    init(channels: Int, width: Int, height: Int, pixels: [UInt8]) {
        self.channels = channels
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Reads a file.
    ///
    /// - Throws: ``Problem``; it never traps, whatever the bytes.
    init(file: [UInt8]) throws(Problem) {
        guard file.count > 2, file[0] == UInt8(ascii: "P"),
            file[1] == UInt8(ascii: "5") || file[1] == UInt8(ascii: "6")
        else { throw .notNetpbm }
        self.channels = file[1] == UInt8(ascii: "5") ? 1 : 3
        var at = 2
        var numbers: [Int] = []
        while numbers.count < 3 { numbers.append(try Self.number(file, &at)) }
        (self.width, self.height) = (numbers[0], numbers[1])
        guard numbers[2] == 255 else { throw .depth(numbers[2]) }
        // Exactly one white-space byte ends the header.
        guard at < file.count, Self.isSpace(file[at]) else { throw .malformedHeader }
        let body = file[(at + 1)...]
        let expected = self.width * self.height * self.channels
        guard body.count == expected else { throw .size(expected: expected, found: body.count) }
        self.pixels = Array(body)
    }

    /// The file's bytes.
    var file: [UInt8] {
        Array("P\(self.channels == 1 ? 5 : 6)\n\(self.width) \(self.height)\n255\n".utf8)
            + self.pixels
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    /// The next number of a header, 1 to 65,535; comments run from # to the end of the line.
    private static func number(_ file: [UInt8], _ at: inout Int) throws(Problem) -> Int {
        let start = at
        while at < file.count, Self.isSpace(file[at]) || file[at] == UInt8(ascii: "#") {
            if file[at] == UInt8(ascii: "#") {
                while at < file.count, file[at] != 10 { at += 1 }
            } else {
                at += 1
            }
        }
        guard at > start else { throw .malformedHeader }
        var value = 0
        let digits = at
        while at < file.count, (0x30...0x39).contains(file[at]), at - digits < 6 {
            value = value * 10 + Int(file[at] - 0x30)
            at += 1
        }
        guard at > digits, value >= 1, value <= 65_535 else { throw .malformedHeader }
        return value
    }
}
