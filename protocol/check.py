#!/usr/bin/env python3
"""Checks Starling's formats, independently of its code: Python 3.11, standard library alone.

    check.py vectors [FOLDER]                  re-derives every vector of protocol/vectors
    check.py state FILE                        an exported chain state, up to its certificate
    check.py receipt FILE [--output BLOB]      a job's receipt, up to its certificate
    check.py chain FILE [--sample N]           an exported chain, from its genesis to its last
                                               certificate (signatures of N certificates only)
    check.py session                           vectors/session.json: the handshake of two nodes
    check.py state|receipt|chain FILE --genesis G   G holds the genesis (canonical bytes or JSON)
    check.py state|receipt|chain FILE --flip [N]    flips N bits (1,000): each must be refused

Exit status: 0 everything agrees, 1 something is refused (the words say what), 2 wrong usage.

What is checked, and why it suffices, is written in the pages beside this file; section names are
quoted where a rule comes from.
"""

import argparse
import hashlib
import hmac
import json
import math
import os
import sys


class Refused(Exception):
    """The input is not what it claims to be; the text says where."""


def demand(condition, words):
    if not condition:
        raise Refused(words)


# --- encoding.md, "Hashes" ----------------------------------------------------------------------

NONE = bytes(16)


def H(domain, salt, *parts):
    """BLAKE2b-256 under a domain (without the zero padding) and a 16-byte chain salt."""
    state = hashlib.blake2b(digest_size=32, person=domain.encode(), salt=salt)
    for part in parts:
        state.update(part)
    return state.digest()


def u(bits, value):
    return value.to_bytes(bits // 8, "little")


# --- encoding.md, "Trees" -----------------------------------------------------------------------

def merkle_root(leaves, domain, salt):
    """RFC 6962's shape: split at the largest power of two below the count."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return H(domain, salt, merkle_root(leaves[:split], domain, salt),
             merkle_root(leaves[split:], domain, salt))


def merkle_path(leaves, index, domain, salt):
    if len(leaves) <= 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return merkle_path(leaves[:split], index, domain, salt) + [
            merkle_root(leaves[split:], domain, salt)]
    return merkle_path(leaves[split:], index - split, domain, salt) + [
        merkle_root(leaves[:split], domain, salt)]


def merkle_from_path(leaf, index, count, path, domain, salt):
    """The root that a path leads to; refused when the path has the wrong length."""
    demand(0 <= index < count, f"leaf {index} of {count}")

    def climb(index, count, path):
        if count == 1:
            demand(not path, "the Merkle path is too long")
            return leaf
        demand(path, "the Merkle path is too short")
        split = 1
        while split * 2 < count:
            split *= 2
        if index < split:
            return H(domain, salt, climb(index, split, path[:-1]), path[-1])
        return H(domain, salt, path[-1], climb(index - split, count - split, path[:-1]))

    return climb(index, count, path)


def mountain_range_root(leaves, domain, salt):
    if not leaves:
        return bytes(32)
    peaks, start = [], 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            peaks.append(merkle_root(leaves[start:start + (1 << bit)], domain, salt))
            start += 1 << bit
    bag = peaks[-1]
    for peak in reversed(peaks[:-1]):
        bag = H(domain, salt, peak, bag)
    return H(domain, salt, u(64, len(leaves)), bag)


def blob_id(data):
    """jobs.md, "Blobs"."""
    chunks = [H("sl/blob/1", NONE, b"\0", data[i:i + 4096]) for i in range(0, len(data), 4096)]
    return H("sl/blob/1", NONE, b"\1", u(64, len(data)), merkle_root(chunks, "sl/blob/1", NONE))


# --- encoding.md, "Generator" -------------------------------------------------------------------

class Generator:
    """ChaCha20 (RFC 8439), nonce zero, from block 0."""

    def __init__(self, seed):
        self.key = [int.from_bytes(seed[i:i + 4], "little") for i in range(0, 32, 4)]
        self.block = 0
        self.buffer = b""

    def bytes(self, count):
        while len(self.buffer) < count:
            self.buffer += self._next()
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def u64(self):
        return int.from_bytes(self.bytes(8), "little")

    def below(self, bound):
        if bound <= 1:
            return 0
        limit = (1 << 64) - (1 << 64) % bound
        while True:
            value = self.u64()
            if value < limit:
                return value % bound

    def _next(self):
        tail = [self.block & 0xFFFFFFFF, 0, self.block >> 32 & 0xFFFFFFFF, self.block >> 64]
        self.block += 1
        return chacha_block(self.key, tail)


QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def chacha_rounds(start):
    """The twenty rounds of ChaCha20 on sixteen words."""
    x, mask = list(start), 0xFFFFFFFF
    for _ in range(10):
        for a, b, c, d in QUARTERS:
            p, q, r, s = x[a], x[b], x[c], x[d]
            p = p + q & mask
            s ^= p
            s = (s << 16 | s >> 16) & mask
            r = r + s & mask
            q ^= r
            q = (q << 12 | q >> 20) & mask
            p = p + q & mask
            s ^= p
            s = (s << 8 | s >> 24) & mask
            r = r + s & mask
            q ^= r
            x[a], x[b], x[c], x[d] = p, (q << 7 | q >> 25) & mask, r, s
    return x


def chacha_block(key, tail):
    """64 bytes of the stream: eight words of key, then counter and nonce."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574] + key + tail
    return b"".join(
        u(32, a + b & 0xFFFFFFFF) for a, b in zip(chacha_rounds(start), start))


# --- identity.md, "Signatures": RFC 8032, with the rules of libsodium 1.0.18 --------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def _add(a, b):
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    v, w = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, w - v, w + v, t + s
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n, point):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = _add(out, point)
        point = _add(point, point)
        n >>= 1
    return out


def _point(data):
    """A point from its encoding, or None; y at or above the prime is no encoding."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P:
        return None
    if x & 1 != sign:
        x = P - x
    return x % P, y, 1, x * y % P


def _bytes(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _table(point):
    """For each of the 64 half bytes of a number, its 16 multiples of the point."""
    table = []
    for _ in range(64):
        row = [(0, 1, 1, 0)]
        for _ in range(15):
            row.append(_add(row[-1], point))
        table.append(row)
        point = _add(row[-1], point)
    return table


def _from_table(n, table):
    out = (0, 1, 1, 0)
    for row in table:
        if n & 15:
            out = _add(out, row[n & 15])
        n >>= 4
    return out


def _is_small_order(data):
    """True for the encodings, canonical or not, of the eight points of small order."""
    y = (int.from_bytes(data, "little") & (1 << 255) - 1)
    return y in SMALL_ORDER_Y


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
# y of the points of order 1, 2, 4 and 8, and the two non-canonical forms that fit 255 bits.
_ORDER_8_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ORDER_Y = {0, 1, P - 1, P, P + 1, _ORDER_8_Y, P - _ORDER_8_Y}


BASE_TABLE = _table(BASE)
KEY_TABLES = {}  # Of keys that sign often: the same sums, ten times as fast.
VERIFIED = {}


def remember_key(key):
    """Prepares for many signatures of a key."""
    a = _point(key) if key not in KEY_TABLES else None
    if a is not None and len(KEY_TABLES) < 256:
        KEY_TABLES[key] = _table((P - a[0], a[1], 1, P - a[3]))


def verify_once(key, message, signature):
    """As `verify`, but what was looked at before is not computed again."""
    what = key + message + signature
    if what not in VERIFIED:
        VERIFIED[what] = verify(key, message, signature)
    return VERIFIED[what]


def verify(key, message, signature):
    """identity.md, "Signatures": what libsodium accepts, nothing else."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L or _is_small_order(r) or _is_small_order(key):
        return False
    a = _point(key)
    if a is None:
        return False
    digest = hashlib.sha512(r + key + message).digest()
    h = int.from_bytes(digest, "little") % L
    if key in KEY_TABLES:
        product = _from_table(h, KEY_TABLES[key])
    else:
        product = _times(h, (P - a[0], a[1], 1, P - a[3]))
    return _bytes(_add(_from_table(s, BASE_TABLE), product)) == r


# --- encoding.md, "Values" and "Records" --------------------------------------------------------

class Reader:
    """Reads canonical bytes; `fail` names the error of encoding.md, "Errors"."""

    def __init__(self, data, where="bytes"):
        self.data, self.at, self.where = data, 0, where

    def fail(self, error, words=""):
        raise Refused(f"{self.where}: {error} at offset {self.at} {words}".rstrip())

    def raw(self, count):
        if self.at + count > len(self.data):
            self.fail("truncated")
        self.at += count
        return self.data[self.at - count:self.at]

    def u(self, bits):
        return int.from_bytes(self.raw(bits // 8), "little")

    def flag(self):
        value = self.u(8)
        if value > 1:
            self.fail("invalid", "(a flag)")
        return value == 1

    def amount(self):
        value = self.u(128)
        if value > 1 << 112:
            self.fail("invalid", "(an amount above 2^112)")
        return value

    def points(self):
        value = self.u(16)
        if value > 10000:
            self.fail("invalid", "(basis points above 10,000)")
        return value

    def id(self):
        return self.raw(32)

    def length(self, most):
        value = shift = 0
        while True:
            byte = self.u(8)
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 28:
                self.fail("nonMinimalLength")
        if byte == 0 and shift or value >= 1 << 32:
            self.fail("nonMinimalLength")
        if value > most:
            self.fail("tooLong")
        return value

    def bytes(self, most):
        return self.raw(self.length(most))

    def text(self, most):
        try:
            return self.bytes(most).decode()
        except UnicodeDecodeError:
            self.fail("invalid", "(not UTF-8)")

    def maybe(self, read):
        return read() if self.flag() else None

    def list(self, most, read):
        return [read() for _ in range(self.length(most))]

    def finish(self):
        if self.at != len(self.data):
            self.fail("trailingBytes")


def length(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


# --- records, field by field --------------------------------------------------------------------
#
# A kind is a name ("u8", "u64", "u128", "amount", "id", "sig", "flag", "points") or a tuple:
# ("bytes", most), ("text", most), ("list", kind, most), ("maybe", kind), ("record", fields),
# ("code", names), ("outcome",).
# Decoded values have the JSON forms of encoding.md, "Records".

def decode(kind, reader):
    if kind in ("u8", "u16", "u32"):
        return reader.u(int(kind[1:]))
    if kind in ("u64", "u128"):
        return str(reader.u(int(kind[1:])))
    if isinstance(kind, str):
        value = {"amount": reader.amount, "flag": reader.flag, "points": reader.points,
                 "id": reader.id, "sig": lambda: reader.raw(64)}[kind]()
        return str(value) if kind == "amount" else value.hex() if kind in ("id", "sig") else value
    name = kind[0]
    if name == "bytes":
        return reader.bytes(kind[1]).hex()
    if name == "text":
        return reader.text(kind[1])
    if name == "list":
        return reader.list(kind[2], lambda: decode(kind[1], reader))
    if name == "maybe":
        return reader.maybe(lambda: decode(kind[1], reader))
    if name == "code":
        value = reader.u(8)
        if value not in kind[1]:
            reader.fail("unknownTag", f"({value})")
        return kind[1][value]
    if name == "outcome":
        if not reader.flag():
            return {"kind": "ok"}
        return {"kind": "rejected", "code": reader.u(16), "operation": reader.u(8)}
    return {field: decode(inner, reader) for field, inner in kind[1]}


def decode_all(kind, data, where):
    reader = Reader(data, where)
    value = decode(kind, reader)
    reader.finish()
    demand(encode(kind, value) == data, f"{where}: does not encode to its own bytes")
    return value


def encode(kind, value):
    if kind in ("u8", "u16", "u32", "u64", "u128"):
        return u(int(kind[1:]), int(value))
    if kind == "amount":
        return u(128, int(value))
    if kind == "points":
        return u(16, value)
    if kind == "flag":
        return bytes([value])
    if kind in ("id", "sig"):
        return unhex(value)
    name = kind[0]
    if name == "bytes":
        return length(len(unhex(value))) + unhex(value)
    if name == "text":
        return length(len(value.encode())) + value.encode()
    if name == "list":
        return length(len(value)) + b"".join(encode(kind[1], item) for item in value)
    if name == "maybe":
        return b"\0" if value is None else b"\1" + encode(kind[1], value)
    if name == "code":
        return bytes([code for code, word in kind[1].items() if word == value])
    if name == "outcome":
        return b"\0" if value["kind"] == "ok" else (
            b"\1" + u(16, value["code"]) + u(8, value["operation"]))
    demand(isinstance(value, dict) and [field for field, _ in kind[1]] == list(value),
           f"members {list(value)} are not {[field for field, _ in kind[1]]}")
    return b"".join(encode(inner, value[field]) for field, inner in kind[1])


def unhex(text):
    try:
        return bytes.fromhex(text)
    except (ValueError, TypeError):
        raise Refused(f"not hexadecimal: {str(text)[:40]}") from None


# --- genesis.md, block.md, consensus.md ---------------------------------------------------------

LEDGER_PARAMETERS = ("record", (
    ("feeRate", "u64"), ("feeDoubling", "u64"), ("feePriceMin", "u64"), ("feePriceMax", "u64"),
    ("entryDeposit", "u64")))

FEES = ("record", (
    ("protocolFee", "points"), ("stakersPart", "points"), ("treasuryPart", "points"),
    ("coverPart", "points")))

BALLOT_TERMS = ("record", (
    ("votingMs", "u64"), ("timelockMs", "u64"), ("quorum", "points"), ("threshold", "points"),
    ("deposit", "amount"), ("powerMin", "amount")))

PARAMETERS = ("record", (
    ("offerStandingMs", "u64"), ("assignMsMax", "u64"), ("runMsMax", "u64"),
    ("auditMsMax", "u64"), ("windowMs", "u64"), ("drawProposers", "u8"), ("fees", FEES),
    ("kernelActivationMs", "u64"), ("laneGas", "u64"), ("laneMs", "u64"), ("bondMin", "amount"),
    ("blockWeightMax", "u64"), ("duePerBlock", "u16"), ("auditorMs", "u64"), ("answerMs", "u64"),
    ("challengeFee", "amount"), ("slashMultiple", "u8"), ("auditorSlashMax", "amount"),
    ("auditorsMax", "u8"), ("faultMemoryMs", "u64"),
    ("liabilityMs", "u64"), ("reporterPart", "points"), ("slashCoverPart", "points"),
    ("kernelBond", "amount"), ("unbondingMs", "u64"), ("ballot", BALLOT_TERMS)))

GENESIS = ("record", (
    ("version", "u8"), ("name", ("text", 64)), ("time", "u64"), ("ledger", LEDGER_PARAMETERS),
    ("parameters", PARAMETERS),
    ("validators", ("list", ("record", (
        ("key", "id"), ("stake", "amount"), ("anchor", "id"), ("auditAnchor", "id"),
        ("auditCount", "u32"), ("payout", "id"))), 100)),
    ("accounts", ("list", ("record", (("account", "id"), ("balance", "amount"))), 10000))))

HEADER = ("record", (
    ("version", "u8"), ("chain", "id"), ("epoch", "u64"), ("view", "u64"), ("height", "u64"),
    ("parent", "id"), ("timeMs", "u64"), ("proposer", "id"), ("bodyRoot", "id"),
    ("receiptsRoot", "id"), ("stateRoot", "id"), ("historyRoot", "id"),
    ("validatorsHash", "id"), ("nextValidatorsHash", ("maybe", "id")), ("baseFee", "u64"),
    ("usedWeight", "u64"), ("beaconReveal", "id"), ("readiness", "u32")))

POLICY = ("record", (
    ("version", "u8"), ("threshold", "u32"),
    ("keys", ("list", ("record", (("key", "id"), ("weight", "u16"))), 16))))

AUTHORISATION = ("record", (("signers", "u16"), ("signatures", ("list", "sig", 16))))

TRANSACTION = ("record", (
    ("version", "u8"), ("account", "id"), ("nonce", "u64"), ("validUntil", "u64"),
    ("maxFee", "amount"), ("tip", "amount"), ("operations", ("list", ("bytes", 1 << 19), 16)),
    ("policy", ("maybe", POLICY)), ("authorisation", AUTHORISATION)))

BODY = ("record", (
    ("evidence", ("list", ("bytes", 4096), 16)), ("transactions", ("list", TRANSACTION, 16384))))

RECEIPT = ("record", (
    ("transaction", "id"), ("outcome", ("outcome",)), ("fee", "amount"), ("burned", "amount"),
    ("tip", "amount"), ("weight", "u64"), ("events", ("list", ("record", (
        ("kind", "u16"), ("bytes", ("bytes", 1024)))), 64))))

VOTE_KINDS = {1: "notarize", 2: "nullify", 3: "finalize"}

CERTIFICATE = ("record", (
    ("kind", ("code", VOTE_KINDS)), ("epoch", "u64"), ("view", "u64"), ("block", "id"),
    ("signers", ("bytes", 64)), ("signatures", ("list", "sig", 512))))


class Chain:
    """A network as its genesis says it: the salt of every hash, and who votes."""

    def __init__(self, genesis):
        data = encode(GENESIS, genesis)
        self.id = H("sl/genesis/1", NONE, data)
        demand(genesis["version"] == 1, "genesis: not version 1")
        self.salt = self.id[:16]
        self.parameters = genesis["parameters"]
        self.seats = [(unhex(one["key"]), int(one["stake"])) for one in genesis["validators"]]
        keys = [key for key, _ in self.seats]
        demand(keys and all(a < b for a, b in zip(keys, keys[1:])), "genesis: keys ascend")
        demand(all(int(one["auditAnchor"], 16) for one in genesis["validators"]),
               "genesis: a validator without an audit anchor")
        demand(all(one["auditCount"] for one in genesis["validators"]),
               "genesis: a validator without audits")
        check_parameters(self.parameters)
        demand(self.parameters["drawProposers"] <= len(self.seats), "parameters: drawProposers")
        self.validators_hash = validators_hash(self.salt, self.seats)

    def check_header(self, data, certificate):
        """The header of a final block, certified by more than two thirds of the stake."""
        header = decode_all(HEADER, data, "header")
        demand(header["version"] == 1, "header: not version 1")
        demand(header["chain"] == self.id.hex(), "header: of another network")
        demand(header["validatorsHash"] == self.validators_hash.hex(),
               "header: other validators than the genesis names")
        block = H("sl/block/1", self.salt, data)
        if header["height"] == "0":
            raise Refused("header: the genesis proves nothing about later blocks")
        demand(certificate, "certificate: there is none beside the header")
        proof, signers = check_certificate(certificate, self.seats, self.salt)
        demand(proof["kind"] == "finalize", f"certificate: {proof['kind']}, not finalize")
        demand(proof["block"] == block.hex(), "certificate: of another block")
        demand(proof["epoch"] == header["epoch"], "certificate: of another epoch")
        return header, block, len(signers)


def check_parameters(one):
    """jobs.md, "Parameters", and economy/governance.md, "Terms": the bounds."""
    fees, terms = one["fees"], one["ballot"]
    for holds, words in (
            (1 <= one["drawProposers"] <= 8, "drawProposers"),
            (fees["protocolFee"] <= 5000 and fees["stakersPart"] + fees["treasuryPart"]
             + fees["coverPart"] <= 10000, "fees"),
            (one["reporterPart"] + one["slashCoverPart"] <= 8000, "the parts of a slash"),
            (all(int(one[name]) for name in (
                "laneMs", "duePerBlock", "auditorMs", "answerMs", "slashMultiple",
                "auditorsMax")), "a zero"),
            (all(int(terms[name]) for name in ("votingMs", "quorum", "deposit", "powerMin"))
             and terms["threshold"] > 5000, "the terms of ballots"),
            (2 * int(one["auditorMs"]) <= int(one["auditMsMax"]), "auditMsMax"),
            (int(one["unbondingMs"]) >= int(terms["votingMs"]) + int(terms["timelockMs"]),
             "unbondingMs")):
        demand(holds, f"parameters: {words}")


def chain_of(data, genesis):
    """The network of a file: its genesis lies in it, or beside it and is named by its id."""
    named = data.get("genesis")
    if isinstance(named, dict):
        demand(genesis in (None, named), "genesis: the file has another one")
        return Chain(named)
    demand(genesis is not None, "genesis: the file names it only; give it with --genesis")
    chain = Chain(genesis)
    demand(named == chain.id.hex(), f"genesis: the file is of the network {named}")
    return chain


def check_certificate(data, seats, salt, signed=True):
    """A certificate of seats (key, weight) in the order of their keys.

    Without `signed` everything but the signatures themselves.
    """
    proof = decode_all(CERTIFICATE, data, "certificate")
    bitmap = unhex(proof["signers"])
    demand(len(bitmap) == (len(seats) + 7) // 8, "certificate: bitmap of a wrong length")
    signers = [i for i in range(8 * len(bitmap)) if bitmap[i // 8] >> i % 8 & 1]
    demand(signers and signers[-1] < len(seats), "certificate: signers beyond the set")
    demand(len(signers) == len(proof["signatures"]), "certificate: signatures are not signers")
    weight = sum(seats[i][1] for i in signers)
    demand(3 * weight > 2 * sum(one[1] for one in seats), "certificate: no quorum")
    names_block = any(unhex(proof["block"]))
    demand(proof["view"] != "0" and names_block == (proof["kind"] != "nullify"),
           "certificate: malformed")
    digest = vote_digest(proof, salt)
    for i, signature in zip(signers, proof["signatures"]) if signed else ():
        demand(verify_once(seats[i][0], digest, unhex(signature)),
               f"certificate: the signature of validator {i} does not verify")
    return proof, signers


def vote_digest(proof, salt):
    fields = CERTIFICATE[1][:4]
    vote = encode(("record", fields), {name: proof[name] for name, _ in fields})
    return H("sl/vote/1", salt, vote)


def validators_hash(salt, seats):
    """Of seats (key, weight) in the order of their keys."""
    demand(all(0 < weight < 1 << 64 for _, weight in seats), "validators: a stake beyond 64 bits")
    return H("sl/vals/1", salt, length(len(seats)), *(key + u(64, one) for key, one in seats))


# --- state.md -----------------------------------------------------------------------------------

def row_leaf(key, value, salt):
    path = H("sl/statekey/1", salt, key)
    return path, H("sl/stateleaf/1", salt, b"\1", path, H("sl/stateleaf/1", salt, b"\0", value))


def bucket(leaves, salt):
    return H("sl/statebkt/1", salt, bytes([len(leaves)]), *leaves) if leaves else bytes(32)


def bit(path, index):
    return path[index // 8] >> 7 - index % 8 & 1


def state_root(rows, salt, depth=0):
    """Rows are (path, leaf), ascending by path."""
    if len(rows) <= 8:
        return bucket([leaf for _, leaf in rows], salt)
    split = sum(1 for path, _ in rows if not bit(path, depth))
    return H("sl/statenode/1", salt, state_root(rows[:split], salt, depth + 1),
             state_root(rows[split:], salt, depth + 1))


def check_state_proof(proof, key, value, root, salt):
    path = H("sl/statekey/1", salt, key)
    demand(unhex(proof["path"]) == path, "state proof: of another key")
    siblings = [unhex(one) for one in proof["siblings"]]
    demand(len(siblings) < 256 and len(proof["rows"]) <= 8, "state proof: too long")
    leaves, found, last = [], None, b""
    for row in proof["rows"]:
        where, digest = unhex(row["path"]), unhex(row["valueHash"])
        demand(all(bit(where, i) == bit(path, i) for i in range(len(siblings))),
               "state proof: a row outside its bucket")
        demand(where > last, "state proof: rows do not ascend")
        last = where
        found = digest if where == path else found
        leaves.append(H("sl/stateleaf/1", salt, b"\1", where, digest))
    wanted = None if value is None else H("sl/stateleaf/1", salt, b"\0", value)
    demand(found == wanted, "state proof: not of this value")
    node = bucket(leaves, salt)
    for index in reversed(range(len(siblings))):
        pair = (siblings[index], node) if bit(path, index) else (node, siblings[index])
        node = H("sl/statenode/1", salt, *pair)
    demand(node == root, "state proof: does not lead to the state root of the header")


def check_state(data, genesis, words):
    """An exported state: every row, up to a certificate of the validators of the genesis."""
    chain = chain_of(data, genesis)
    header, block, signers = chain.check_header(unhex(data["header"]), unhex(data["certificate"]))
    rows = []
    for row in data["rows"]:
        key, value = unhex(row["key"]), unhex(row["value"])
        demand(2 <= len(key) <= 256 and len(value) <= 2048, f"row {row['key'][:24]}: its size")
        path, leaf = row_leaf(key, value, chain.salt)
        demand(row.get("path", path.hex()) == path.hex(), f"row {row['key'][:24]}: its path")
        demand(not rows or rows[-1][0] < path, f"row {row['key'][:24]}: out of order")
        rows.append((path, leaf))
    root = state_root(rows, chain.salt)
    demand(root.hex() == header["stateRoot"], "the rows do not have the state root of the header")
    check_books([(unhex(row["key"]), unhex(row["value"])) for row in data["rows"]], words)
    words(f"state: network {chain.id.hex()}")
    words(f"state: block {header['height']} {block.hex()}, certified by {signers} of "
          f"{len(chain.seats)} validators")
    words(f"state: {len(rows)} rows have the state root {root.hex()}")


# --- state.md, "Records" ------------------------------------------------------------------------

MOMENT = ("record", (("height", "u64"), ("time", "u64")))

LEGS = ("stakers", "treasury", "cover", "burned", "author", "dataOwner", "holders", "operator")

WATERFALL = ("record", tuple(
    (name, "amount") for name in ("price",) + LEGS + ("auditor", "refund")))

PHASES = dict(enumerate((
    "posted", "assigned", "committed", "drawn", "summoned", "opened", "window", "settled",
    "cancelled", "unassigned", "uncommitted", "unaudited", "faulted", "kernelFault", "withheld")))

OPEN_PHASES = tuple(PHASES.values())[:7]

CHALLENGE = ("record", (
    ("by", "id"), ("leaf", "u64"), ("chunk", "u32"), ("sliceBytes", "u64"), ("since", MOMENT),
    ("due", "u64"), ("windowEnd", "u64")))

JOB = ("record", (
    ("id", "id"), ("sequence", "u64"), ("phase", ("code", PHASES)), ("requester", "id"),
    ("kernel", "id"), ("exactness", "u8"), ("leaves", "u64"), ("gas", "u64"),
    ("outputBytes", "u64"), ("leavesToAudit", "u16"), ("fees", FEES), ("maxPrice", "amount"),
    ("auditFee", "amount"), ("escrow", "amount"), ("assignMs", "u64"), ("runMs", "u64"),
    ("auditMs", "u64"), ("auditorMs", "u64"), ("windowMs", "u64"), ("note", ("bytes", 256)),
    ("orderBytes", "u32"), ("due", "u64"), ("drawDue", "u64"), ("redraws", "u8"),
    ("attempt", "u8"), ("offer", "id"), ("provider", "id"),
    ("providerNode", "id"), ("price", "amount"), ("bond", "amount"), ("candidates", "u16"),
    ("candidateBond", "amount"), ("leafRoot", "id"), ("outputCommitment", "id"),
    ("auditor", "id"), ("auditorStake", "amount"), ("auditorSeat", "u32"), ("auditors", "u8"),
    ("drawMix", "id"), ("auditIndex", "u64"), ("auditLink", "id"),
    ("auditSteps", "u16"), ("auditReveal", "id"), ("auditCommitment", "id"),
    ("openingsHash", "id"), ("openingsBytes", "u32"), ("prepaid", "amount"),
    ("challenge", ("maybe", CHALLENGE)), ("challenges", "u8"), ("outputRoot", "id"),
    ("since", MOMENT),
    ("posted", MOMENT), ("assigned", ("maybe", MOMENT)), ("committed", ("maybe", MOMENT)),
    ("drawn", ("maybe", MOMENT)), ("audited", ("maybe", MOMENT)), ("closed", ("maybe", MOMENT)),
    ("waterfall", ("maybe", WATERFALL))))

ENDS = dict(enumerate(("uncommitted", "wrongLeaf", "silent", "withheld")))

ATTEMPT = ("record", (
    ("end", ("code", ENDS)), ("offer", "id"), ("provider", "id"), ("auditor", "id"),
    ("price", "amount"), ("leafRoot", "id"), ("outputCommitment", "id"),
    ("leaf", ("maybe", "u64")), ("isRepeated", "flag"), ("reporter", ("maybe", "id")),
    ("slashed", "amount"), ("auditorSlashed", "amount"), ("auditorLiable", "flag"),
    ("auditReveal", "id"), ("drawMix", "id"), ("ended", MOMENT)))

KERNEL = ("record", (
    ("id", "id"), ("sequence", "u64"), ("author", "id"), ("title", ("text", 96)),
    ("fee", "points"), ("exactness", "u8"), ("bytes", "u32"), ("vectors", "u8"),
    ("vectorGas", "u64"), ("published", MOMENT), ("activeFrom", "u64"), ("bond", "amount"),
    ("open", "u64"), ("isRetired", "flag"), ("isFaulty", "flag")))

OFFER = ("record", (
    ("id", "id"), ("sequence", "u64"), ("provider", "id"), ("node", "id"),
    ("pricePerGigaGas", "amount"), ("capacity", "u16"), ("running", "u16"), ("open", "u16"),
    ("classes", ("bytes", 8)), ("maxJobGas", "u64"), ("bond", "amount"), ("device", ("text", 128)),
    ("posted", MOMENT), ("standsUntil", "u64"), ("closing", "flag"), ("slot", "u32")))

COUNTERS = ("record", (
    ("kernels", "u64"), ("offers", "u64"), ("jobs", "u64"), ("standing", "u32"), ("due", "u32"),
    ("dueSequence", "u64"), ("drawHead", "u64"), ("drawTail", "u64"), ("auditHead", "u64"),
    ("auditTail", "u64"), ("openJobs", "u64"), ("escrow", "amount"), ("prepaid", "amount"),
    ("challenges", "u32"), ("summonses", "u32"), ("bonds", "amount"), ("proposals", "u64"),
    ("openProposals", "u32")))

VALIDATOR = ("record", (
    ("key", "id"), ("stake", "amount"), ("payout", "id"), ("lastReveal", "id"),
    ("reveals", "u64"), ("proposed", MOMENT), ("auditReveal", "id"), ("auditsRevealed", "u64"),
    ("auditsDrawn", "u64"), ("auditCount", "u32")))

POINTS = ("list", ("record", (("height", "u64"), ("power", "amount"))), 18)

STAKE_POOL = ("record", (
    ("bonded", "amount"), ("locked", "amount"), ("unbonding", "amount"), ("perShare", "u128"),
    ("carry", "u128"), ("queued", "amount"), ("owed", "amount"), ("paidIn", "u128"),
    ("points", POINTS), ("snapshots", ("list", "u64", 16))))

STAKE = ("record", (
    ("bonded", "amount"), ("locked", "amount"),
    ("unbondings", ("list", ("record", (("amount", "amount"), ("due", "u64"))), 16)),
    ("index", "u128"), ("accrued", "amount"), ("fraction", "u64"), ("claimed", "u128"),
    ("points", POINTS)))

PROPOSAL_PHASES = dict(enumerate(("voting", "queued", "executed", "defeated")))

PROPOSAL = ("record", (
    ("id", "id"), ("sequence", "u64"), ("proposer", "id"), ("title", ("text", 96)),
    ("action", ("record", (("kind", ("code", {0: "setFees"})), ("fees", FEES)))),
    ("terms", BALLOT_TERMS), ("snapshot", "u64"), ("power", "amount"),
    ("phase", ("code", PROPOSAL_PHASES)), ("yes", "amount"), ("no", "amount"),
    ("abstain", "amount"), ("ballots", "u64"), ("held", "amount"), ("due", "u64"),
    ("isExtended", "flag"), ("proposed", MOMENT), ("counted", ("maybe", MOMENT)),
    ("executed", ("maybe", MOMENT)), ("replaced", ("maybe", FEES))))

BALLOT = ("record", (
    ("choice", ("code", {0: "no", 1: "yes", 2: "abstain"})), ("weight", "amount"),
    ("cast", MOMENT)))

ASSET = ("record", (
    ("kind", ("code", {0: "coin", 1: "token", 2: "claim"})), ("issuer", "id"),
    ("decimals", "u8"), ("symbol", ("text", 16)), ("issued", "amount"), ("minted", "amount"),
    ("burned", "amount"), ("supplyMax", "amount"), ("rules", ("record", (
        ("isFrozen", "flag"), ("credential", ("maybe", "id")),
        ("holdingMax", ("maybe", "amount")))))))

# Tables whose rows are decoded: tag -> name, fields, bytes of the key after the tag.
TABLES = {
    2: ("balance", ("record", (
        ("amount", "amount"), ("held", "amount"), ("isFrozen", "flag"))), 64),
    3: ("hold", ("record", (
        ("owner", "id"), ("asset", "id"), ("amount", "amount"), ("purpose", "u16"))), 32),
    4: ("asset", ASSET, 32), 100: ("parameters", PARAMETERS, 1), 101: ("counters", COUNTERS, 1),
    103: ("lane", ("record", (("window", "u64"), ("used", "u64"))), 1),
    110: ("validator", VALIDATOR, 4), 120: ("kernel", KERNEL, 32), 130: ("offer", OFFER, 32),
    140: ("job", JOB, 32), 142: ("attempt", ATTEMPT, 33),
    143: ("fault", ("record", (("count", "u64"), ("last", MOMENT))), 32),
    170: ("pool", STAKE_POOL, 1), 171: ("stake", STAKE, 32), 180: ("proposal", PROPOSAL, 32),
    182: ("ballot", BALLOT, 64)}

STAR = H("sl/asset/1", NONE, b"STAR")


def module_account(name):
    return H("sl/module/1", NONE, length(len(name)), name.encode(), length(0))


def table_row(key, value):
    """The table's name, the key after its tag, and the record without its deposit."""
    name, fields, size = TABLES.get(int.from_bytes(key[:2], "little"), (None, None, None))
    if name is None:
        return None, None, None
    reader = Reader(value, f"{name} row")
    if reader.flag():
        reader.raw(40)
    demand(len(key) == 2 + size, f"{name} row: the length of its key")
    return name, key[2:], decode_all(fields, reader.raw(len(value) - reader.at), f"{name} row")


def check_books(rows, words):
    """economy/jobs.md, "Money", and economy/staking.md, "Rewards": sums over all rows."""
    tables, deposits = {name: {} for name, _, _ in TABLES.values()}, 0
    for key, value in rows:
        # A row that a transaction made has coins in it: who paid them, and how many.
        deposits += int.from_bytes(value[33:41], "little") if value[:1] == b"\1" else 0
        name, rest, record = table_row(key, value)
        if name:
            tables[name][rest] = record

    def total(table, *names, keep=lambda one: True):
        return sum(int(one[name]) for one in tables[table].values() if keep(one) for name in names)

    def balance(account):
        one = tables["balance"].get(account + STAR)
        return int(one["amount"]) if one else 0

    def held(purpose):
        return total("hold", "amount", keep=lambda one: one["purpose"] == purpose)

    counters, pool = tables["counters"].get(b"\0"), tables["pool"].get(b"\0")
    demand(counters and pool and b"\0" in tables["parameters"], "books: a row is not there")
    check_parameters(tables["parameters"][b"\0"])
    for job in tables["job"].values():
        whole = int(job["maxPrice"]) + int(job["auditFee"])
        demand(int(job["escrow"]) == (whole if job["phase"] in OPEN_PHASES else 0),
               f"books: the escrow of job {job['id']}")
        demand(job["phase"] in OPEN_PHASES or job["prepaid"] == "0",
               f"books: job {job['id']} is closed, and something is prepaid")
        demand((job["phase"] in OPEN_PHASES) == (job["waterfall"] is None),
               f"books: the waterfall of job {job['id']}")
        if job["waterfall"]:
            check_waterfall(job)
    for offer in tables["offer"].values():
        demand(offer["running"] <= min(offer["capacity"], offer["open"])
               and offer["open"] <= 16 * offer["capacity"], f"books: places of {offer['id']}")
    unbonding = sum(
        int(part["amount"]) for one in tables["stake"].values() for part in one["unbondings"])
    voting = [one for one in tables["proposal"].values() if one["phase"] == "voting"]
    waiting = [one for one in tables["proposal"].values() if one["phase"] in ("voting", "queued")]
    scale, index = 1 << 64, int(pool["perShare"])
    shares = sum(
        int(one["accrued"]) * scale + int(one["fraction"])
        + (int(one["bonded"]) + int(one["locked"])) * (index - int(one["index"]))
        for one in tables["stake"].values())
    for asset, one in tables["asset"].items():
        there = sum(int(each["amount"]) for key, each in tables["balance"].items()
                    if key[32:] == asset) + (deposits if asset == STAR else 0)
        demand(there == int(one["issued"]) == int(one["minted"]) - int(one["burned"])
               <= int(one["supplyMax"]), f"books: the supply of {one['symbol']}")
    balances = {}
    for key, one in tables["hold"].items():
        owner = unhex(one["owner"]) + unhex(one["asset"])
        balances[owner] = balances.get(owner, 0) + int(one["amount"])
    for left, right, what in (
            (total("job", "escrow", "prepaid"), balance(module_account("jobs.escrow")),
             "the escrow account is not escrows and what is prepaid"),
            (total("job", "escrow"), int(counters["escrow"]), "the sum of escrows"),
            (total("job", "prepaid"), int(counters["prepaid"]), "the sum of what is prepaid"),
            ((sum(one["challenge"] is not None for one in tables["job"].values()),
              sum(one["phase"] == "summoned" for one in tables["job"].values())),
             (counters["challenges"], counters["summonses"]), "open challenges and summonses"),
            (total("offer", "bond"), held(1), "bonds of offers are not held"),
            (total("offer", "bond"), int(counters["bonds"]), "the sum of bonds"),
            (total("kernel", "bond"), held(3), "bonds of kernels are not held"),
            (total("validator", "stake"), held(2), "stakes of validators are not held"),
            (total("validator", "stake"), total("stake", "locked"), "locked stake"),
            (total("stake", "bonded"), held(5), "bonded stake is not held"),
            (unbonding, held(6), "unbonding stake is not held"),
            (total("proposal", "held"), held(4), "deposits of proposals are not held"),
            ([int(pool[name]) for name in ("bonded", "locked", "unbonding")],
             [total("stake", "bonded"), total("stake", "locked"), unbonding], "the stake pool"),
            (int(pool["owed"]), balance(module_account("fees.stakers")),
             "the stakers' account is not what is owed"),
            ((int(pool["owed"]) - int(pool["queued"])) * scale, int(pool["carry"]) + shares,
             "what is owed is not the sum of the shares"),
            (int(counters["openProposals"]), len(waiting), "the number of open proposals"),
            (sorted(map(int, pool["snapshots"])), sorted(int(one["snapshot"]) for one in voting),
             "the snapshots of ballots"),
            ({key: int(one["held"]) for key, one in tables["balance"].items() if int(one["held"])},
             balances, "what is held of balances")):
        demand(left == right, f"books: {what}")
    for one in tables["proposal"].values():
        votes = [[int(vote["weight"]) for key, vote in tables["ballot"].items()
                  if key[:32].hex() == one["id"] and vote["choice"] == choice]
                 for choice in ("yes", "no", "abstain")]
        demand([sum(each) for each in votes] == [int(one[name]) for name in (
            "yes", "no", "abstain")] and sum(map(len, votes)) == int(one["ballots"])
            and sum(map(sum, votes)) <= int(one["power"]), f"books: the count of {one['id']}")
    words(f"state: {len(tables['job'])} jobs, {len(tables['offer'])} offers, "
          f"{len(tables['stake'])} stakes, {len(tables['proposal'])} proposals: the books balance")


# --- jobs.md ------------------------------------------------------------------------------------

def job_row(key, value):
    """The job in a row of the state."""
    name, rest, job = table_row(key, value)
    demand(name == "job" and rest.hex() == job["id"], "job row: under another key")
    return job


def sample(job, salt):
    """jobs.md, "Draw": the leaves that the auditor's pre-image names."""
    reveal, value = unhex(job["auditReveal"]), unhex(job["auditReveal"])
    demand(any(reveal), "job row: the auditor said nothing")
    for _ in range(job["auditSteps"]):
        value = H("sl/reveal/1", NONE, value)
    demand(value.hex() == job["auditLink"], "job row: the reveal is not of the auditor's chain")
    leaves, drawn = int(job["leaves"]), []
    wanted = min(job["leavesToAudit"], leaves, 64)
    for index in range(1024):
        digest = H("sl/draw/1", salt, b"\2", reveal, unhex(job["drawMix"]), unhex(job["id"]),
                   u(64, index))
        leaf = int.from_bytes(digest[:16], "big") % leaves
        if len(drawn) < wanted and leaf not in drawn:
            drawn.append(leaf)
    rest = (leaf for leaf in range(leaves) if leaf not in drawn)
    return drawn + [next(rest) for _ in range(wanted - len(drawn))]


def check_attempts(attempts, job):
    """Their form and number; what they say is proven by rows of their own."""
    for one in attempts:
        encode(ATTEMPT, one)
    ended = job["phase"] in ("uncommitted", "faulted", "withheld")
    demand(len(attempts) == job["attempt"] + ended, "receipt: not as many attempts as there were")


def check_waterfall(job):
    fall = {name: int(value) for name, value in job["waterfall"].items()}
    demand(sum(fall[name] for name in LEGS) == fall["price"],
           "waterfall: the legs do not sum to the price")
    price, whole, escrow = int(job["price"]), 10000, int(job["maxPrice"]) + int(job["auditFee"])
    if job["phase"] != "settled":
        demand(fall["refund"] == escrow - fall["price"] and fall["operator"] == fall["price"]
               and fall["auditor"] == 0, "waterfall: what is not paid returns")
        demand(fall["price"] <= (price if job["phase"] == "kernelFault" else 0),
               "waterfall: a job that was not settled is not paid")
        return
    fees = job["fees"]
    fee = price * fees["protocolFee"] // whole
    demand(fall["price"] == price, "waterfall: of another price")
    for name in ("stakers", "treasury", "cover"):
        demand(fall[name] == fee * fees[name + "Part"] // whole, f"waterfall: {name}")
    demand(fall["stakers"] + fall["treasury"] + fall["cover"] + fall["burned"] == fee,
           "waterfall: the parts of the protocol fee")
    demand(fall["auditor"] == int(job["auditFee"]), "waterfall: the auditor's fee")
    demand(fall["refund"] == int(job["maxPrice"]) - price, "waterfall: the refund")


SLASH_ROLES = {0: "provider", 1: "auditor", 2: "author"}

SLASH_REASONS = {1: "wrongLeaf", 2: "silent", 3: "withheld", 4: "vouched", 5: "auditorSilent",
                 6: "kernelFault", 7: "askedTwice"}

SLASH = ("record", (
    ("job", "id"), ("account", "id"), ("role", ("code", SLASH_ROLES)),
    ("reason", ("code", SLASH_REASONS)), ("amount", "amount"), ("reporter", ("maybe", "id")),
    ("toReporter", "amount"), ("toCover", "amount"), ("burned", "amount")))


def check_slash(data, parameters, seats=1):
    """jobs.md, "Slashes": how the event of a slash says it was divided; its amount.

    A stake may be of several validators, each divided by itself: then a few motes more are burned.
    """
    one = decode_all(SLASH, data, "slash")
    amount, reporter, cover, burned = (
        int(one[name]) for name in ("amount", "toReporter", "toCover", "burned"))
    most = [amount * parameters[name] // 10000 for name in ("reporterPart", "slashCoverPart")]
    if one["role"] == "author":
        most = [0, 0]
    nobody = one["reporter"] in (None, one["account"])
    slack = (seats if one["role"] == "auditor" else 1) - 1
    demand(amount and reporter + cover + burned == amount, "slash: its parts are not the whole")
    demand(most[1] - slack <= cover <= most[1], "slash: the cover's part")
    demand(reporter == 0 or not nobody and most[0] - slack <= reporter <= most[0],
           "slash: the reporter's part")
    return amount


def check_openings(openings, job, drawn, salt):
    demand(job["audited"], "openings: the job was not audited")
    named = [int(one["leaf"] if "leaf" in one else one["index"]) for one in openings]
    demand(named == drawn, "openings: not exactly the sample's leaves in its order")
    count, root = int(job["leaves"]), unhex(job["leafRoot"])
    for index, one in zip(named, openings):
        leaf = H("sl/leaf/1", salt, unhex(one["salt"]), unhex(job["id"]), unhex(job["provider"]),
                 u(32, 0), u(64, index), unhex(one["sliceRoot"]), unhex(one["workDigest"]))
        path = [unhex(step) for step in one["path"]]
        demand(merkle_from_path(leaf, index, count, path, "sl/leaves/1", salt) == root,
               f"openings: leaf {index} does not lead to the committed leaf root")
        path = [unhex(step) for step in one["outputPath"]]
        tree = merkle_from_path(
            unhex(one["sliceRoot"]), index, count, path, "sl/slices/1", NONE)
        demand(H("sl/output/1", NONE, u(64, count), tree).hex() == job["outputRoot"],
               f"openings: slice {index} does not lead to the output root")


def unseen_ppm(leaves, audited, percent):
    """Chance in parts per million that faking this part of the leaves was missed, rounded up."""
    if not leaves or not audited:
        return 1000000
    honest, chance = leaves - -(-leaves * percent // 100), 1 << 64
    for index in range(min(audited, leaves)):
        if honest <= index:
            return 0
        chance = -(-chance * (honest - index) // (leaves - index))
    return (chance * 1000000 + (1 << 64) - 1) >> 64


def slice_root(data):
    chunks = [H("sl/slice/1", NONE, b"\0", data[i:i + 4096]) for i in range(0, len(data), 4096)]
    root = merkle_root(chunks, "sl/slice/1", NONE)
    return H("sl/slice/1", NONE, b"\1", u(64, len(data)), root)


def output_root(roots):
    return H("sl/output/1", NONE, u(64, len(roots)), merkle_root(roots, "sl/slices/1", NONE))


def check_output(output, data, job, drawn, openings):
    """The output's bytes: cut into slices, they must have the committed output root.

    `slices` lists [count, bytes] for consecutive leaves; without it all slices are taken to be as
    long as the first, and the last as long as what remains. The root commits to the true lengths.
    """
    leaves, size = int(job["leaves"]), int(job["outputBytes"])
    demand(len(output) == size, f"output: {len(output)} bytes, the job's has {size}")
    if "slices" in data:
        sizes = [length for count, length in data["slices"] for _ in range(count)]
    else:
        each = -(-size // leaves)
        sizes = [max(0, min(each, size - i * each)) for i in range(leaves)]
    demand(len(sizes) == leaves and sum(sizes) == size, "output: the slices do not add up")
    roots, at = [], 0
    for one in sizes:
        roots.append(slice_root(output[at:at + one]))
        at += one
    demand(output_root(roots).hex() == job["outputRoot"],
           "output: not the bytes that were committed and audited")
    for index, one in zip(drawn, openings):
        demand(roots[index].hex() == one["sliceRoot"],
               f"output: slice {index} is not the audited one")


def check_receipt(data, genesis, words, output=None):
    """A job's row, proven in the state of a certified header, and everything that it claims."""
    chain, proof = chain_of(data, genesis), data["proof"]
    header, block, signers = chain.check_header(unhex(proof["header"]), unhex(proof["certificate"]))
    demand(proof.get("block", block.hex()) == block.hex(), "proof: names another block")
    key, value = unhex(proof["key"]), unhex(proof["value"])
    check_state_proof(proof["state"], key, value, unhex(header["stateRoot"]), chain.salt)
    job = job_row(key, value)
    openings = data.get("openings") or None  # None: the file has none.
    drawn = sample(job, chain.salt) if job["audited"] else []
    leaves, rerun = int(job["leaves"]), len(drawn)
    if openings is not None:
        check_openings(openings, job, drawn, chain.salt)
    if job["waterfall"]:
        check_waterfall(job)
    unseen = {percent: unseen_ppm(leaves, rerun, percent) for percent in (1, 10)}
    claimed = data.get("receipt")
    attempts = claimed["attempts"] if claimed is not None else []
    if claimed is not None:
        check_attempts(attempts, job)
        demand(claimed == {
            "job": job, "sample": [str(leaf) for leaf in drawn], "leavesRerun": str(rerun),
            "unseenOnePercentPpm": unseen[1], "unseenTenPercentPpm": unseen[10],
            "stakeAtRisk": job["bond"], "auditorStake": job["auditorStake"],
            "attempts": attempts}, "receipt: claims something else than the proven row")
    if output is not None:
        demand(job["audited"], "output: the job has no audited output")
        check_output(output, data, job, drawn, openings or [])
    words(f"receipt: network {chain.id.hex()}")
    words(f"receipt: job {job['id']}, {job['phase']}, in block {header['height']}, certified by "
          f"{signers} of {len(chain.seats)} validators")
    words(f"receipt: {rerun} of {leaves} leaves were re-run by {job['auditor']}; faking 1 % went "
          f"unseen with {unseen[1] / 1e6:.4f}, 10 % with {unseen[10] / 1e6:.4f}; "
          f"bond {job['bond']}, the auditor's stake {job['auditorStake']}")
    for number, one in enumerate(attempts):
        words(f"receipt: attempt {number} of {one['provider']} ended {one['end']}, slashed "
              f"{one['slashed']} (as given; the file has no proof of it)")
    if rerun:
        words(f"receipt: leaves {', '.join(map(str, drawn))} follow from the auditor's own chain")
        words("receipt: the openings of these leaves "
              + ("lead to the committed roots" if openings is not None
                 else "are not in the file; the validators checked them"))
    if job["waterfall"]:
        words("receipt: " + ", ".join(
            f"{name} {amount}" for name, amount in job["waterfall"].items() if amount != "0"))
    if output is not None:
        words(f"receipt: the output's {len(output)} bytes are the committed ones")


# --- block.md, "Export file": a whole chain -----------------------------------------------------

def _fee_factors():
    """2^(2^-i) in units of 2^-62, truncated: by repeated integer square roots."""
    factors, value = [], 2 << 1200
    for _ in range(32):
        value = math.isqrt(value << 1200)
        factors.append(value >> 1200 - 62)
    return factors


FEE_FACTORS = _fee_factors()


def base_fee(excess, parameters):
    """fees.md, "Base fee": motes for a million units of weight."""
    doublings, rest = divmod(excess, parameters["feeDoubling"])
    fraction, power = (rest << 32) // parameters["feeDoubling"], 1 << 62
    for index, factor in enumerate(FEE_FACTORS):
        if fraction >> 31 - index & 1:
            power = power * factor >> 62
    return min(parameters["feePriceMax"], parameters["feePriceMin"] * power << doublings >> 62)


def leader(chain, epoch, view):
    """consensus.md, "Leaders"."""
    draw = H("sl/draw/1", chain.salt, chain.id, u(64, epoch), u(64, view))
    rest = int.from_bytes(draw[:16], "little") % sum(weight for _, weight in chain.seats)
    for key, weight in chain.seats:
        if rest < weight:
            return key
        rest -= weight
    raise Refused("validators: none")


BLOCK_MEMBERS = {"height", "header", "body", "receipts", "certificate", "coveredBy"}
STEP_MS_MAX = 10000


def block_content(block, salt):
    """Header, body and receipts of a block, decoded and hashed; they do not depend on others."""
    head = unhex(block["header"])
    header = decode_all(HEADER, head, "header")
    body = decode_all(BODY, unhex(block["body"]), "body")
    leaves = [H("sl/tx/1", salt, b"\0\0", unhex(one)) for one in body["evidence"]]
    transactions = []
    for one in body["transactions"]:
        raw = encode(TRANSACTION, one)
        leaves.append(H("sl/tx/1", salt, b"\0\1", raw))
        signed = raw[:len(raw) - len(encode(AUTHORISATION, one["authorisation"]))]
        transactions.append((H("sl/tx/1", salt, signed).hex(), H("sl/txsign/1", salt, signed), one))
    reader = Reader(unhex(block["receipts"]), "receipts")
    receipts = reader.list(1 << 20, lambda: decode(RECEIPT, reader))
    reader.finish()
    packed = [encode(RECEIPT, one) for one in receipts]
    demand(length(len(packed)) + b"".join(packed) == reader.data,
           "receipts: do not encode to their own bytes")
    return {
        "id": H("sl/block/1", salt, head), "header": header, "transactions": transactions,
        "receipts": receipts, "bodyRoot": merkle_root(leaves, "sl/body/1", salt).hex(),
        "receiptsRoot": merkle_root(
            [H("sl/receipt/1", salt, one) for one in packed], "sl/receipts/1", salt).hex()}


def check_receipts(content):
    """Receipts are those of the transactions in order, then the block's own."""
    header, receipts = content["header"], content["receipts"]
    transactions = content["transactions"]
    demand(len(receipts) >= len(transactions), "receipts: fewer than transactions")
    weight = burned = 0
    for index, receipt in enumerate(receipts):
        if index >= len(transactions):
            demand(not int(receipt["transaction"], 16) and receipt["fee"] == "0"
                   and receipt["weight"] == "0", f"receipts: number {index} is of nobody")
            continue
        name, _, transaction = transactions[index]
        demand(receipt["transaction"] == name, f"receipts: number {index} is another's")
        fee, paid = int(receipt["fee"]), int(receipt["burned"])
        most = max(0, int(transaction["maxFee"]) - int(transaction["tip"]))
        owed = -(-int(receipt["weight"]) * int(header["baseFee"]) // 10**6)
        demand(fee == paid + int(receipt["tip"]) and receipt["tip"] == transaction["tip"]
               and paid == min(owed, most), f"receipts: the fee of number {index}")
        weight, burned = weight + int(receipt["weight"]), burned + paid
    demand(min(weight, (1 << 64) - 1) == int(header["usedWeight"]),
           "receipts: the weights do not sum to the used weight")
    return burned


class ChainCheck:
    """Follows a chain block by block; `chosen` says whose certificate's signatures are verified."""

    def __init__(self, document, genesis, chosen=lambda height: True, contents=None):
        demand(document.get("chain") == 1, "file: not a chain of version 1")
        self.chain = chain = chain_of(document, genesis)
        self.chosen = chosen
        self.contents = contents  # Of blocks looked at before, where many chains are compared.
        for key, _ in chain.seats:
            remember_key(key)
        document_genesis = document["genesis"] if isinstance(
            document["genesis"], dict) else genesis
        self.ledger = {name: int(one) for name, one in document_genesis["ledger"].items()}
        self.keys = {H("sl/node/1", NONE, key).hex(): key for key, _ in chain.seats}
        self.last_reveals = {
            unhex(one["key"]): unhex(one["anchor"]) for one in document_genesis["validators"]}
        self.excess, self.peaks, self.count = 0, [], 0
        self.uncovered, self.cover = [], None
        self.policies, self.uses = {}, {}
        self.certificates = self.verified = self.signatures = 0
        self.sums = {"transactions": 0, "rejected": 0, "burned": 0, "slashed": 0}
        raw = unhex(document["header"])
        self.parent = decode_all(HEADER, raw, "genesis header")
        self.parent_id = H("sl/block/1", chain.salt, raw)
        zero = bytes(32).hex()
        for name, value in (
                ("version", 1), ("chain", chain.id.hex()), ("epoch", "0"), ("view", "0"),
                ("height", "0"), ("parent", zero), ("timeMs", str(document_genesis["time"])),
                ("proposer", zero), ("bodyRoot", zero), ("receiptsRoot", zero),
                ("historyRoot", zero), ("validatorsHash", chain.validators_hash.hex()),
                ("nextValidatorsHash", None), ("baseFee", str(base_fee(0, self.ledger))),
                ("usedWeight", "0"), ("beaconReveal", zero)):
            demand(self.parent[name] == value, f"genesis header: {name}")

    def add(self, block):
        where = f"block {int(self.parent['height']) + 1}"
        try:
            self._add(block)
        except Refused as refusal:
            raise Refused(f"{where}: {refusal}") from None
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise Refused(f"{where}: malformed: {type(error).__name__}: {error}") from None

    def _add(self, block):
        demand(set(block) <= BLOCK_MEMBERS, "members that no block has")
        what = (block["header"], block["body"], block["receipts"])
        content = self.contents.get(what) if self.contents is not None else None
        if content is None:
            content = block_content(block, self.chain.salt)
            if self.contents is not None:
                self.contents[what] = content
        header = content["header"]
        self._follows(block, header)
        self._history()
        demand(header["historyRoot"] == self._history_root().hex(),
               "history: the ids of the blocks before it have another root")
        demand(header["bodyRoot"] == content["bodyRoot"], "body: another than the header's root")
        demand(header["receiptsRoot"] == content["receiptsRoot"],
               "receipts: others than the header's root")
        self._fees(header)
        self._beacon(header)
        burned = check_receipts(content)
        for receipt in content["receipts"]:
            for event in receipt["events"]:
                if event["kind"] == 1181:
                    self.sums["slashed"] += check_slash(
                        unhex(event["bytes"]), self.chain.parameters, len(self.chain.seats))
        self.sums["burned"] += burned
        self.sums["transactions"] += len(content["transactions"])
        self.sums["rejected"] += sum(
            one["outcome"]["kind"] != "ok" for one in content["receipts"])
        if self.chosen(int(header["height"])):
            self._transactions(content["transactions"])
        else:
            self._policies(content["transactions"])
        self._certified(block, header, content["id"])
        self.parent, self.parent_id = header, content["id"]

    def _follows(self, block, header):
        """block.md, "Header", in the order of its checks."""
        parent = self.parent
        demand(header["version"] == 1, "header: not version 1")
        demand(header["chain"] == self.chain.id.hex(), "header: of another network")
        demand(int(header["height"]) == int(parent["height"]) + 1,
               f"header: height {header['height']} does not follow")
        demand(str(block["height"]) == header["height"], "its line names another height")
        demand(header["parent"] == self.parent_id.hex(), "header: another parent")
        demand(header["epoch"] == "0", "header: an epoch that is not known")
        demand(int(header["view"]) > int(parent["view"]), "header: its view is not later")
        demand(int(header["timeMs"]) > int(parent["timeMs"]), "header: its time is not later")
        demand(header["validatorsHash"] == self.chain.validators_hash.hex(),
               "header: other validators than the genesis names")
        demand(header["nextValidatorsHash"] is None, "header: a change of the validators")

    def _history(self):
        """encoding.md, "Mountain ranges": the parent's id is the next leaf."""
        node, bits = self.parent_id, self.count
        while bits & 1:
            node, bits = H("sl/history/1", self.chain.salt, self.peaks.pop(), node), bits >> 1
        self.peaks.append(node)
        self.count += 1

    def _history_root(self):
        bag = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            bag = H("sl/history/1", self.chain.salt, peak, bag)
        return H("sl/history/1", self.chain.salt, u(64, self.count), bag)

    def _fees(self, header):
        """fees.md: time pays excess off, the price follows, the block's weight adds to it."""
        step = min(int(header["timeMs"]) - int(self.parent["timeMs"]), STEP_MS_MAX)
        self.excess = max(0, self.excess - step * self.ledger["feeRate"])
        demand(int(header["baseFee"]) == base_fee(self.excess, self.ledger),
               "header: another base fee than the weights before it give")
        self.excess = min(self.excess + int(header["usedWeight"]), (1 << 64) - 1)

    def _beacon(self, header):
        """consensus.md, "Beacon" and "Leaders"."""
        demand(header["proposer"] in self.keys, "header: its proposer is no validator")
        key = self.keys[header["proposer"]]
        demand(key == leader(self.chain, int(header["epoch"]), int(header["view"])),
               "header: its proposer does not lead its view")
        reveal = unhex(header["beaconReveal"])
        demand(H("sl/reveal/1", NONE, reveal) == self.last_reveals[key],
               "header: its reveal does not hash to its proposer's last one")
        self.last_reveals[key] = reveal

    def _policies(self, transactions):
        for _, _, one in transactions:
            if one["policy"] is not None:
                packed = encode(POLICY, one["policy"])
                demand(H("sl/account/1", NONE, packed).hex() == one["account"],
                       "transaction: its policy is another account's")
                self.policies.setdefault(one["account"], one["policy"])

    def _transactions(self, transactions):
        """identity.md: enough keys of the account's policy signed each transaction."""
        self._policies(transactions)
        for name, digest, one in transactions:
            policy = self.policies.get(one["account"])
            demand(policy is not None, f"transaction {name}: its account's policy is not known")
            bits, signatures = one["authorisation"]["signers"], one["authorisation"]["signatures"]
            demand(bits >> len(policy["keys"]) == 0, f"transaction {name}: its signers")
            signers = [key for i, key in enumerate(policy["keys"]) if bits >> i & 1]
            demand(len(signers) == len(signatures)
                   and sum(key["weight"] for key in signers) >= policy["threshold"],
                   f"transaction {name}: too few signers")
            for key, signature in zip(signers, signatures):
                self.uses[key["key"]] = self.uses.get(key["key"], 0) + 1
                if self.uses[key["key"]] == 4:
                    remember_key(unhex(key["key"]))
                demand(verify_once(unhex(key["key"]), digest, unhex(signature)),
                       f"transaction {name}: a signature does not verify")
                self.signatures += 1

    def _certified(self, block, header, block_id):
        """A finalize certificate of its own, or the height that has one for it."""
        text = block.get("certificate")
        if not text:
            cover = block.get("coveredBy")
            demand(cover is not None, "certificate: there is none, and none that covers it")
            demand(int(cover) > int(header["height"]), "certificate: covered by no later block")
            demand(self.cover in (None, int(cover)), "certificate: covered by two blocks")
            self.cover = int(cover)
            return
        demand(block.get("coveredBy") is None, "certificate: its own, and another's")
        demand(self.cover in (None, int(header["height"])),
               f"certificate: the blocks before it are to be covered by block {self.cover}")
        chosen = self.chosen(int(header["height"]))
        proof, signers = check_certificate(
            unhex(text), self.chain.seats, self.chain.salt, signed=chosen)
        demand(proof["kind"] == "finalize", f"certificate: {proof['kind']}, not finalize")
        demand(proof["block"] == block_id.hex(), "certificate: of another block")
        demand(proof["epoch"] == header["epoch"], "certificate: of another epoch")
        demand(int(proof["view"]) >= int(header["view"]), "certificate: of an earlier view")
        self.cover = None
        self.certificates += 1
        if chosen:
            self.verified += 1
            self.signatures += len(signers)

    def finish(self):
        demand(self.certificates > 0, "chain: no block is certified")
        demand(self.cover is None,
               f"chain: block {self.cover}, which is to cover the last ones, is not there")

    def words(self, words):
        chain = self.chain
        words(f"chain: network {chain.id.hex()}, {len(chain.seats)} validators")
        words(f"chain: {self.parent['height']} blocks up to {self.parent_id.hex()}, state root "
              f"{self.parent['stateRoot']}")
        words(f"chain: {self.certificates} certificates, {self.verified} of them verified; "
              f"{self.signatures} signatures with those of transactions")
        words(f"chain: {self.sums['transactions']} transactions, {self.sums['rejected']} of them "
              f"rejected; {self.sums['burned']} motes burned as fees, "
              f"{self.sums['slashed']} slashed")


def read_chain(path):
    """The first line is the chain's beginning, each further one a block."""
    with open(path, encoding="utf-8") as file:
        lines = (line for line in file if line.strip())
        yield json.loads(next(lines, "{}"))
        for line in lines:
            yield json.loads(line)


def choose(count, sample, seed):
    """Heights whose signatures are verified: `sample` of them by chance, and the last."""
    if sample is None:
        return lambda height: True
    stream = Generator(H("sl/vector/1", NONE, u(64, seed)))
    chosen = {count} | {1 + stream.below(count) for _ in range(sample)}
    return lambda height: height in chosen


def last_certified(blocks):
    return max((i + 1 for i, one in enumerate(blocks) if one.get("certificate")), default=0)


def check_chain(document, blocks, genesis, chosen=lambda height: True, contents=None):
    check = ChainCheck(document, genesis, chosen, contents)
    for block in blocks:
        check.add(block)
    check.finish()
    return check


def refuses(check, words):
    """The check refuses, and says so."""
    try:
        check()
    except Refused as refusal:
        return str(refusal)
    raise Refused(f"{words} was not noticed")


def damage_chain(document, blocks, genesis, times, seed, chosen=lambda height: True):
    """Flips bits of blocks one at a time, then leaves out, changes and reorders: all refused."""
    contents, stream = {}, Generator(H("sl/vector/1", NONE, u(64, seed)))
    check_chain(document, blocks, genesis, chosen, contents)
    places = [(i, name) for i, one in enumerate(blocks)
              for name in ("header", "body", "receipts", "certificate") if one.get(name)]
    places += [(None, "header")]

    def damaged(index, change):
        """The chain with one block changed; that block's signatures are looked at, too."""
        bent = blocks[:index] + change + blocks[index + 1:]
        check_chain(document, bent, genesis,
                    lambda height: height == index + 1 or chosen(height), dict(contents))

    for _ in range(times):
        index, name = places[stream.below(len(places))]
        raw = bytearray(unhex((document if index is None else blocks[index])[name]))
        where = stream.below(8 * len(raw))
        raw[where // 8] ^= 1 << where % 8
        if index is None:
            refuses(lambda: check_chain({**document, name: raw.hex()}, blocks, genesis, chosen,
                                        contents), f"bit {where} of the genesis' {name}")
        else:
            refuses(lambda: damaged(index, [{**blocks[index], name: raw.hex()}]),
                    f"bit {where} of the {name} of block {index + 1}")
    certified = [i for i, one in enumerate(blocks) if one.get("certificate")]
    index = certified[stream.below(len(certified))]
    without = {**blocks[index], "certificate": ""}
    notes = ["missing certificate: " + refuses(
        lambda: damaged(index, [without]), "a missing certificate")]
    paid = [i for i, one in enumerate(blocks)
            if contents[(one["header"], one["body"], one["receipts"])]["transactions"]]
    if paid:
        index = paid[stream.below(len(paid))]
        body = decode_all(BODY, unhex(blocks[index]["body"]), "body")
        body["transactions"][0]["maxFee"] = str(int(body["transactions"][0]["maxFee"]) + 1)
        bent = {**blocks[index], "body": encode(BODY, body).hex()}
        notes.append("changed amount: " + refuses(
            lambda: damaged(index, [bent]), "a changed amount"))
    if len(blocks) > 1:
        index = stream.below(len(blocks) - 1)
        notes.append("missing block: " + refuses(
            lambda: damaged(index, []), "a missing block"))
    return notes + [f"flip: {times} flips at {len(places)} places, each refused; "
                    "the file itself agrees"]


def run_chain(path, genesis, sample, times, seed):
    """The file is read line by line; only with --sample or flips is it held as a whole."""
    stream = read_chain(path)
    document = next(stream)
    blocks, chosen = stream, lambda height: True
    if sample is not None or times:
        blocks = list(stream)
        chosen = choose(last_certified(blocks) or 1, sample, seed)
    check = check_chain(document, blocks, genesis, chosen)
    check.words(print)
    if times:
        for note in damage_chain(document, blocks, genesis, times, seed, chosen):
            print(note)


# --- session.md: X25519 and ChaCha20-Poly1305, and the handshake over them -----------------------

A24 = 121665
NOISE_NAME = b"Noise_IK_25519_ChaChaPoly_BLAKE2b"
WIRE_VERSION = 1


def x25519(scalar, point):
    """RFC 7748, section 5; None where the result is zero, which no honest point gives."""
    k = int.from_bytes(scalar, "little") & (1 << 255) - 8 | 1 << 254
    x1 = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit_t = k >> t & 1
        if swap ^ bit_t:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit_t
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % P, c * b % P, a * a % P, b * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + A24 * e) % P
    if swap:
        x2, z2 = x3, z3
    out = (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")
    return out if any(out) else None


def agreement_point(key):
    """The X25519 point of an Ed25519 key: u = (1 + y) / (1 - y)."""
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    return ((1 + y) * pow(1 - y, P - 2, P) % P).to_bytes(32, "little")


class SigningKey:
    """An Ed25519 key from its seed (RFC 8032), and its X25519 secret."""

    def __init__(self, seed):
        digest = hashlib.sha512(seed).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix, self.agreement = digest[32:], digest[:32]
        self.public = _bytes(_from_table(self.scalar, BASE_TABLE))

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % L
        point = _bytes(_from_table(r, BASE_TABLE))
        digest = hashlib.sha512(point + self.public + message).digest()
        s = (r + int.from_bytes(digest, "little") * self.scalar) % L
        return point + s.to_bytes(32, "little")


def chacha20(key, counter, nonce, data):
    """RFC 8439, section 2.4."""
    words = [int.from_bytes(key[i:i + 4], "little") for i in range(0, 32, 4)]
    tail = [int.from_bytes(nonce[i:i + 4], "little") for i in range(0, 12, 4)]
    out = b""
    for start in range(0, len(data), 64):
        stream = chacha_block(words, [counter & 0xFFFFFFFF] + tail)
        out += bytes(a ^ b for a, b in zip(data[start:start + 64], stream))
        counter += 1
    return out


def hchacha20(key, nonce):
    """The first step of XChaCha20: the rounds without the final sum."""
    words = [int.from_bytes(key[i:i + 4], "little") for i in range(0, 32, 4)]
    tail = [int.from_bytes(nonce[i:i + 4], "little") for i in range(0, 16, 4)]
    x = chacha_rounds([0x61707865, 0x3320646E, 0x79622D32, 0x6B206574] + words + tail)
    return b"".join(u(32, one) for one in x[:4] + x[12:])


def poly1305(key, data):
    """RFC 8439, section 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for start in range(0, len(data), 16):
        total = (total + int.from_bytes(data[start:start + 16] + b"\1", "little")) * r % (
            2**130 - 5)
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def _aead_tag(key, nonce, sealed, data):
    def padded(one):
        return one + bytes(-len(one) % 16)
    return poly1305(chacha20(key, 0, nonce, bytes(32)),
                    padded(data) + padded(sealed) + u(64, len(data)) + u(64, len(sealed)))


def aead_seal(key, nonce, plain, data=b""):
    """RFC 8439, section 2.8; a nonce of 24 bytes means XChaCha20."""
    if len(nonce) == 24:
        key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    sealed = chacha20(key, 1, nonce, plain)
    return sealed + _aead_tag(key, nonce, sealed, data)


def aead_open(key, nonce, sealed, data=b""):
    """The plain bytes, or None for a forgery."""
    if len(nonce) == 24:
        key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    if len(sealed) < 16 or _aead_tag(key, nonce, sealed[:-16], data) != sealed[-16:]:
        return None
    return chacha20(key, 1, nonce, sealed[:-16])


def counter_nonce(counter):
    return bytes(4) + u(64, counter)


def noise_hash(data):
    return hashlib.blake2b(data).digest()


def noise_hkdf(chaining, data):
    """Noise revision 34, section 4.3, over HMAC with unkeyed BLAKE2b-512."""
    def mac(key, text):
        return hmac.new(key, text, hashlib.blake2b).digest()
    root = mac(chaining, data)
    first = mac(root, b"\1")
    return first, mac(root, first + b"\2")


class Noise:
    """Noise_IK_25519_ChaChaPoly_BLAKE2b, one side, for one message each way."""

    def __init__(self, prologue, static, ephemeral, remote=None):
        self.static, self.ephemeral, self.remote = static, ephemeral, remote
        self.point, self.local = x25519(ephemeral, u(256, 9)), x25519(static, u(256, 9))
        self.hash = NOISE_NAME + bytes(64 - len(NOISE_NAME))
        self.chaining, self.key, self.counter = self.hash, None, 0
        self.mix_hash(prologue)
        self.mix_hash(remote if remote is not None else self.local)
        self.payload_hash = self.hash
        self.theirs = None

    def mix_hash(self, data):
        self.hash = noise_hash(self.hash + data)

    def mix_key(self, secret, point):
        shared = x25519(secret, point)
        demand(shared is not None, "handshake: a point of small order")
        self.chaining, key = noise_hkdf(self.chaining, shared)
        self.key, self.counter = key[:32], 0

    def seal(self, plain):
        sealed = aead_seal(self.key, counter_nonce(self.counter), plain, self.hash)
        self.counter += 1
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        plain = aead_open(self.key, counter_nonce(self.counter), sealed, self.hash)
        demand(plain is not None, "handshake: a forgery")
        self.counter += 1
        self.mix_hash(sealed)
        return plain

    def begin(self):
        """e, es, s, ss: the initiator's message up to its payload."""
        self.mix_hash(self.point)
        self.mix_key(self.ephemeral, self.remote)
        self.message = self.point + self.seal(self.local)
        self.mix_key(self.static, self.remote)
        self.payload_hash = self.hash

    def write(self, payload):
        return self.message + self.seal(payload)

    def read_first(self, message):
        self.theirs = message[:32]
        self.mix_hash(self.theirs)
        self.mix_key(self.static, self.theirs)
        self.remote = self.open(message[32:80])
        self.mix_key(self.static, self.remote)
        self.payload_hash = self.hash
        return self.open(message[80:])

    def answer(self):
        """e, ee, se: the responder's message up to its payload."""
        self.mix_hash(self.point)
        self.mix_key(self.ephemeral, self.theirs)
        self.mix_key(self.ephemeral, self.remote)
        self.message, self.payload_hash = self.point, self.hash

    def read_second(self, message):
        self.theirs = message[:32]
        self.mix_hash(self.theirs)
        self.mix_key(self.ephemeral, self.theirs)
        self.mix_key(self.static, self.theirs)
        self.payload_hash = self.hash
        return self.open(message[32:])

    def split(self):
        """The keys of what the initiator and the responder send."""
        first, second = noise_hkdf(self.chaining, b"")
        return first[:32], second[:32]


def identity_payload(key, noise, salt, use, stamp):
    """session.md, "Identity": who speaks, for what, and the proof."""
    signature = key.sign(H("sl/handshake/1", salt, noise.payload_hash))
    return key.public + u(8, use) + u(64, stamp) + signature + bytes(23)


def check_identity(payload, noise, salt):
    demand(len(payload) == 128 and not any(payload[105:]), "identity: its form")
    key, signature = payload[:32], payload[41:105]
    demand(agreement_point(key) == noise.remote, "identity: of another static key")
    demand(verify(key, H("sl/handshake/1", salt, noise.payload_hash), signature),
           "identity: its signature does not verify")
    return key, payload[32], int.from_bytes(payload[33:41], "little")


class Frames:
    """session.md, "Frames": one direction."""

    def __init__(self, key, counter=0):
        self.key, self.counter = key, counter

    def seal(self, plain):
        sealed = aead_seal(self.key, counter_nonce(self.counter), plain)
        self.counter += 1
        if self.counter % (1 << 20) == 0:
            self.key = aead_seal(self.key, counter_nonce((1 << 64) - 1), bytes(32))[:32]
        return sealed


# --- flips --------------------------------------------------------------------------------------

# Members that a check reads; the others of a file are for people.
READ = {"genesis", "header", "certificate", "rows", "proof", "openings", "receipt"}


def hex_places(value, path=()):
    """Places of all hexadecimal strings, as paths."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if path + (name,) == ("receipt", "attempts"):
                continue  # Rows of their own, which the file does not prove.
            if path or name in READ:
                yield from hex_places(inner, path + (name,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from hex_places(inner, path + (index,))
    elif isinstance(value, str) and len(value) >= 2 and len(value) % 2 == 0 and not (
            set(value) - set("0123456789abcdef")) and (len(value) >= 40 or path[-1] in (
                "key", "value", "signers")):
        yield path


def flip(check, data, times, seed=1):
    """Flips one bit at seeded places; each flipped file must be refused."""
    places = list(hex_places(data))
    demand(places, "nothing to flip")
    stream = Generator(H("sl/vector/1", NONE, u(64, seed)))
    for _ in range(times):
        place = places[stream.below(len(places))]
        owner = data
        for step in place[:-1]:
            owner = owner[step]
        good = owner[place[-1]]
        raw = bytearray(unhex(good))
        where = stream.below(8 * len(raw))
        raw[where // 8] ^= 1 << where % 8
        owner[place[-1]] = raw.hex()
        try:
            check(data)
        except Refused:
            pass
        else:
            raise Refused(f"flip: bit {where} of {'.'.join(map(str, place))} was not noticed")
        owner[place[-1]] = good
    check(data)
    return f"flip: {times} flips at {len(places)} places, each refused; the file itself agrees"


# --- vectors ------------------------------------------------------------------------------------

# The record of vectors/encoding.json (encoding.md, "Errors").
SAMPLE = ("record", (
    ("small", "u8"), ("port", "u16"), ("count", "u32"), ("large", "u64"), ("flag", "flag"),
    ("amount", "amount"), ("points", "points"), ("digest", "id"), ("maybe", ("maybe", "u64")),
    ("payload", ("bytes", 32)), ("title", ("text", 32)), ("list", ("list", "u16", 8))))


def vectors_encoding(data):
    for row in data["accepted"]:
        demand(encode(SAMPLE, row["value"]).hex() == row["hex"], f"encoding of {row['value']}")
        demand(decode_all(SAMPLE, unhex(row["hex"]), "sample") == row["value"],
               f"decoding of {row['hex']}")
    for row in data["refused"]:
        try:
            decode_all(SAMPLE, unhex(row["hex"]), "sample")
        except Refused as refusal:
            demand(f": {row['error']} " in str(refusal), f"{row['hex']}: {refusal}")
        else:
            raise Refused(f"{row['hex']} should be {row['error']}")
    return len(data["accepted"]) + len(data["refused"])


def vectors_hashes(data):
    salt, left, right = (unhex(data[name]) for name in ("salt", "left", "right"))
    for row in data["rows"]:
        tag, raw = row["domain"], unhex(row["input"])
        demand(len(tag) <= 16, f"{tag} is longer than 16 bytes")
        demand(H(tag, NONE, raw).hex() == row["none"], f"{tag} without salt")
        demand(H(tag, salt, raw).hex() == row["salted"], f"{tag} with salt")
        demand(H(tag, salt, left, right).hex() == row["pair"], f"{tag} of a pair")
    return 3 * len(data["rows"])


def vectors_trees(data):
    salt, checks = unhex(data["salt"]), 0
    for row in data["rows"]:
        leaves = [H("sl/vector/1", NONE, f"leaf {i}".encode()) for i in range(row["count"])]
        root = merkle_root(leaves, "sl/leaves/1", salt)
        demand(root.hex() == row["root"], f"root of {row['count']} leaves")
        demand(mountain_range_root(leaves, "sl/history/1", salt).hex() == row["mountainRange"],
               f"mountain range of {row['count']} leaves")
        for entry in row["paths"]:
            path, index = [unhex(step) for step in entry["path"]], entry["index"]
            demand(path == merkle_path(leaves, index, "sl/leaves/1", salt), f"path of {index}")
            demand(root == merkle_from_path(leaves[index], index, len(leaves), path,
                                            "sl/leaves/1", salt), f"path of {index} upwards")
            checks += 1
        checks += 2
    return checks


def vectors_blobs(data):
    for row in data["rows"]:
        raw = Generator(unhex(row["seed"])).bytes(row["count"])
        demand(blob_id(raw).hex() == row["id"], f"blob of {row['count']} bytes")
    return len(data["rows"])


def vectors_generator(data):
    for row in data["rows"]:
        stream = Generator(unhex(row["seed"]))
        demand(stream.bytes(80).hex() == row["first80"], "the first 80 bytes")
        stream.bytes(1000)
        demand(stream.bytes(16).hex() == row["at1080"], "bytes 1080 to 1095")
        for entry in row["below"]:
            value = stream.below(int(entry["bound"]))
            demand(value == int(entry["value"]), f"below({entry['bound']})")
    return 9 * len(data["rows"])


def vectors_muldiv(data):
    for row in data["rows"]:
        a, b, d = (int(row[name]) for name in "abd")
        for rounding in ("down", "up"):
            value = None
            if d:
                value = (a * b + (d - 1 if rounding == "up" else 0)) // d
                value = value if value < 1 << 128 else None
            wanted = None if row[rounding] is None else int(row[rounding])
            demand(value == wanted, f"{a} * {b} / {d} {rounding}")
    return 2 * len(data["rows"])


def vectors_signatures(data):
    for row in data["rows"]:
        key, message, signature = (unhex(row[name]) for name in ("key", "message", "signature"))
        demand(verify(key, message, signature) == row["accepted"], f"signature: {row['name']}")
    for key in data["smallOrder"]:
        for r in data["smallOrder"]:
            demand(not verify(unhex(key), bytes(32), unhex(r) + bytes(32)), f"small {key}, {r}")
    return len(data["rows"]) + len(data["smallOrder"]) ** 2


def vectors_certificates(data):
    salt = unhex(data["salt"])
    for row in data["rows"]:
        seats = [(unhex(one["key"]), int(one["weight"])) for one in row["validators"]]
        demand(validators_hash(salt, seats).hex() == row["validatorsHash"], "hash of a set")
        raw = unhex(row["certificate"])
        proof = decode_all(CERTIFICATE, raw, "certificate")
        demand(vote_digest(proof, salt).hex() == row["voteDigest"], "digest of a vote")
        try:
            check_certificate(raw, seats, salt)
            accepted = True
        except Refused:
            accepted = False
        demand(accepted == row["accepted"], f"certificate {row['certificate'][:40]}")
    return 3 * len(data["rows"])


def vectors_state(data):
    salt, checks = unhex(data["salt"]), 0
    for case in data["cases"]:
        rows = []
        for index in range(case["count"]):
            key, value = b"\1\0" + f"key {index}".encode(), b"\0" + f"value {index}".encode()
            rows.append(row_leaf(key, value, salt))
        root = state_root(sorted(rows), salt)
        demand(root.hex() == case["root"], f"state root of {case['count']} rows")
        for entry in case["proofs"]:
            value = None if entry["value"] is None else unhex(entry["value"])
            check_state_proof(entry["proof"], unhex(entry["key"]), value, root, salt)
            checks += 1
    return checks + len(data["cases"])


def vectors_transactions(data):
    salt = unhex(data["salt"])
    for row in data["rows"]:
        raw = unhex(row["bytes"])
        value = decode_all(TRANSACTION, raw, "transaction")
        signed = raw[:len(raw) - len(encode(AUTHORISATION, value["authorisation"]))]
        demand(signed.hex() == row["signedBytes"], "signed bytes")
        demand(encode(POLICY, value["policy"]).hex() == row["policy"], "policy")
        demand(H("sl/account/1", NONE, unhex(row["policy"])).hex() == row["account"], "account id")
        demand(value["account"] == row["account"], "account")
        demand(H("sl/tx/1", salt, signed).hex() == row["id"], "transaction id")
        digest = H("sl/txsign/1", salt, signed)
        demand(digest.hex() == row["signingDigest"], "signing digest")
        keys = [one["key"] for one in value["policy"]["keys"]]
        signers = [key for i, key in enumerate(keys) if value["authorisation"]["signers"] >> i & 1]
        for key, signature in zip(signers, value["authorisation"]["signatures"], strict=True):
            demand(verify(unhex(key), digest, unhex(signature)), "signature of a transaction")
    return 7 * len(data["rows"])


def vectors_leaves(data):
    salt, fixed = unhex(data["salt"]), [unhex(data[n]) for n in ("leafSalt", "job", "provider")]
    for index, row in enumerate(data["rows"]):
        root = slice_root(Generator(unhex(row["seed"])).bytes(row["count"]))
        demand(root.hex() == row["sliceRoot"], f"slice of {row['count']} bytes")
        leaf = H("sl/leaf/1", salt, *fixed, u(32, 0), u(64, index), root, bytes(32))
        demand(leaf.hex() == row["leaf"], f"leaf {index}")
    demand(output_root([unhex(one) for one in data["outputRoots"]]).hex() == data["outputRoot"],
           "output root")
    return 2 * len(data["rows"]) + 1


def vectors_waterfalls(data):
    parameters = data["parameters"]["fees"]
    for row in data["rows"]:
        fall = {name: int(value) for name, value in row["waterfall"].items()}
        price, (author, owner, holders), whole = fall["price"], row["parts"], 10000
        fee = price * parameters["protocolFee"] // whole
        wanted = {name: fee * parameters[name + "Part"] // whole
                  for name in ("stakers", "treasury", "cover")}
        wanted["burned"] = fee - sum(wanted.values())
        wanted["author"], wanted["dataOwner"] = price * author // whole, price * owner // whole
        rest = price - fee - wanted["author"] - wanted["dataOwner"]
        wanted["holders"] = rest * holders // whole
        wanted["operator"] = rest - wanted["holders"]
        demand(wanted == {name: fall[name] for name in wanted}, f"waterfall of {price}")
        demand(sum(wanted.values()) == price, f"the legs of {price}")
    return len(data["rows"])


def vectors_basefees(data):
    parameters = {name: int(value) for name, value in data["parameters"].items()}
    for row in data["rows"]:
        price = base_fee(int(row["excess"]), parameters)
        demand(price == int(row["price"]), f"price at excess {row['excess']}")
        demand(-(-12345 * price // 10**6) == int(row["feeOf12345"]), "fee, rounded up")
    return 2 * len(data["rows"])


def vectors_unseen(data):
    for row in data["rows"]:
        leaves, audited = int(row["leaves"]), int(row["audited"])
        demand(unseen_ppm(leaves, audited, 1) == row["onePercent"], f"1 % of {leaves}")
        demand(unseen_ppm(leaves, audited, 10) == row["tenPercent"], f"10 % of {leaves}")
    return 2 * len(data["rows"])


def vectors_genesis(data):
    chain, raw = Chain(data["genesis"]), unhex(data["bytes"])
    demand(encode(GENESIS, data["genesis"]) == raw, "bytes of the genesis")
    demand(decode_all(GENESIS, raw, "genesis") == data["genesis"], "JSON of the genesis")
    demand(chain.id.hex() == data["id"], "id of the genesis")
    demand(chain.validators_hash.hex() == data["validatorsHash"], "hash of the validators")
    header = decode_all(HEADER, unhex(data["header"]), "header")
    demand(header["chain"] == data["id"], "chain of the first header")
    demand(H("sl/block/1", chain.salt, unhex(data["header"])).hex() == data["headerId"], "id")
    return 6


def vectors_receipt(data):
    output = Generator(unhex(data["outputSeed"])).bytes(
        sum(count * length for count, length in data["slices"]))
    flip(lambda one: check_receipt(one, None, lambda text: None, output), data, 200)
    wrong = bytearray(output)
    wrong[12345] ^= 1
    try:
        check_receipt(data, None, lambda text: None, bytes(wrong))
    except Refused:
        return 202
    raise Refused("a flipped bit of the output was not noticed")


def vectors_export(data):
    flip(lambda one: check_state(one, None, lambda text: None), data, 200)
    rows = data["rows"]
    for change in ([], rows[1:], rows + rows[-1:], rows[1:2] + rows[:1] + rows[2:]):
        try:
            check_state({**data, "rows": change}, None, lambda text: None)
        except Refused:
            continue
        raise Refused("missing, doubled or swapped rows were not noticed")
    return 205


def vectors_chain(data):
    """A short chain of four validators; one of its blocks is covered by the next one's."""
    document = {name: one for name, one in data.items() if name != "blocks"}
    damage_chain(document, data["blocks"], None, 200, 1)
    check = check_chain(document, data["blocks"], None)
    demand(check.certificates < len(data["blocks"]), "no block is covered by another")
    return 203 + len(data["blocks"])


def handshake_of(data, row, use, stamps):
    """Both sides of a handshake from their seeds; gives the two `Noise`s and the two messages."""
    salt = unhex(data["genesis"])[:16]
    prologue = b"starling" + unhex(data["genesis"]) + u(16, WIRE_VERSION)
    keys = [SigningKey(unhex(data[side + "Seed"])) for side in ("initiator", "responder")]
    ephemerals = [unhex(row[side + "Ephemeral"]) for side in ("initiator", "responder")]
    one = Noise(prologue, keys[0].agreement, ephemerals[0], agreement_point(keys[1].public))
    two = Noise(prologue, keys[1].agreement, ephemerals[1])
    one.begin()
    first_hash = one.payload_hash
    first = one.write(identity_payload(keys[0], one, salt, use, stamps[0]))
    who = check_identity(two.read_first(first), two, salt)
    demand(who == (keys[0].public, use, stamps[0]), "identity of the initiator")
    two.answer()
    answer = identity_payload(keys[1], two, salt, use, stamps[1])
    second = two.write(answer)
    who = check_identity(one.read_second(second), one, salt)
    demand(who == (keys[1].public, use, stamps[1]), "identity of the responder")
    demand(one.split() == two.split() and one.hash == two.hash, "the two sides differ")
    return {"firstHash": first_hash, "first": first, "second": second, "secondPayload": answer,
            "keys": one.split(), "public": [key.public for key in keys]}


def bent_first(data, row, index):
    """The responder reads the initiator's message with one bit flipped."""
    message = bytearray(unhex(row["first"]))
    message[index // 8] ^= 1 << index % 8
    prologue = b"starling" + unhex(data["genesis"]) + u(16, WIRE_VERSION)
    static = SigningKey(unhex(data["responderSeed"])).agreement
    Noise(prologue, static, unhex(row["responderEphemeral"])).read_first(bytes(message))


def vectors_session(data):
    for side in ("initiator", "responder"):
        key = SigningKey(unhex(data[side + "Seed"]))
        demand(key.public.hex() == data[side + "Key"], f"key of the {side}")
        point = agreement_point(key.public)
        demand(point.hex() == data[side + "Point"], f"point of the {side}")
        demand(point == x25519(key.agreement, u(256, 9)), f"point of the {side}'s secret")
    row = data["connection"]
    done = handshake_of(data, row, row["use"], (int(row["stamp"]), 0))
    for name in ("firstHash", "first", "second", "secondPayload"):
        demand(done[name].hex() == row[name], f"connection: {name}")
    for index in range(8 * len(done["first"])):
        if index % 97 == 0:
            refuses(lambda: bent_first(data, row, index), f"bit {index} of a first message")
    streams = {"initiator": Frames(done["keys"][0]), "responder": Frames(done["keys"][1])}
    for index, frame in enumerate(row["frames"]):
        sealed = streams[frame["from"]].seal(unhex(frame["inner"]))
        wire = len(sealed).to_bytes(2, "big") + sealed
        demand(wire.hex() == frame["wire"], f"connection: frame {index}")
    turn = data["rekey"]
    stream = Frames(unhex(turn["key"]), int(turn["counter"]))
    demand(stream.seal(unhex(turn["plain"])).hex() == turn["before"], "rekey: the last frame")
    demand(stream.seal(unhex(turn["plain"])).hex() == turn["after"], "rekey: the next frame")
    for key in data["refusedKeys"]:
        demand(_is_small_order(unhex(key)), f"key {key} should be refused")
    for point in data["refusedPoints"]:
        demand(x25519(bytes([7]) * 32, unhex(point)) is None, f"point {point} should be refused")
    return (32 + len(row["frames"]) + len(data["refusedKeys"]) + len(data["refusedPoints"])
            + check_datagrams(data, data["datagrams"]))


def check_datagrams(data, row):
    """session.md, "Datagrams", "Authenticators" and "Cookies"."""
    def mac(key, text):
        return hashlib.blake2b(text, key=key, digest_size=16).digest()

    salt = unhex(data["genesis"])[:16]
    bare, cookie, first, second, there, back = (
        unhex(row[name])
        for name in ("firstWithoutCookie", "cookie", "first", "second", "data", "answer"))
    # The responder's stamp is its own clock's: it is read first, then the message is made again.
    sides = [SigningKey(unhex(data[side + "Seed"])) for side in ("initiator", "responder")]
    prologue = b"starling" + unhex(data["genesis"]) + u(16, WIRE_VERSION)
    reader = Noise(prologue, sides[0].agreement, unhex(row["initiatorEphemeral"]),
                   agreement_point(sides[1].public))
    reader.begin()
    reader.write(identity_payload(sides[0], reader, salt, 2, int(row["initiatorStamp"])))
    _, use, stamp = check_identity(reader.read_second(second[12:-16]), reader, salt)
    demand(use == 2, "datagrams: the responder's use")
    done = handshake_of(data, row, 2, (int(row["initiatorStamp"]), stamp))
    initiator, responder = first[4:8], second[4:8]
    keys = [H("sl/mac/1", salt, key) for key in done["public"]]
    wanted = u(32, 1) + initiator + done["first"]
    mac1 = mac(keys[1], wanted)
    demand(bare == wanted + mac1 + bytes(16), "datagrams: the first message without a cookie")
    demand(cookie[:8] == u(32, 3) + initiator, "datagrams: whom the cookie is for")
    baked = aead_open(H("sl/cookie/1", salt, done["public"][1]), cookie[8:32], cookie[32:], mac1)
    demand(baked is not None and len(baked) == 16, "datagrams: the cookie does not open")
    wanted += mac1
    demand(first == wanted + mac(baked, wanted), "datagrams: the first message with its cookie")
    wanted = u(32, 2) + responder + initiator + done["second"]
    demand(second == wanted + mac(keys[0], wanted), "datagrams: the second message")
    for packet, receiver, key, plain in (
            (there, responder, done["keys"][0], unhex(row["payload"])),
            (back, initiator, done["keys"][1], b"")):
        header = u(32, 4) + receiver + u(64, 0)
        demand(packet == header + aead_seal(key, counter_nonce(0), plain), "datagrams: data")
    demand(len(cookie) < len(first) and len(second) < len(first) <= 1232, "datagrams: sizes")
    return 8


ADDRESS = ("record", (("key", "id"), ("host", ("bytes", 255)), ("port", "u16")))

CLAIM = ("record", (("account", "id"), ("key", "id"), ("signature", "sig")))

IDS = ("record", (("ids", ("list", "u64", 1024)),))

BLOCK_ID = ("record", (("id", "id"),))

# gossip.md and messages.csv: tag -> name, class, fields.
MESSAGES = {
    0: ("hello", "control", ("record", (
        ("version", "u16"), ("genesis", "id"), ("height", "u64"), ("address", ("maybe", ADDRESS)),
        ("claims", ("list", CLAIM, 64))))),
    1: ("status", "control", ("record", (("height", "u64"),))),
    2: ("peers", "control", ("record", (("peers", ("list", ADDRESS, 256)),))),
    3: ("consensus", "votes", ("record", (("bytes", ("bytes", 60 << 10)),))),
    4: ("block", "blocks", ("record", (("bytes", ("bytes", (2 << 20) + 4096)),))),
    5: ("wantBlock", "blocks", BLOCK_ID),
    6: ("noBlock", "blocks", BLOCK_ID),
    7: ("transaction", "transactions", ("record", (("bytes", ("bytes", (512 << 10) + 4096)),))),
    8: ("haveTransactions", "transactions", IDS),
    9: ("wantTransactions", "transactions", IDS),
    10: ("direct", "offers", ("record", (("to", "id"), ("bytes", ("bytes", 256 << 10))))),
    11: ("wantRange", "sync", ("record", (("from", "u64"), ("count", "u16")))),
    12: ("range", "sync", ("record", (
        ("from", "u64"), ("blocks", ("list", ("record", (
            ("block", ("bytes", (2 << 20) + 4096)), ("certificate", ("bytes", 60 << 10)))), 64))))),
    32: ("describe", "blobs", ("record", (("blob", "id"), ("from", "u64")))),
    33: ("description", "blobs", ("record", (
        ("blob", "id"), ("bytes", "u64"), ("from", "u64"), ("digests", ("list", "id", 1024))))),
    34: ("want", "blobs", ("record", (("blob", "id"), ("group", "u64")))),
    35: ("group", "blobs", ("record", (
        ("blob", "id"), ("group", "u64"), ("bytes", ("bytes", 16384))))),
    36: ("absent", "blobs", ("record", (("blob", "id"),))),
    64: ("offer", "datagram", ("record", (
        ("account", "id"), ("pricePerGigaGas", "u64"), ("capacity", "u16"),
        ("classes", ("bytes", 16)), ("device", ("text", 64))))),
    65: ("noOffer", "datagram", ("record", ())),
}


def vectors_messages(data):
    salt, seen = unhex(data["salt"]), set()
    demand(data["version"] == WIRE_VERSION and unhex(data["genesis"])[:16] == salt, "versions")
    for row in data["rows"]:
        raw = unhex(row["bytes"])
        name, traffic, fields = MESSAGES.get(raw[0], (None, None, None))
        demand((name, traffic) == (row["name"], row["class"]), f"message {row['name']}: its tag")
        decode_all(fields, raw[1:], f"message {name}")
        seen.add(raw[0])
    demand(seen == set(MESSAGES), f"messages without an example: {set(MESSAGES) - seen}")
    claim = data["claim"]
    digest = H("sl/claim/1", salt, unhex(claim["node"]), unhex(claim["account"]))
    demand(digest.hex() == claim["digest"], "claim: its digest")
    policy = encode(POLICY, {
        "version": 1, "threshold": 1, "keys": [{"key": claim["key"], "weight": 1}]})
    demand(H("sl/account/1", NONE, policy).hex() == claim["account"], "claim: another's account")
    demand(verify(unhex(claim["key"]), digest, unhex(claim["signature"])), "claim: its signature")
    return len(data["rows"]) + 3


def vectors(folder):
    prefix = "vectors_"
    kinds = {name[len(prefix):]: check for name, check in globals().items()
             if name.startswith(prefix)}
    names = sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".json"))
    demand(set(kinds) <= set(names), f"missing: {sorted(set(kinds) - set(names))}")
    for name in names:
        with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
            data = json.load(file)
        if name in kinds:
            print(f"vectors: {name}: {kinds[name](data)} agree")
        elif name.startswith("conformance"):
            # Hashes over thousands of values of each record: they pin the code against itself.
            print(f"vectors: {name}: {len(data)} hashes, compared by the tests, not here")
        else:
            raise Refused(f"{name}.json: this checker does not know what it says")


# --- the command line ---------------------------------------------------------------------------

def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("vectors")
    one.add_argument("folder", nargs="?", default=os.path.join(here, "vectors"))
    one = commands.add_parser("session")
    one.add_argument("file", nargs="?", default=os.path.join(here, "vectors", "session.json"))
    for name in ("state", "receipt", "chain"):
        one = commands.add_parser(name)
        one.add_argument("file")
        one.add_argument("--genesis")
        one.add_argument("--flip", nargs="?", type=int, const=1000, default=0)
        one.add_argument("--seed", type=int, default=1)
        if name == "receipt":
            one.add_argument("--output")
        if name == "chain":
            one.add_argument("--sample", type=int, default=None)
    options = parser.parse_args()
    if options.command == "vectors":
        return vectors(options.folder)
    if options.command == "session":
        with open(options.file, encoding="utf-8") as file:
            print(f"session: {vectors_session(json.load(file))} agree")
        return
    output = genesis = None
    if options.genesis:
        with open(options.genesis, "rb") as file:
            raw = file.read()
        is_json = raw[:1] == b"{"
        genesis = json.loads(raw) if is_json else decode_all(GENESIS, raw, "genesis")
    if options.command == "chain":
        return run_chain(options.file, genesis, options.sample, options.flip, options.seed)
    with open(options.file, encoding="utf-8") as file:
        data = json.load(file)
    if options.command == "receipt" and options.output:
        with open(options.output, "rb") as file:
            output = file.read()

    def check(data, words=lambda text: None):
        if options.command == "state":
            check_state(data, genesis, words)
        else:
            check_receipt(data, genesis, words, output)

    check(data, print)
    if options.flip:
        print(flip(check, data, options.flip, options.seed))


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        print(f"refused: {refusal}")
        sys.exit(1)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # The file lacks a member, or has another kind of value there.
        print(f"refused: malformed file: {type(error).__name__}: {error}")
        sys.exit(1)
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
