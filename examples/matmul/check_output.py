#!/usr/bin/env python3
"""Multiplies again in Python and compares every element: check_output.py A.i32 B.i32 C.i32"""
import array, math, sys


def load(path):
    with open(path, "rb") as file:
        return array.array("i", file.read())


a, b, c = (load(path) for path in sys.argv[1:4])
n = math.isqrt(len(a))
if not (len(a) == len(b) == len(c) == n * n):
    sys.exit(f"matmul: sizes differ: {len(a)}, {len(b)}, {len(c)}")
columns = [b[j::n] for j in range(n)]
for i in range(n):
    row = a[i * n:(i + 1) * n]
    for j in range(n):
        product = sum(x * y for x, y in zip(row, columns[j])) & 0xFFFFFFFF
        if product != c[i * n + j] & 0xFFFFFFFF:
            sys.exit(f"matmul: element {i}, {j} is {c[i * n + j]}, not {product}")
print(f"matmul: all {n * n} elements are right")
