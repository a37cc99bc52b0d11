#!/usr/bin/env python3
"""What the web UI's soft inpainting blends at a step, and which overlay mask it makes of what was drawn: its own code.

Needs a checkout of AUTOMATIC1111's stable-diffusion-webui, of which extensions-builtin/soft-inpainting is run.

Usage: make_soft_inpainting_reference.py --webui stable-diffusion-webui --out soft-inpainting.safetensors
"""
import argparse, importlib.util, os, sys, types

import numpy, torch
from PIL import Image

import make_reference as mr
from make_pipeline_reference import rnd

SETTINGS = {"usual": (1, 0.5, 4, 0, 0.5, 2), "other": (0.6, 1.5, 2.5, 0.4, 1.25, 3.5)}


def main():
    parser = argparse.ArgumentParser()
    for name in ("webui", "out"):
        parser.add_argument("--" + name, required=True)
    a = parser.parse_args()
    maps = []

    def captured(_, mask, width, height):
        maps.append(torch.from_numpy(numpy.array(mask)).float())
        return mask.resize((width, height))

    plain = lambda x, **_: x
    for name, members in {"modules": {}, "gradio": {}, "modules.scripts": {"Script": object, "MaskBlendArgs": None, "PostSampleArgs": None, "PostProcessMaskOverlayArgs": None}, "modules.ui_components": {"InputAccordion": None},
                          "modules.torch_utils": {"float64": lambda _: torch.float64}, "modules.images": {"resize_image": captured},
                          "modules.processing": {"create_binary_mask": plain}}.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
    for name in ("scripts", "images", "processing"):
        setattr(sys.modules["modules"], name, sys.modules["modules." + name])
    spec = importlib.util.spec_from_file_location(
        "soft", os.path.join(a.webui, "extensions-builtin", "soft-inpainting", "scripts", "soft_inpainting.py"))
    soft = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(soft)

    kept, drawn = rnd(501, 2, 4, 9, 7), rnd(502, 2, 4, 9, 7)
    drawn[:, :, :, 4:] = kept[:, :, :, 4:] + drawn[:, :, :, 4:] / 8
    share = torch.linspace(0, 1, 63).reshape(1, 9, 7).repeat(4, 1, 1)
    tensors = {"kept": kept, "drawn": drawn, "share": share}
    for name, values in SETTINGS.items():
        settings = soft.SoftInpaintingSettings(*values)
        tensors[name + ".blended"] = soft.latent_blend(
            settings, kept.clone(), drawn.clone(), soft.get_modified_nmask(settings, share, torch.tensor(3.25)))
        maps.clear()
        soft.apply_adaptive_masks(settings, share, kept, drawn, [Image.new("RGBA", (56, 72))] * 2, 56, 72, None)
        tensors[name + ".masks"] = torch.stack(maps)
    mr.save(a.out, tensors)


main()
