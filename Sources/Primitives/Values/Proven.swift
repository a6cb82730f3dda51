extension Optional {
    /// The value that is provably present; `why` is the proof.
    ///
    /// A trap here is a bug of ours, never the effect of an input.
    package func proven(_ why: StaticString) -> Wrapped {
        guard let value = self else { preconditionFailure("not proven: \(why)") }
        return value
    }
}
