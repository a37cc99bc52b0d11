#!/usr/bin/env python3
"""What sizes that do not halve evenly, image-to-image runs and resized images must give.

The miniature checkpoint comes from make_reference.py, whose networks are used here (PYTHONPATH must contain diffusers'
src folder).

Usage:
  make_pipeline_reference.py odd-size --checkpoint miniature.safetensors --out DIR
"""
import argparse, os

import torch

from make_reference import load_network, run_unet, save


def rnd(seed, *shape):
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def odd_size(a):
    """A latent of 13 x 10: AUTOMATIC1111 lets the up-sampler double and convolve, and resizes the result to the skip
    tensor (nearest) when the two are concatenated.  diffusers on its own would resize before the convolution."""
    from diffusers.models.unets import unet_2d_blocks
    from diffusers.models.upsampling import Upsample2D

    unet = load_network("unet", "miniature", a.checkpoint)
    double = Upsample2D.forward
    Upsample2D.forward = lambda self, x, output_size=None, *args, **kwargs: double(self, x)

    class Torch:
        def __getattr__(self, name):
            return getattr(torch, name)

        def cat(self, tensors, *args, **kwargs):
            if len(tensors) == 2 and tensors[0].shape[-2:] != tensors[1].shape[-2:]:
                first = torch.nn.functional.interpolate(tensors[0], tensors[1].shape[-2:], mode="nearest")
                tensors = (first, tensors[1])
            return torch.cat(tensors, *args, **kwargs)

    unet_2d_blocks.torch = Torch()
    latents, t, context = rnd(111, 1, 4, 13, 10), torch.tensor([500.0]), rnd(112, 1, 77, 16)
    save(os.path.join(a.out, "unet-odd.safetensors"),
         {"latents": latents, "timesteps": t, "context": context, "output": run_unet(unet, latents, t, context)},
         {"latents_seed": "111", "context_seed": "112"})


COMMANDS = {"odd-size": odd_size}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    COMMANDS[arguments.command](arguments)
