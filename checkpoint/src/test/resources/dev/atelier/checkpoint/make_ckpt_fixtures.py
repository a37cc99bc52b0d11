#!/usr/bin/env python3
"""Small .ckpt files as PyTorch writes them, each with the tensors it holds in a .safetensors file beside it.

Usage:  make_ckpt_fixtures.py [FOLDER]     (needs torch, numpy and safetensors; README.md names the versions used)

Seeded, and neither format stores a time: the same versions write the same bytes.
"""
import collections
import os
import sys
import types

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(4711)


def fixture(name, saved, expected, **how):
    torch.save(saved, os.path.join(FOLDER, name + ".ckpt"), **how)
    path = os.path.join(FOLDER, name + ".safetensors")
    save_file({k: v.detach().clone().contiguous() for k, v in expected.items()}, path, metadata={"format": "pt"})
    os.chmod(path, 0o644)


# ---------------------------------------------------------------------------------------- every type a state dict has

SPECIAL = torch.tensor([0.0, -0.0, 1.0, -3.3, 1 / 3, 65504.0, 6e-8, 1e-40, float("inf"), float("-inf"), float("nan")],
                       dtype=torch.float64)
types_ = collections.OrderedDict()
for t in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
    types_["special." + str(t)[6:]] = SPECIAL.to(t)
    types_["matrix." + str(t)[6:]] = torch.randn(3, 5, dtype=torch.float64).to(t)
for t in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
    types_["ends." + str(t)[6:]] = torch.tensor([torch.iinfo(t).min, 0, 1, torch.iinfo(t).max], dtype=t)
types_["flags.bool"] = torch.tensor([True, False, True])
types_["scalar"] = torch.tensor(0.25)
types_["empty"] = torch.zeros(0, 4, dtype=torch.float16)
types_["position_ids"] = torch.arange(77)[None]
fixture("state-dict", {"epoch": 0, "global_step": 7, "state_dict": types_}, types_)
fixture("protocol-4", {"state_dict": types_}, types_, pickle_protocol=4)

# Types that have no storage class of their own are saved through _rebuild_tensor_v3.
untyped = {"u16": torch.tensor([0, 1, 65535], dtype=torch.uint16),
           "u32": torch.tensor([0, 1, 2**32 - 1], dtype=torch.uint32),
           "u64": torch.tensor([0, 1, 2**63 - 1], dtype=torch.uint64),
           "e4m3": torch.randn(2, 3).to(torch.float8_e4m3fn),
           "e5m2": torch.randn(2, 3).to(torch.float8_e5m2)}
fixture("untyped-storage", untyped, untyped)

# ------------------------------------------------------------------------------------ a bare state dict, with _metadata

module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 2)).half()
fixture("module", module.state_dict(), module.state_dict())

# -------------------------------------------------------------------------------------------- views of shared storages

base = torch.randn(6, 8)
cube = torch.arange(60, dtype=torch.int32).reshape(3, 4, 5)
half = torch.randn(40).half()
views = {"base": base, "transposed": base.t(), "row": base[2], "column": base[:, 3], "rows": base[1:4],
         "block": base[1:5, 2:7], "stepped": base[::2, 1::3], "permuted": cube.permute(2, 0, 1), "plane": cube[:, 1],
         "expanded": torch.tensor([[1.5], [2.5]]).expand(2, 4), "repeated": torch.tensor(7.0).expand(3, 3),
         "half.tail": half[33:], "half.windows": half[:12].unfold(0, 4, 2), "half.diagonal": half[:36].view(6, 6).diagonal(),
         "one.by.one": base[3:4, 4:5].t(), "empty.slice": base[6:]}
fixture("views", views, views)

# ------------------------------------------------------------------------------------ parameters and decorated tensors

parameter = nn.Parameter(torch.randn(2, 2))
with_state = nn.Parameter(torch.randn(3))
with_state.note = "an attribute, which torch saves"
decorated = torch.randn(4)
decorated.note = "likewise"
parameters = {"parameter": parameter, "frozen": nn.Parameter(torch.randn(2), requires_grad=False),
              "with.state": with_state, "decorated": decorated, "requires.grad": torch.randn(2, requires_grad=True)}
fixture("parameters", {"state_dict": parameters}, parameters)

# ------------------------------------------- a training checkpoint as PyTorch Lightning before 1.6 wrote it (SD 1.x, 2.x)

lightning = types.ModuleType("pytorch_lightning.callbacks.model_checkpoint")


class ModelCheckpoint:
    pass


ModelCheckpoint.__module__ = lightning.__name__
lightning.ModelCheckpoint = ModelCheckpoint
for name in ("pytorch_lightning", "pytorch_lightning.callbacks"):
    sys.modules[name] = types.ModuleType(name)
sys.modules[lightning.__name__] = lightning

network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
network(torch.randn(5, 4)).sum().backward()
optimizer.step()
weights = collections.OrderedDict(("model.diffusion_model." + k, v) for k, v in network.state_dict().items())
weights["model_ema.decay"] = torch.tensor(0.9999)
weights["model_ema.num_updates"] = torch.tensor(470000, dtype=torch.int32)
weights._metadata = network.state_dict()._metadata
fixture("lightning", {
    "epoch": 3,
    "global_step": 470000,
    "pytorch-lightning_version": "1.4.2",
    "state_dict": weights,
    "callbacks": {ModelCheckpoint: {"monitor": "val/loss", "best_model_score": torch.tensor(0.125),
                                    "best_model_path": "epoch=3.ckpt", "current_score": None, "dirpath": "checkpoints"}},
    "optimizer_states": [optimizer.state_dict()],
    "lr_schedulers": [{"base_lrs": [1e-4], "last_epoch": 470000, "_last_lr": [np.float64(1e-4)],
                       "verbose": False, "history": np.arange(3, dtype=np.float32), "lr_lambdas": [None]}],
    "seeds": {2**64 + 1, -1},
    "hyper_parameters": {"betas": (0.9, 0.999), "schedule": "linear", "size": torch.Size([4, 64, 64]),
                         "dtype": torch.float16, "bytes": b"\x00\xff"},
}, weights)

# --------------------------------------------------------- what the safetensors writer makes of names and metadata

save_file({name: torch.tensor([float(i)]).half() for i, name in enumerate(
              ['b', 'a.10', 'a.9', 'Z', '\u00e9', '\uffee', '\U0001f600', 'path/to "it" \\ here', "it's"])},
          os.path.join(FOLDER, "names.safetensors"),
          metadata={"note /": 'line\nbreak\ttab \x01\x1f\x7f "quoted" \\ \b\f\r / \u00e9 \U0001f600'})
os.chmod(os.path.join(FOLDER, "names.safetensors"), 0o644)

# ------------------------------------------------------------- the container of PyTorch before 1.6, which it still writes

fixture("legacy", {"global_step": 7, "state_dict": types_}, types_, _use_new_zipfile_serialization=False)
fixture("legacy-views", views, views, _use_new_zipfile_serialization=False)


# ---------------------------------------------------------------------------------------- textual inversions

VECTORS = torch.randn(2, 768)
ORIGIN = {"string_to_token": {"*": 265}, "name": "cat-toy", "step": 499, "sd_checkpoint": "6ce0161689",
          "sd_checkpoint_name": "v1-5-pruned-emaonly"}
fixture("embedding-a1111", ORIGIN | {"string_to_param": {"*": VECTORS}}, {"string_to_param.*": VECTORS})
fixture("embedding-parameter-dict", {"string_to_token": {"*": torch.tensor(265)},
                                     "string_to_param": nn.ParameterDict({"*": nn.Parameter(VECTORS)})},
        {"string_to_param.*": VECTORS})
fixture("embedding-diffusers", {"<cat-toy>": VECTORS[0]}, {"<cat-toy>": VECTORS[0]})
fixture("embedding-bare", VECTORS, {"*": VECTORS})
