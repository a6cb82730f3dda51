internal import Primitives

/// A sum of products of atoms with integer coefficients.
///
/// It says what an integer expression is **modulo 2^32**: C arithmetic wraps at 32 or 64 bits, and
/// conversions between those widths keep the residue. Elements are fewer than 2^31, so an index
/// that is in range is determined by its residue.
struct Polynomial: Hashable, Sendable {
    struct Term: Hashable, Sendable {
        /// Numbers of atoms in an ``AtomTable``, ascending.
        let atoms: [Int]
        let coefficient: Int64
    }

    /// Terms and constants beyond these are given up on.
    static let termsMax = 24
    static let productsMax = 96
    static let degreeMax = 4
    static let coefficientMax: Int64 = 1 << 40

    var constant: Int64 = 0
    /// Ascending by atoms; no coefficient is zero.
    var terms: [Term] = []

    static func constant(_ value: Int64) -> Polynomial { Polynomial(constant: value) }
    static func atom(_ number: Int) -> Polynomial {
        Polynomial(terms: [Term(atoms: [number], coefficient: 1)])
    }

    var isConstant: Bool { self.terms.isEmpty }

    /// The only atom, when it is `1 * atom`.
    var singleAtom: Int? {
        guard self.constant == 0, self.terms.count == 1, self.terms[0].coefficient == 1,
            self.terms[0].atoms.count == 1
        else { return nil }
        return self.terms[0].atoms[0]
    }

    func adding(_ other: Polynomial, times factor: Int64 = 1) -> Polynomial? {
        var collected = self.terms.map { ($0.atoms, $0.coefficient) }
        for term in other.terms {
            let (scaled, overflow) = term.coefficient.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            collected.append((term.atoms, scaled))
        }
        let (scaled, overflow) = other.constant.multipliedReportingOverflow(by: factor)
        let (sum, more) = self.constant.addingReportingOverflow(scaled)
        guard !overflow, !more else { return nil }
        return Self.collected(collected, constant: sum)
    }

    func multiplied(by other: Polynomial) -> Polynomial? {
        var collected: [([Int], Int64)] = []
        guard (self.terms.count + 1) * (other.terms.count + 1) <= Self.productsMax else {
            return nil
        }
        let left = self.terms + [Term(atoms: [], coefficient: self.constant)]
        let right = other.terms + [Term(atoms: [], coefficient: other.constant)]
        for a in left {
            for b in right {
                let (product, overflow) = a.coefficient.multipliedReportingOverflow(
                    by: b.coefficient)
                guard !overflow, a.atoms.count + b.atoms.count <= Self.degreeMax else { return nil }
                if product != 0 { collected.append(((a.atoms + b.atoms).sorted(), product)) }
            }
        }
        return Self.collected(collected, constant: 0)
    }

    private static func collected(_ parts: [([Int], Int64)], constant: Int64) -> Polynomial? {
        var result = Polynomial(constant: constant)
        for (atoms, coefficient) in parts.sorted(by: { $0.0.lexicographicallyPrecedes($1.0) }) {
            if atoms.isEmpty {
                let (sum, overflow) = result.constant.addingReportingOverflow(coefficient)
                guard !overflow else { return nil }
                result.constant = sum
            } else if let last = result.terms.last, last.atoms == atoms {
                let (sum, overflow) = last.coefficient.addingReportingOverflow(coefficient)
                guard !overflow else { return nil }
                result.terms[result.terms.count - 1] = Term(atoms: atoms, coefficient: sum)
            } else {
                result.terms.append(Term(atoms: atoms, coefficient: coefficient))
            }
        }
        result.terms.removeAll { $0.coefficient == 0 }
        let fits = result.terms.allSatisfy { $0.coefficient.magnitude <= Self.coefficientMax }
        guard fits, result.terms.count <= Self.termsMax,
            result.constant.magnitude <= Self.coefficientMax
        else { return nil }
        return result
    }

    /// Takes out what is divisible by `divisor` (one term): self = quotient × divisor + rest.
    func divided(by divisor: Term) -> (quotient: Polynomial, rest: Polynomial) {
        var quotient = Polynomial()
        var rest = Polynomial()
        for term in self.terms {
            var atoms = term.atoms
            var contains = true
            for atom in divisor.atoms {
                guard let position = atoms.firstIndex(of: atom) else {
                    contains = false
                    break
                }
                atoms.remove(at: position)
            }
            guard contains, term.coefficient % divisor.coefficient == 0 else {
                rest.terms.append(term)
                continue
            }
            let factor = term.coefficient / divisor.coefficient
            if atoms.isEmpty {
                quotient.constant += factor
            } else {
                quotient.terms.append(Term(atoms: atoms, coefficient: factor))
            }
        }
        quotient.terms.sort { $0.atoms.lexicographicallyPrecedes($1.atoms) }
        if divisor.atoms.isEmpty {
            let (whole, part) = self.constant.quotientAndRemainder(dividingBy: divisor.coefficient)
            quotient.constant += part < 0 ? whole - 1 : whole
            rest.constant = part < 0 ? part + divisor.coefficient : part
        } else {
            rest.constant = self.constant
        }
        return (quotient, rest)
    }
}

/// What products are made of.
enum Atom: Hashable, Sendable {
    case lane(Int)
    case group(Int)
    case groups(Int)
    case scalar(Int)
    /// The variable's value at this point.
    case variable(Int)
    /// Any other integer expression, evaluated at this point.
    case expression(Expression)

    /// The same for all lanes, and for the whole launch.
    var isLaunchConstant: Bool {
        switch self {
        case .group, .groups, .scalar: true
        case .lane, .variable, .expression: false
        }
    }

    /// Variables that its value depends on, and whether memory is read.
    fileprivate var dependencies: (variables: [Int], readsMemory: Bool) {
        switch self {
        case .variable(let variable): return ([variable], false)
        case .expression(let expression):
            var variables: [Int] = []
            var reads = false
            expression.forEachNode {
                if case .variable(let variable) = $0.node { variables.append(variable) }
                if case .load = $0.node { reads = true }
            }
            return (variables, reads)
        case .lane, .group, .groups, .scalar: return ([], false)
        }
    }
}

/// Atoms by number.
struct AtomTable: Sendable {
    private(set) var atoms: [Atom] = []
    private var variables: [[Int]] = []
    private var readsMemory: [Bool] = []
    private var numbers = Lookup<Atom, Int>()

    mutating func number(_ atom: Atom) -> Int {
        if let known = self.numbers[atom] { return known }
        let dependencies = atom.dependencies
        self.atoms.append(atom)
        self.variables.append(dependencies.variables)
        self.readsMemory.append(dependencies.readsMemory)
        self.numbers[atom] = self.atoms.count - 1
        return self.atoms.count - 1
    }

    subscript(number: Int) -> Atom { self.atoms[number] }

    /// Variables that a polynomial depends on; nil when it also depends on memory.
    func variables(of polynomial: Polynomial) -> [Int]? {
        var found: [Int] = []
        for term in polynomial.terms {
            for number in term.atoms {
                if self.readsMemory[number] { return nil }
                found += self.variables[number]
            }
        }
        return found
    }
}
