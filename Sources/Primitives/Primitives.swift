// Primitives
//
// The words: amounts, ids, digests, keys, signatures, canonical encoding, Merkle trees, time as a
// number.
