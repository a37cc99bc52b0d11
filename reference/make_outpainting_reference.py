#!/usr/bin/env python3
"""What AUTOMATIC1111's scripts "Outpainting mk2" and "Poor man's outpainting" make of a picture, with a stub in place of the model.

    python make_outpainting_reference.py --webui stable-diffusion-webui-forge --out outpainting.safetensors

Runs scripts/outpainting_mk_2.py and scripts/poor_mans_outpainting.py with modules/images.py. Needs numpy, Pillow, scikit-image.
The stub answers with the mean of its picture and a grey that tells the calls apart; what it was given is in the metadata: sizes,
blurs, and where the masks are black.
"""
import argparse
import importlib.util
import json
import sys
from unittest.mock import MagicMock

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(width, height):
    """Smooth but for an edge and some grain."""
    y, x = np.mgrid[0:height, 0:width]
    red = 40 + 170 * x / width
    green = np.where((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2, 200, 60 + y % 50)
    blue = 90 + 60 * np.sin(x / 7) * np.cos(y / 5)
    grain = np.random.RandomState(7).randint(0, 16, (height, width, 3))    # no frequency is missing
    return (np.stack([red, green, blue], -1) + grain).astype(np.uint8)


def sample(image):
    """Every fourth pixel of every fourth row."""
    return torch.from_numpy(np.asarray(image)[::4, ::4].copy())


def black(mask):
    rows, columns = np.nonzero(np.asarray(mask.convert("L")) == 0)
    return [int(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)] if len(rows) else []


class Processing:
    def __init__(self, image, size, **more):
        self.width, self.height = size
        self.init_images, self.n_iter, self.batch_size, self.seed = [Image.fromarray(image)], 1, 1, 1
        self.mask_blur = self.mask_blur_x = self.mask_blur_y = 4
        self.__dict__.update(more)


def answers(calls):
    def process(p):
        level = 30 + 20 * len(calls)
        calls.append({"size": [p.width, p.height], "mask": black(p.image_mask), "latentMask": black(p.latent_mask),
                      "blur": [p.mask_blur_x, p.mask_blur_y], "content": p.inpainting_fill, "seed": p.seed})
        drawn = [Image.blend(image.convert("RGB"), Image.new("RGB", image.size, (level,) * 3), 0.5) for image in p.init_images]
        return MagicMock(images=drawn, seed=p.seed)
    return process


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--webui", required=True)
    parser.add_argument("--out", required=True)
    a = parser.parse_args()
    sys.modules |= {name: MagicMock() for name in (
        "gradio", "pytz", "pillow_avif", "piexif", "piexif.helper", "fonts", "fonts.ttf", "modules", "modules.scripts", "modules.processing",
        "modules.shared", "modules.paths_internal", "modules.devices")}
    sys.modules["modules.scripts"].Script = sys.modules["modules"].scripts.Script = object
    opts = MagicMock(return_grid=False, samples_save=False, grid_save=False, grid_only_if_multiple=True)
    sys.modules["modules.shared"].opts = opts
    images = load(f"{a.webui}/modules/images.py", "webui_images")
    images.image_grid = MagicMock()
    sys.modules["modules"].images = images
    mk2 = load(f"{a.webui}/scripts/outpainting_mk_2.py", "mk2")
    poor = load(f"{a.webui}/scripts/poor_mans_outpainting.py", "poor")
    tensors, runs = {"picture": torch.from_numpy(picture(96, 64))}, []
    source = np.zeros((64, 128, 3), np.uint8)
    source[:, 32:] = picture(96, 64)
    mask = np.full((64, 128, 3), 255, np.uint8)
    mask[:, 36:] = 0
    for name, falloff, colour in (("noise", 1.0, 0.05), ("noise_2", 0.6, 0.8)):
        noise = mk2.get_matched_noise(source / 255.0, mask / 255.0, falloff, colour)
        tensors[name] = torch.from_numpy(np.clip(noise * 255.0, 0.0, 255.0).astype(np.uint8))
    for name, sides, size, pixels, blur in (("all", ["left", "right", "up", "down"], (512, 512), 32, 2),
                                            ("some", ["right", "up"], (128, 512), 64, 4)):
        calls = []
        mk2.process_images = answers(calls)
        out = mk2.Script().run(Processing(picture(96, 64), size), None, pixels, blur, sides, 1.0, 0.05)
        mk2.Processed.assert_called()
        result = mk2.Processed.call_args.args[1][0]
        tensors["mk2." + name] = sample(result)
        runs.append({"name": "mk2." + name, "sides": sides, "size": size, "pixels": pixels, "blur": blur, "calls": calls})
    for name, sides, size, pixels, blur, fill in (("all", ["left", "right", "up", "down"], (128, 96), 32, 4, 0),
                                                  ("some", ["left", "right", "down"], (96, 64), 32, 5, 1)):
        calls = []
        p = Processing(picture(96, 64), size)
        process = answers(calls)

        def blurred(p):
            p.mask_blur_x = p.mask_blur_y = p.mask_blur
            return process(p)

        poor.process_images = blurred
        poor.Script().run(p, pixels, blur, fill, sides)
        tensors["poor." + name] = sample(poor.Processed.call_args.args[1][0])
        runs.append({"name": "poor." + name, "sides": sides, "size": size, "pixels": pixels, "blur": blur, "calls": calls})
    save_file(tensors, a.out, {"runs": json.dumps(runs)})
    print({k: tuple(v.shape) for k, v in tensors.items()}, json.dumps(runs))


if __name__ == "__main__":
    main()
