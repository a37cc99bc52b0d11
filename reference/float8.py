#!/usr/bin/env python3
"""PyTorch's conversions to 8-bit floats. Usage:  float8.py OUT.bin.gz

For low in 0, 1, 0x8000, 0x8001: the fp32 numbers with the bits i << 16 | low, i = 0 … 65535, as float8_e4m3fn, then as
float8_e5m2; 65,536 bytes each.
"""
import gzip
import sys

import torch

out = b""
for low in (0, 1, 0x8000, 0x8001):
    bits = ((torch.arange(65536, dtype=torch.int64) << 16) | low).to(torch.uint32).view(torch.int32)
    for t in (torch.float8_e4m3fn, torch.float8_e5m2):
        out += bytes(bits.view(torch.float32).to(t).view(torch.uint8).tolist())
open(sys.argv[1], "wb").write(gzip.compress(out, 9, mtime=0))
