#!/usr/bin/env python3
"""Whether a full checkpoint that atelier trained is what PyTorch programs expect, and what atelier makes of it.

Usage:  trained_checkpoints.py FULL.safetensors ONLY.safetensors PRUNED.ckpt

FULL: atelier train finetune --ema … --keep-ema --dtype fp32.  ONLY: of it, convert --ema only --dtype fp16.  PRUNED: convert --prune.
CompVis' names: every weight of the UNet has an average under its name without dots, and model_ema.decay and model_ema.num_updates
stand beside them.
"""
import sys

import torch
from safetensors.torch import load_file

full, only, pruned = load_file(sys.argv[1]), load_file(sys.argv[2]), torch.load(sys.argv[3], weights_only=True)["state_dict"]
unet = [k for k in full if k.startswith("model.diffusion_model.")]
average = lambda k: full["model_ema." + k[len("model."):].replace(".", "")]
assert len(unet) + 2 == sum(k.startswith("model_ema.") for k in full)
assert full["model_ema.num_updates"].dtype == torch.int32 and full["model_ema.decay"].shape == ()
moved = sum((full[k] - average(k)).abs().max().item() > 0 for k in unet)
assert moved > 0.9 * len(unet), moved
for k in unet:
    assert torch.equal(average(k).half(), only[k]), k
    assert torch.equal(full[k], pruned[k].float()), k
assert not any(k.startswith("model_ema.") for k in [*only, *pruned])
print(f"{len(unet)} weights, {moved} averages that differ; the averages alone and the pruned file hold the same numbers")
