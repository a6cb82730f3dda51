// Consensus
//
// Orders opaque block digests among validators who may lie. `Voter`, `Tally`, `Resolver`, `Epochs`.
//
// Plain Simplex: a view has one leader, whose block is notarized, or the view is nullified, by more
// than two thirds of the stake; a notarized and certified block is finalized by as many. Nothing is
// ever forced: without a quorum the chain stands still.
//
// `Simplex` puts the four parts together; it is what a node owns. The same code runs for one
// validator, where a quorum is one's own vote, and for many.
//
// Source: Chan and Pass, "Simplex Consensus: A Simple and Fast Consensus Protocol", TCC 2023;
// protocol/consensus.md.
