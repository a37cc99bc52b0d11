#!/usr/bin/env python3
"""Whether kohya's and AUTOMATIC1111's code read the LoRAs that atelier trains as atelier itself does.

Usage:  lora_elsewhere.py ATELIER FOLDER PICTURES     FOLDER: a new one, with a CLIP tokenizer in tokenizer/

PYTHONPATH holds diffusers' src, kohya's sd-scripts, LyCORIS and KohakuBlueleaf's a1111-sd-webui-lycoris, which is AUTOMATIC1111's
built-in Lora extension as one of its own; what they do not need for this (cv2, the web interface) is replaced by mocks.  For Stable Diffusion
1, 2 and XL of small width atelier trains a LoRA with convolutions and text encoders, and bakes it into a copy.  kohya merges it
(networks.lora, Stable Diffusion 1), AUTOMATIC1111's modules compute what they add to each weight: the same change.  LyCORIS' modules
do so for a DoRA, a LoHa and a LoKr, and AUTOMATIC1111's for the last two.
"""
import subprocess
import sys
import types
import warnings

import torch
from diffusers import StableDiffusionPipeline  # before the mocks: it asks what is installed
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTokenizer

atelier, folder, pictures = sys.argv[1:]
sys.argv = sys.argv[:3]

import interop as im
from mocks import Mocks

warnings.filterwarnings("ignore")
torch.set_grad_enabled(False)
Mocks("torchvision", "cv2", "gradio", "modules", "imagesize", "toml", "voluptuous", "einops")


def run(*words):
    subprocess.run([atelier, *words], check=True, stdout=subprocess.DEVNULL)


def tree(state, prefix):
    """Empty layers with the names and shapes of the tensors below a prefix."""
    root = torch.nn.Module()
    for key, tensor in state.items():
        if not key.startswith(prefix):
            continue
        path = key[len(prefix):].split(".")
        at = root
        for i, name in enumerate(path[:-1]):
            if not hasattr(at, name):
                last = i == len(path) - 2
                if path[i + 1:] in (["in_proj_weight"], ["in_proj_bias"], ["out_proj", "weight"], ["out_proj", "bias"]) and name == "attn":
                    layer = torch.nn.MultiheadAttention(state[prefix + ".".join(path[:i + 1]) + ".out_proj.weight"].shape[0], 1)
                elif last and path[-1] == "weight" and tensor.dim() == 4:
                    layer = torch.nn.Conv2d(tensor.shape[1], tensor.shape[0], tensor.shape[2:], padding=tensor.shape[2] // 2)
                elif last and path[-1] == "weight" and tensor.dim() == 2:
                    layer = torch.nn.Linear(tensor.shape[1], tensor.shape[0])
                else:
                    layer = torch.nn.Module()
                setattr(at, name, layer)
            at = getattr(at, name)
    return root


def webui(name, base, baked, lora):
    """The changes by AUTOMATIC1111's modules against those in the baked file."""
    from modules import devices, sd_models, shared
    devices.cpu, devices.dtype, devices.device = torch.device("cpu"), torch.float32, torch.device("cpu")
    sd_models.read_state_dict = load_file
    import l_networks
    ordered = dict(sorted(base.items(), key=lambda kv: kv[0].endswith("bias")))       # weights tell what a layer is
    model = types.SimpleNamespace(is_sdxl=name == "xl", model=torch.nn.Module())
    model.model.diffusion_model = tree(ordered, "model.diffusion_model.")
    text = {"": "cond_stage_model."} if name != "xl" else {i: f"conditioner.embedders.{i}." for i in (0, 1)}
    embedders = {i: types.SimpleNamespace(wrapped=tree(ordered, p)) for i, p in text.items()}
    if name == "xl":
        model.conditioner = types.SimpleNamespace(embedders=[embedders[0], embedders[1]])
    else:
        model.cond_stage_model = embedders[""]
    shared.sd_model = model
    l_networks.assign_network_names_to_compvis_modules(model)
    names = {}
    for key in base:
        if key.startswith("model.diffusion_model."):
            names[key.removeprefix("model.").removesuffix(".weight").replace(".", "_")] = key
        for i, prefix in text.items():
            if key.startswith(prefix):
                short = key[len(prefix):].removesuffix(".weight").replace(".", "_")
                names[short if i == "" else f"{i}_{short}"] = key
    network = l_networks.load_network("x", types.SimpleNamespace(filename=lora))
    network.unet_multiplier, network.te_multiplier, network.dyn_dim = 1.0, 1.0, None
    error, size = 0, 0
    for key, module in network.modules.items():
        part = next((i for i, s in enumerate(("_q_proj", "_k_proj", "_v_proj")) if key.endswith(s) and key not in names), None)
        tensor = names[key if part is None else key[:-len("_q_proj")] + "_in_proj_weight"]
        change = baked[tensor] - base[tensor]
        if part is not None:
            change = change.chunk(3)[part]
        theirs, _ = module.calc_updown(torch.zeros_like(change))
        error, size = error + (theirs - change).square().sum(), size + change.square().sum()
    modules = len({k.split(".")[0] for k in load_file(lora)})
    print(f"{name} AUTOMATIC1111: {len(network.modules)} of {modules} modules, error of the changes {(error / size).sqrt():.1e}", flush=True)
    assert len(network.modules) == modules and (error / size).sqrt() < 1e-3


def lycoris(form, base, baked, lora):
    """The changes by LyCORIS' modules, at which it would go on training, against those in the baked file."""
    from lycoris.modules import get_module, make_module
    state = load_file(lora)
    ordered = dict(sorted(base.items(), key=lambda kv: kv[0].endswith("bias")))       # weights tell what a layer is
    unet, text = tree(ordered, "model.diffusion_model."), tree(ordered, "cond_stage_model.transformer.")
    error, size, modules = 0, 0, sorted({k.split(".")[0] for k in state})
    layers = diffusers_layers(base)
    for name in modules:
        key = layers[name]
        root, prefix = (unet, "model.diffusion_model.") if name.startswith("lora_unet") else (text, "cond_stage_model.transformer.")
        layer = root.get_submodule(key[len(prefix):-len(".weight")])
        layer.weight.data = base[key].clone()
        module = make_module(*get_module(state, name), name, layer)
        # as their forward passes do; get_merged_weight multiplies a LoHa and a LoKr by their scale twice
        theirs = module.get_merged_weight()[0] - base[key] if form == "dora" else module.get_weight(base[key].shape)
        change = baked[key] - base[key]
        error, size = error + (theirs - change).square().sum(), size + change.square().sum()
    print(f"sd1 {form} LyCORIS: {len(modules)} modules, error of the changes {(error / size).sqrt():.1e}", flush=True)
    assert (error / size).sqrt() < 1e-3


def diffusers_layers(base):
    """The weights in the original layout by the names that kohya's scripts give to their LoRAs."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
    config = dict(layers_per_block=2, block_out_channels=(32, 64, 128, 128), class_embed_type=None, addition_embed_type=None,
                  down_block_types=[0] * 4, up_block_types=[0] * 4)
    prefix = "model.diffusion_model."
    marked = {k: torch.tensor(float(i)) for i, k in enumerate(base) if k.startswith(prefix)}
    keys = list(base)
    found = {k: keys[int(v)] for k, v in convert_ldm_unet_checkpoint(dict(marked), config).items()}
    text = "cond_stage_model.transformer."
    return {"lora_unet_" + k.removesuffix(".weight").replace(".", "_"): v for k, v in found.items() if k.endswith(".weight")} | {
        "lora_te_" + k.removeprefix(text).removesuffix(".weight").replace(".", "_"): k for k in base
        if k.startswith(text) and k.endswith(".weight")}


def kohya(base, baked, lora, text):
    import library.model_util as mu
    import library.original_unet as ou
    import networks.lora as kl
    ou.BLOCK_OUT_CHANNELS, ou.TIMESTEP_INPUT_DIM, ou.TIME_EMBED_DIM = (32, 64, 128, 128), 32, 128     # and not 320 ...
    mu.UNET_PARAMS_MODEL_CHANNELS, mu.UNET_PARAMS_CHANNEL_MULT, mu.UNET_PARAMS_CONTEXT_DIM = 32, [1, 2, 4, 4], 128
    config = mu.create_unet_diffusers_config(False)

    def unet(state):
        network = mu.UNet2DConditionModel(**config)
        network.load_state_dict(mu.convert_ldm_unet_checkpoint(False, dict(state), config))
        return network.eval()
    holder = torch.nn.Module()
    holder.text_model = text            # transformers 5 has one level less
    before = {**unet(base).state_dict(), **{"te." + k: v.clone() for k, v in text.state_dict().items()}}
    merged = unet(base)
    network, weights = kl.create_network_from_weights(1.0, lora, None, holder, merged, for_inference=True)
    modules = len({k.split(".")[0] for k in weights})
    assert len(network.unet_loras) + len(network.text_encoder_loras) == modules
    network.merge_to(holder, merged, weights, torch.float32, "cpu")
    prefix = "cond_stage_model.transformer.text_model."
    ours = {**unet(baked).state_dict(), **{"te." + k[len(prefix):]: v for k, v in baked.items() if k.startswith(prefix)}}
    error, size = 0, 0
    for k, theirs in {**merged.state_dict(), **{"te." + k: v for k, v in text.state_dict().items()}}.items():
        change = theirs - before[k]
        error, size = error + (ours[k] - before[k] - change).square().sum(), size + change.square().sum()
    print(f"sd1 kohya: {modules} modules, error of the changes {(error / size).sqrt():.1e}", flush=True)
    assert (error / size).sqrt() < 1e-3


def main():
    for name, pipe in im.models(CLIPTokenizer.from_pretrained(folder + "/tokenizer")):
        if name not in ("sd1", "sd2", "xl"):
            continue
        base, lora = f"{folder}/{name}", f"{folder}/{name}-lora.safetensors"
        pipe.save_pretrained(base)
        run("train", "lora", "--model", base, "--data", pictures, "--resolution", "64", "--steps", "4", "--lr", "1e-2",
            "--rank", "4", "--alpha", "2", "--conv-rank", "2", "--conv-alpha", "3", "--lora-plus", "4", "--dtype", "fp32", "-o", lora)
        run("convert", base, "-o", base + ".safetensors")
        run("convert", f"lora({base}.safetensors, {lora})", "-o", base + "-baked.safetensors")
        states = [load_file(base + end + ".safetensors") for end in ("", "-baked")]
        webui(name, *states, lora)
        if name == "sd1":
            kohya(*states, lora, pipe.text_encoder)
            for form in ("dora", "loha", "lokr"):
                other = f"{folder}/{form}.safetensors"
                run("train", "lora", "--model", base, "--data", pictures, "--resolution", "64", "--steps", "4", "--lr", "1e-2",
                    "--algorithm", form, "--rank", "4", "--alpha", "2", "--conv-rank", "2", "--dtype", "fp32", "-o", other)
                run("convert", f"lora({base}.safetensors, {other})", "-o", f"{folder}/{form}-baked.safetensors")
                changed = load_file(f"{folder}/{form}-baked.safetensors")
                lycoris(form, states[0], changed, other)
                if form != "dora":                  # there AUTOMATIC1111 knows lengths of columns alone, not of rows
                    webui(f"sd1 {form}", states[0], changed, other)


if __name__ == "__main__":
    main()
