#!/usr/bin/env python3
"""What kohya's scripts take where nothing is asked for, as their --output_config writes it: one TOML file for each.

Usage:  kohya_defaults.py OUT          PYTHONPATH holds diffusers' src and kohya's sd-scripts

Only the scripts' own parsers run; what else they import and this needs not (cv2, toml, ...) is replaced by mocks.
"""
import importlib
import json
import sys
from unittest.mock import MagicMock

from diffusers import ControlNetModel, StableDiffusionPipeline, StableDiffusionXLPipeline     # before the mocks: they ask what is installed
from mocks import Mocks

SCRIPTS = {"train_network": "lora", "train_db": "dreambooth", "train_textual_inversion": "ti", "fine_tune": "finetune"}
SECRET = ("config_file", "output_config", "wandb_api_key")      # what train_util.read_config_from_file leaves out


def main(out):
    Mocks("torchvision", "cv2", "imagesize", "toml", "voluptuous", "einops", "albumentations")
    for older in ("lpw_stable_diffusion", "sdxl_lpw_stable_diffusion"):     # than this transformers
        sys.modules["library." + older] = MagicMock()
    for script, kind in SCRIPTS.items():
        options = vars(importlib.import_module(script).setup_parser().parse_args([]))
        given = {k: v for k, v in sorted(options.items()) if v is not None and k not in SECRET}
        with open(f"{out}/kohya-{kind}.toml", "w") as file:
            file.writelines(f"{k} = {json.dumps(v)}\n" for k, v in given.items())
        print(f"{script}: {len(given)} of {len(options)} options")


if __name__ == "__main__":
    main(*sys.argv[1:])
