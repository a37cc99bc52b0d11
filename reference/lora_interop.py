#!/usr/bin/env python3
"""Whether PEFT computes from a LoRA that atelier has renamed for diffusers what kohya's file says.

Usage:  lora_interop.py ATELIER      ATELIER: the launcher

The file is merge's fixture `first.safetensors`; it goes into a few layers of its sizes in the way that diffusers' load_lora_weights
does it, with the configuration that is in the metadata. Prints the largest difference of each layer's weight.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn import Conv2d, Linear, ModuleList

source = Path(__file__).parent.parent / "merge/src/test/resources/dev/atelier/merge/lora/first.safetensors"
renamed = Path(tempfile.mkdtemp()) / "renamed.safetensors"
subprocess.run([sys.argv[1], "lora", "convert", source, "--to", "diffusers", "-o", renamed], check=True)


def module(**children):
    result = torch.nn.Module()
    for name, child in children.items():
        result.add_module(name, ModuleList(child) if isinstance(child, list) else child)
    return result


attention = module(transformer_blocks=[module(attn1=module(to_q=Linear(12, 16)))])
unet = module(down_blocks=[module(attentions=[attention], resnets=[module(conv1=Conv2d(6, 12, 3))])])
text = module(text_model=module(encoder=module(layers=[module(mlp=module(fc1=Linear(10, 20)))])))
kohya, tensors = load_file(source), load_file(renamed)
metadata = json.loads(safe_open(renamed, "pt").metadata()["lora_adapter_metadata"])
worst = 0
for prefix, model, kohyas in (("unet.", unet, "lora_unet_"), ("text_encoder.", text, "lora_te_")):
    config = LoraConfig(**{key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)})
    state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    inject_adapter_in_model(config, model, adapter_name="default", state_dict=state)
    assert not set_peft_model_state_dict(model, state, "default").unexpected_keys
    for name, layer in model.named_modules():
        if hasattr(layer, "get_delta_weight"):
            up, down, alpha = (
                kohya[kohyas + name.replace(".", "_") + part] for part in (".lora_up.weight", ".lora_down.weight", ".alpha")
            )
            expected = alpha / down.shape[0] * (up.flatten(1) @ down.flatten(1))
            error = (layer.get_delta_weight("default").detach().flatten(1) - expected).abs().max().item()
            worst = max(worst, error)
            print(f"{prefix}{name}: scale {layer.scaling['default']}, error {error:.1e}")
sys.exit(worst > 1e-6)
