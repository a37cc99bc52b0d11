#!/usr/bin/env python3
"""Noise as kohya's sd-scripts shape it (apply_noise_offset, pyramid_noise_like), from random numbers that are written down.

Usage (PYTHONPATH must contain sd-scripts): make_noise_reference.py OUT
"""
import json
import random
import sys
from unittest import mock

import torch
from library.custom_train_functions import apply_noise_offset, pyramid_noise_like

SHAPE = (2, 4, 6, 5)


def run(name, shape, **options):
    g = torch.Generator("cpu").manual_seed(601)
    rng = random.Random(601)
    gaussians, uniforms = [], []

    def randn(*size, **_):
        drawn = torch.empty(size[0] if isinstance(size[0], tuple) else size).normal_(generator=g)
        gaussians.extend(drawn.flatten().tolist())
        return drawn

    def uniform():
        uniforms.append(rng.random())
        return uniforms[-1]

    latents = torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(602)) + 0.5
    plain = randn(SHAPE)
    with mock.patch("torch.randn", randn), mock.patch("random.random", uniform):
        result = shape(latents, plain.clone())
    return {"name": name, **options, "uniforms": uniforms, "gaussians": [round(x, 7) for x in gaussians],
            "latents": [round(x, 7) for x in latents.flatten().tolist()], "noise": [round(x, 7) for x in result.flatten().tolist()]}


def main(out):
    runs = [
        run("offset", lambda x, n: apply_noise_offset(x, n, 0.1, None), offset=0.1),
        run("adaptive", lambda x, n: apply_noise_offset(x, n, 0.05, 0.2), offset=0.05, adaptive=0.2),
        run("negative", lambda x, n: apply_noise_offset(x, n, 0.1, -0.3), offset=0.1, adaptive=-0.3),
        run("pyramid", lambda _, n: pyramid_noise_like(n, "cpu", 6, 0.8), levels=6, discount=0.8),
        run("both", lambda x, n: pyramid_noise_like(apply_noise_offset(x, n, 0.1, None), "cpu", 2, 0.3), offset=0.1, levels=2,
            discount=0.3),
    ]
    with open(out, "w") as f:
        json.dump({"shape": SHAPE, "runs": runs}, f, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
