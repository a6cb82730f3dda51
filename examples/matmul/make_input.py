#!/usr/bin/env python3
"""Writes two n x n matrices of seeded 32-bit integers: make_input.py A.i32 B.i32 [N]"""
import array, random, sys

n = int(sys.argv[3]) if len(sys.argv) > 3 else 256
draw = random.Random(2026)
for path in sys.argv[1:3]:
    values = array.array("i", (draw.randrange(-1000, 1000) for _ in range(n * n)))
    with open(path, "wb") as out:
        values.tofile(out)
