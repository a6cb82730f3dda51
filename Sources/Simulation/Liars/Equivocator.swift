/// The last validator is two machines with one key, which say different things.
///
/// Neither knows of the other: each keeps every rule, and together they break those of consensus.
/// Both audit with the one account.
enum Equivocator {
    /// The machines' keys, the twin's at the end.
    static func keys(of validators: Int) -> [Int] {
        Array(0..<validators) + [validators - 1]
    }
}
