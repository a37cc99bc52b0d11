#!/usr/bin/env python3
"""What the miniature's networks compute with circular padding in every convolution, as AUTOMATIC1111's "Tiling" sets it.

Usage (PYTHONPATH must contain diffusers' src folder):
  make_endless_reference.py miniature.safetensors endless.safetensors
"""
import sys

import torch

from make_reference import decode, encode_moments, load_network, run_unet, save


def circular(network):
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.padding_mode = "circular"
    return network


def rnd(seed, *shape):
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def main():
    torch.set_grad_enabled(False)
    checkpoint, out = sys.argv[1:]
    unet, vae = (circular(load_network(part, "miniature", checkpoint)) for part in ("unet", "vae"))
    lat, t, context = rnd(501, 1, 4, 16, 24), torch.tensor([981.0]), rnd(502, 1, 77, 16)
    small, image = rnd(503, 1, 4, 8, 6), rnd(504, 1, 3, 64, 48).clamp(-1, 1)
    save(out, {"latents": lat, "timesteps": t, "context": context, "output": run_unet(unet, lat, t, context),
               "small": small, "picture": decode(vae, small), "image": image, "moments": encode_moments(vae, image)})


main()
