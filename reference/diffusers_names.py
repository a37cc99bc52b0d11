#!/usr/bin/env python3
"""Where diffusers' own single-file conversion takes each tensor from.

Usage:  diffusers_names.py FAMILY KEYS.json OUT.json.gz       FAMILY: sd21, sdxl-base, sdxl-refiner or controlnet-sd15

A model with the published names and tiny tensors, every element a number of its own, goes through diffusers'
conversion. Each tensor that comes out is found again by its numbers. Out: for each network, diffusers' name to
"SOURCE", "SOURCE rows K" (the K-th third of its rows) or "SOURCE transposed".
"""
import gzip
import json
import sys
from types import SimpleNamespace

import torch
from diffusers.loaders import single_file_utils as sf

family, keys, out = sys.argv[1:]
shapes = json.load(open(keys))
WIDTH = {"sd21": 1024, "sdxl-base": 1280, "sdxl-refiner": 1280}.get(family, 1024)
COUNT = 0


def tiny(name, shape):
    global COUNT
    if ".model.transformer." in name or name.endswith((".text_projection", ".ln_final.weight", ".ln_final.bias")):
        shape = [d * 4 // WIDTH for d in shape]                  # keeps the proportions of the fused projections
    elif ".attn_1." in name and name.endswith("weight"):
        shape = [2, 2, 1, 1]
    else:
        shape = [1] * len(shape)
    n = 1
    for d in shape:
        n *= d
    COUNT += n
    return torch.arange(COUNT - n, COUNT, dtype=torch.float64).reshape(shape)


ldm = {k: tiny(k, s) for k, s in shapes.items()}


def config(blocks, **more):
    return dict(layers_per_block=2, down_block_types=["x"] * blocks, up_block_types=["x"] * blocks,
                class_embed_type=None, num_class_embeds=None, **more)


networks = {}
if family == "controlnet-sd15":
    networks["controlnet"] = sf.convert_controlnet_checkpoint(dict(ldm), config(4, addition_embed_type=None))
else:
    xl = family.startswith("sdxl")
    unet = config(3 if family == "sdxl-base" else 4, addition_embed_type="text_time" if xl else None)
    networks["unet"] = sf.convert_ldm_unet_checkpoint(dict(ldm), unet)
    networks["vae"] = sf.convert_ldm_vae_checkpoint(dict(ldm), config(4))
    model = SimpleNamespace(config=SimpleNamespace(hidden_size=4))
    if family == "sd21":
        networks["text_encoder"] = sf.convert_open_clip_checkpoint(model, dict(ldm), "cond_stage_model.model.")
    else:
        number = 1 if family == "sdxl-base" else 0
        networks["text_encoder_2"] = sf.convert_open_clip_checkpoint(
            model, dict(ldm), f"conditioner.embedders.{number}.model.")
        if family == "sdxl-base":
            networks["text_encoder"] = sf.convert_ldm_clip_checkpoint(dict(ldm))

source = {t.flatten()[i].item(): (k, i) for k, t in ldm.items() for i in range(t.numel())}
names = {}
for part, tensors in networks.items():
    names[part] = {}
    for name, tensor in tensors.items():
        key, first = source[tensor.flatten()[0].item()]
        original = ldm[key]
        if first == 0 and torch.equal(tensor.flatten(), original.flatten()):
            how = ""
        elif tensor.dim() == 2 and torch.equal(tensor, original.T):
            how = " transposed"
        else:
            third = original.shape[0] // 3
            k = first // (original.numel() // 3)
            assert torch.equal(tensor, original[k * third:(k + 1) * third]), name
            how = f" rows {k}"
        names[part][name] = key + how
used = {v.split()[0] for part in names.values() for v in part.values()}
print({k: len(v) for k, v in names.items()}, "not used:", sorted(set(ldm) - used)[:16], len(set(ldm) - used))
data = json.dumps(names, sort_keys=True, separators=(",", ":")).encode()
open(out, "wb").write(gzip.compress(data, 9, mtime=0))
