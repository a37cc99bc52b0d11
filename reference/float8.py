#!/usr/bin/env python3
"""PyTorch's conversions to 8-bit floats. Usage:  float8.py OUT.bin.gz

For low in 0, 1, 0x8000, 0x8001: the fp32 numbers with the bits i << 16 | low, i = 0 … 65535, as each of the five types;
65,536 bytes each. Then, for each type, the fp32 numbers of its 256 elements, little-endian.
"""
import gzip
import sys

import torch

TYPES = (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu)

out = b""
for low in (0, 1, 0x8000, 0x8001):
    bits = ((torch.arange(65536, dtype=torch.int64) << 16) | low).to(torch.uint32).view(torch.int32)
    for t in TYPES:
        out += bytes(bits.view(torch.float32).to(t).view(torch.uint8).tolist())
for t in TYPES:
    out += torch.arange(256).to(torch.uint8).view(t).to(torch.float32).numpy().astype("<f4").tobytes()
open(sys.argv[1], "wb").write(gzip.compress(out, 9, mtime=0))
