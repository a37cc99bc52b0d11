#!/usr/bin/env python3
"""Where ten steps of bitsandbytes' AdamW8bit must take two weights: one of 5,000 elements, whose state has 8 bits, and one of 1,200,
whose state stays fp32.

bitsandbytes' kernel for CPUs looks codes up in a table of 65,536 steps of the same size, in which small squared gradients are lost; here
it quantizes as its own code for other types does, to the nearest value, which is what its kernels for GPUs do.

Weights and gradients are waves(); the file holds the weights and the state after the last step.

Usage (PYTHONPATH must contain a checkout of bitsandbytes with its library for CPUs, cmake -DCOMPUTE_BACKEND=cpu):
  make_adam8bit_reference.py OUT
"""
import sys

import bitsandbytes
import torch
from bitsandbytes.backends.cpu import ops
from safetensors.torch import save_file

SIZES, STEPS, RATE = {"large": (50, 100), "small": (30, 40)}, 10, 1e-2


def waves(shape, step):
    k = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (torch.sin(k + 1 + 7 * step) * 10 ** -(k % 3)).float().reshape(shape)


def nearest(values, code, absmax_out, out, blocksize):
    codes, absmax = torch.ops.bitsandbytes.quantize_blockwise(values.double(), code, blocksize)
    out.copy_(codes)
    absmax_out.copy_(absmax)


def main(out):
    ops._quant_blockwise_fp32_direct = nearest
    weights = {name: torch.nn.Parameter(waves(shape, 0)) for name, shape in SIZES.items()}
    optimizer = bitsandbytes.optim.AdamW8bit(list(weights.values()), lr=RATE)
    for step in range(1, STEPS + 1):
        for weight in weights.values():
            weight.grad = waves(weight.shape, step)
        optimizer.step()
    kept = {}
    for name, weight in weights.items():
        state = optimizer.state[weight]
        kept[name] = weight.detach().flatten()
        kept |= {f"{name}.{part}": state[part].flatten() for part in ("state1", "state2", "absmax1", "absmax2") if part in state}
    save_file(kept, out)
    print({name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in kept.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
