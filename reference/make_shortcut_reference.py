#!/usr/bin/env python3
"""What the UNet of the miniature must compute where it takes shortcuts: tokens merged by tomesd, blocks skipped by DeepCache.

Both run on diffusers' UNet. tomesd (https://github.com/dbolya/tomesd) merges deterministically (use_rand=False), in
self-attention at full resolution only; DeepCache (https://github.com/horseee/DeepCache) runs its helper for pipelines at an
interval of 3. PYTHONPATH must contain diffusers' src folder and the folders of both.

Usage: make_shortcut_reference.py MINIATURE OUT      (MINIATURE: made by make_reference.py)
"""
import os, sys
from types import SimpleNamespace

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_reference as mr
from make_pipeline_reference import resize_as_automatic1111, rnd
import tomesd
from DeepCache import DeepCacheSDHelper

torch.set_grad_enabled(False)


def main(miniature, out):
    resize_as_automatic1111()
    tensors = {"context": rnd(302, 2, 77, 16)}

    for name, size, ratio in (("even", (8, 12), 0.5), ("odd", (13, 10), 0.3), ("most", (8, 8), 0.75)):
        unet = mr.load_network("unet", "miniature", miniature)
        tomesd.apply_patch(unet, ratio=ratio, use_rand=False)
        latents = rnd(301, 2, 4, *size)
        times = torch.tensor([981.0, 37.5])
        tensors[f"merged.{name}.latents"] = latents
        tensors[f"merged.{name}.output"] = mr.run_unet(unet, latents, times, tensors["context"])

    calls = [900, 700, 500, 300]
    tensors["cached.timesteps"] = torch.tensor(calls, dtype=torch.float32)
    tensors["cached.latents"] = rnd(303, len(calls), 2, 4, 8, 8)
    for depth in (1, 2, 3):
        unet = mr.load_network("unet", "miniature", miniature)
        helper = DeepCacheSDHelper(SimpleNamespace(unet=unet, scheduler=SimpleNamespace(timesteps=calls)))
        helper.set_params(cache_interval=3, cache_branch_id=depth - 1)
        helper.enable()
        outputs = [unet(tensors["cached.latents"][i], torch.tensor(t), encoder_hidden_states=tensors["context"], return_dict=False)[0]
                   for i, t in enumerate(calls)]
        tensors[f"cached.output.{depth}"] = torch.stack(outputs)
    mr.save(out, tensors)


main(*sys.argv[1:])
