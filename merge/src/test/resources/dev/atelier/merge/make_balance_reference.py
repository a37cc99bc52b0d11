"""What balanced attention has to be, by SciPy: python make_balance_reference.py balance-attention.json

Two heads of three, inputs of five numbers, queries, keys and values with biases, as in a text encoder. The geometric mean of (QQ^T)^-1 and
KK^T is computed as G = A^-1 (A B)^1/2, with A = QQ^T and B = KK^T, another way than Atelier's.
"""

import json
import sys

import numpy
from scipy.linalg import inv, sqrtm

HEADS, SIZE, WIDTH, LEAST = 2, 3, 6, 1e-6
random = numpy.random.default_rng(11)
names = {}
for name, scale in (("q", 3), ("k", 0.2), ("v", 1)):
    names[name + "_proj.weight"] = random.standard_normal((HEADS * SIZE, WIDTH)) * scale
    names[name + "_proj.bias"] = random.standard_normal(HEADS * SIZE) * scale
names["out_proj.weight"] = random.standard_normal((WIDTH, HEADS * SIZE)) * 0.1
names["out_proj.bias"] = random.standard_normal(WIDTH)
expected = {name: value.copy() for name, value in names.items()}


def energy(*matrices):
    return sum(m @ m.T for m in matrices) + LEAST * numpy.eye(SIZE)


def factor(one, other):
    return sqrtm(inv(one) @ sqrtm(one @ other)).real


for head in range(HEADS):
    rows = slice(head * SIZE, (head + 1) * SIZE)

    def part(name):
        return names[name + "_proj.weight"][rows], names[name + "_proj.bias"][rows, None]

    t = factor(energy(*part("q")), energy(*part("k")))
    for name, by in (("q", t), ("k", inv(t))):
        expected[name + "_proj.weight"][rows] = by @ part(name)[0]
        expected[name + "_proj.bias"][rows] = by @ part(name)[1][:, 0]
    out = names["out_proj.weight"][:, rows]
    t = factor(energy(*part("v")), energy(out.T))
    expected["v_proj.weight"][rows] = t @ part("v")[0]
    expected["v_proj.bias"][rows] = t @ part("v")[1][:, 0]
    expected["out_proj.weight"][:, rows] = out @ inv(t)

with open(sys.argv[1], "w") as file:
    json.dump({key: {n: v.tolist() for n, v in value.items()} for key, value in {"inputs": names, "expected": expected}.items()}, file)
