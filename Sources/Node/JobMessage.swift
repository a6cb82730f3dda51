import Provider

/// What providers, auditors and requesters say to each other; consensus has messages of its own.
typealias JobMessage = Message
