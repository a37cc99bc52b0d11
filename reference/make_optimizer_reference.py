#!/usr/bin/env python3
"""Where ten steps of each optimiser must take four weights: PyTorch's AdamW and SGD, transformers' Adafactor, lion_pytorch
(lucidrains/lion-pytorch) and prodigyopt (konstmish/prodigy).

The weights are a vector, a matrix, a convolution's kernel and a zero matrix, as LoRA's factors start.  Weights and gradients
are inputs and stand in the file; of each run it holds the weights after steps 1, 2 and 10, all in fp32 (Prodigy's estimate
hangs on differences of nearly equal numbers, so that in fp64 it would be another).

Usage: make_optimizer_reference.py OUT
"""
import sys

import torch
from lion_pytorch import Lion
from prodigyopt import Prodigy
from safetensors.torch import save_file
from transformers.optimization import Adafactor

STEPS, KEPT = 10, (1, 2, 10)
SHAPES = {"vector": (7,), "matrix": (5, 6), "kernel": (4, 3, 3, 3), "zero": (3, 4)}
FIXED = dict(relative_step=False, scale_parameter=False)
RUNS = {
    "adamw": (torch.optim.AdamW, 1e-3, {}),
    "adamw_other": (torch.optim.AdamW, 1e-2, dict(betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1)),
    "sgd": (torch.optim.SGD, 1e-2, {}),
    "sgd_momentum": (torch.optim.SGD, 1e-2, dict(momentum=0.9, weight_decay=0.01)),
    "sgd_nesterov": (torch.optim.SGD, 1e-2, dict(momentum=0.9, nesterov=True, weight_decay=0.01)),
    "lion": (Lion, 1e-4, {}),
    "lion_other": (Lion, 1e-3, dict(betas=(0.95, 0.98), weight_decay=0.1)),
    "adafactor": (Adafactor, None, {}),
    "adafactor_warmup": (Adafactor, None, dict(warmup_init=True)),
    "adafactor_fixed": (Adafactor, 1e-3, FIXED),
    "adafactor_moment": (Adafactor, 1e-3, dict(beta1=0.9, weight_decay=0.01, clip_threshold=0.5, **FIXED)),
    "prodigy": (Prodigy, 1.0, {}),
    "prodigy_corrected": (Prodigy, 1.0, dict(use_bias_correction=True, safeguard_warmup=True, weight_decay=0.01, d_coef=50.0)),
    "prodigy_coupled": (Prodigy, 0.5, dict(decouple=False, weight_decay=0.1, d0=1e-4, d_coef=2.0, betas=(0.8, 0.99))),
    "prodigy_slow": (Prodigy, 1.0, dict(growth_rate=1.5, beta3=0.9)),
}


def main(out):
    g = torch.Generator("cpu").manual_seed(501)
    start = {n: torch.zeros(s) if n == "zero" else torch.randn(s, generator=g) for n, s in SHAPES.items()}
    # gradients that keep some direction, so that Prodigy's estimate grows
    mean = {n: torch.randn(s, generator=g) for n, s in SHAPES.items()}
    gradients = {n: 0.1 * (torch.randn((STEPS,) + s, generator=g) + mean[n]) for n, s in SHAPES.items()}
    kept = {f"start.{n}": w for n, w in start.items()} | {f"gradients.{n}": w for n, w in gradients.items()}
    for run, (kind, rate, options) in RUNS.items():
        weights = {n: torch.nn.Parameter(w.clone()) for n, w in start.items()}
        optimizer = kind(list(weights.values()), lr=rate, **options)
        for step in range(STEPS):
            for n, w in weights.items():
                w.grad = gradients[n][step].clone()
            optimizer.step()
            if step + 1 in KEPT:
                kept |= {f"{run}.{step + 1}.{n}": w.detach().clone() for n, w in weights.items()}
        print(run, {k: v for k, v in optimizer.param_groups[0].items() if k in ("d", "d_max", "d_numerator")})
    save_file(kept, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
