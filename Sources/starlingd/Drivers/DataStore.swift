import Store

/// The data directory; ``Kernels`` has a `Store`, too, so files that import both use this name.
typealias DataStore = Store
