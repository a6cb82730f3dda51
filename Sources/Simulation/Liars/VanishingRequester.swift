/// Posts its jobs and never comes back: it asks for no answer, and nobody looks after the jobs.
///
/// Everything that follows, up to the refund, must happen without it.
enum VanishingRequester {
    /// What becomes of a person once a transaction left it; nil: the ordinary course.
    static func leaves(_ person: Person, _ wish: Person.Wish, _ plan: Plan) -> Person? {
        guard plan.cheat == .vanishingRequester, case .order = wish else { return nil }
        var gone = person
        gone.phase = .idle
        gone.done += 1
        return gone
    }
}
