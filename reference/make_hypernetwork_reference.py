#!/usr/bin/env python3
"""What the miniature's UNet computes with hypernetworks: the web UI's own code for them, in diffusers' attention.

Needs a checkout of AUTOMATIC1111's stable-diffusion-webui or Forge's, of which modules/hypernetworks/hypernetwork.py is run;
the miniature checkpoint comes from make_reference.py. Writes two hypernetworks, one of them in the names of the first ones,
and the UNet's answers with the first, with both, and with the first at another strength.

Usage:
  make_hypernetwork_reference.py --webui stable-diffusion-webui --checkpoint miniature.safetensors --out FOLDER
"""
import argparse, os, sys, types

import torch

import make_reference as mr
from make_pipeline_reference import rnd


def web_ui(path):
    """The module, with as much of the web UI around it as it takes."""
    sys.path.insert(0, path)
    plain = lambda x: x
    stubs = {"devices": {"device": "cpu", "torch_npu_set_device": lambda: None, "cond_cast_unet": plain, "cond_cast_float": plain},
             "shared": {"opts": types.SimpleNamespace(print_hypernet_extra=False, save_optimizer_state=False),
                        "hypernetworks": {}, "loaded_hypernetworks": []},
             "hashes": {"sha256": lambda *_: None}}
    for name in ("devices", "shared", "hashes", "sd_models", "sd_samplers", "sd_hijack_checkpoint", "errors",
                 "textual_inversion", "textual_inversion.textual_inversion"):
        module = types.ModuleType("modules." + name)
        module.__dict__.update(stubs.get(name, {}))
        sys.modules[module.__name__] = module
    sys.modules["modules.textual_inversion"].textual_inversion = sys.modules["modules.textual_inversion.textual_inversion"]
    for name, members in {"ldm": {}, "ldm.util": {"default": None}, "backend": {}, "backend.nn": {}, "backend.nn.unet": {"default": None},
                          "einops": {"rearrange": None, "repeat": None}, "tqdm": {}}.items():
        if name not in sys.modules:
            module = types.ModuleType(name)
            module.__dict__.update(members)
            sys.modules[name] = module
    import modules.hypernetworks.hypernetwork as hypernetwork
    return hypernetwork


class Attention:
    """diffusers' attention, whose keys and values see what the hypernetworks make of the context."""

    def __init__(self, hypernetwork, loaded):
        self.hypernetwork, self.loaded = hypernetwork, loaded

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        for_keys, for_values = self.hypernetwork.apply_hypernetworks(self.loaded, context)
        q, k, v = (x.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
                   for x in (attn.to_q(hidden_states), attn.to_k(for_keys), attn.to_v(for_values)))
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return attn.to_out[0](out.transpose(1, 2).flatten(2))


def main():
    parser = argparse.ArgumentParser()
    for name in ("webui", "checkpoint", "out"):
        parser.add_argument("--" + name, required=True)
    a = parser.parse_args()
    hypernetwork = web_ui(a.webui)
    torch.set_grad_enabled(False)
    torch.manual_seed(7)

    def make(name, sizes, **how):
        net = hypernetwork.Hypernetwork(name=name, enable_sizes=sizes, weight_init="Normal", **how)
        for weight in net.weights():
            weight.copy_(torch.randn_like(weight) / 6)
        net.save(os.path.join(a.out, name + ".pt"))
        return net

    make("deep", [16, 32], layer_structure=[1, 1.5, 1], activation_func="swish", add_layer_norm=True, activate_output=False)
    make("first", [16], layer_structure=[1, 2, 1], activation_func=None)
    # as the first ones were stored: two layers by other names, and no word of how they are built
    path = os.path.join(a.out, "first.pt")
    stored = torch.load(path)
    names = {"linear.0": "linear1", "linear.1": "linear2"}
    torch.save({16: tuple({names[key[:8]] + key[8:]: value for key, value in part.items()} for part in stored[16])}, path)

    unet = mr.load_network("unet", "miniature", a.checkpoint)
    tensors = {"latents": rnd(401, 2, 4, 8, 8), "context": rnd(402, 2, 77, 16)}
    for name, uses in {"deep": [("deep", 1)], "both": [("deep", 0.7), ("first", 1)], "weak": [("deep", 0.3)]}.items():
        loaded = []
        for file, strength in uses:
            net = hypernetwork.Hypernetwork()
            net.load(os.path.join(a.out, file + ".pt"))
            loaded.append(net.set_multiplier(strength))
        unet.set_attn_processor(Attention(hypernetwork, loaded))
        tensors[name] = mr.run_unet(unet, tensors["latents"], torch.tensor([981.0, 37.5]), tensors["context"])
    mr.save(os.path.join(a.out, "hypernetworks.safetensors"), tensors)


main()
