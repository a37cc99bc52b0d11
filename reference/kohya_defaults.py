#!/usr/bin/env python3
"""What kohya's scripts take where nothing is asked for, as their --output_config writes it: one TOML file for each.

Usage:  kohya_defaults.py OUT          PYTHONPATH holds diffusers' src and kohya's sd-scripts

Only the scripts' own parsers run; what else they import and this needs not (cv2, toml, ...) is replaced by mocks.
"""
import importlib
import importlib.abc
import importlib.machinery
import json
import sys
from unittest.mock import MagicMock

from diffusers import ControlNetModel, StableDiffusionPipeline, StableDiffusionXLPipeline     # before the mocks: they ask what is installed

SCRIPTS = {"train_network": "lora", "train_db": "dreambooth", "train_textual_inversion": "ti", "fine_tune": "finetune"}
SECRET = ("config_file", "output_config", "wandb_api_key")      # what train_util.read_config_from_file leaves out


class Mocks(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    names = {"torchvision", "cv2", "imagesize", "toml", "voluptuous", "einops", "albumentations"}

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        mock = MagicMock(name=spec.name)
        mock.__path__, mock.__spec__ = [], spec
        return mock

    def exec_module(self, module):
        pass


def main(out):
    sys.meta_path.append(Mocks())
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
