import Provider

/// Never asks its own chain, and so never reports.
enum SilentAuditor {
    /// True for what it does not do.
    static func performs(_ effect: Provider.Effect) -> Bool {
        if case .revealAudit = effect { true } else { false }
    }
}
