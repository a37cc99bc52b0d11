"""Makes the reference numbers of merge's tests of LoRA tools, with kohya's scripts and diffusers:

    PYTHONPATH=DIFFUSERS/src python reference/make_lora_reference.py SD-SCRIPTS TARGET

TARGET gets small safetensors files, described in merge/src/test/resources/dev/atelier/merge/lora/README.md.
"""

import argparse
import os
import sys
import unittest.mock

import torch
from safetensors.torch import load_file, save_file

SCRIPTS, TARGET = sys.argv[1:3]
sys.path[:0] = [SCRIPTS, os.path.join(SCRIPTS, "networks")]
# of kohya's own library, its training code needs a dozen packages that no number here depends on
for unused in ("library.train_util", "library.sai_model_spec", "library.sdxl_model_util", "library.model_util", "library.utils"):
    sys.modules[unused] = unittest.mock.MagicMock()
sys.modules["library.train_util"].load_metadata_from_safetensors = lambda _: {}
sys.modules["library.model_util"].is_safetensors = lambda name: name.endswith(".safetensors")
torch.manual_seed(20260)

ATTENTION = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
TEXT = "text_model_encoder_layers_0_mlp_fc1"


def decaying(rows, columns, decay=0.7):
    """A matrix whose singular values fall geometrically, as those of a trained difference do."""
    left = torch.linalg.qr(torch.randn(rows, rows))[0]
    right = torch.linalg.qr(torch.randn(columns, columns))[0]
    count = min(rows, columns)
    return left[:, :count] @ torch.diag(0.5 * decay ** torch.arange(count)) @ right[:, :count].T


def lora(alpha, rank, conv_rank, dtype=torch.float32):
    tensors = {}
    for name, out, inner in ((f"lora_unet_{ATTENTION}", 16, (12,)), (f"lora_te_{TEXT}", 20, (10,))):
        product = decaying(out, inner[0])
        u, s, v = torch.linalg.svd(product)
        tensors[name + ".lora_up.weight"] = u[:, :rank] * s[:rank].sqrt()
        tensors[name + ".lora_down.weight"] = s[:rank].sqrt()[:, None] * v[:rank]
        tensors[name + ".alpha"] = torch.tensor(float(alpha))
    name = "lora_unet_down_blocks_0_resnets_0_conv1"
    u, s, v = torch.linalg.svd(decaying(12, 54), full_matrices=False)
    tensors[name + ".lora_up.weight"] = (u[:, :conv_rank] * s[:conv_rank].sqrt()).reshape(12, conv_rank, 1, 1)
    tensors[name + ".lora_down.weight"] = (s[:conv_rank].sqrt()[:, None] * v[:conv_rank]).reshape(conv_rank, 6, 3, 3)
    tensors[name + ".alpha"] = torch.tensor(float(alpha))
    return {key: value.to(dtype).contiguous() for key, value in tensors.items()}


def products(tensors):
    """What each layer adds at strength 1, which is all that may be compared: factors have no unique signs."""
    result = {}
    for key in tensors:
        if key.endswith(".lora_down.weight"):
            name = key[: -len(".lora_down.weight")]
            down = tensors[key].double()
            up = tensors[name + ".lora_up.weight"].double()
            scale = float(tensors[name + ".alpha"]) / down.shape[0]
            result[name + ".product"] = (scale * up.flatten(1) @ down.flatten(1)).float().contiguous()
            result[name + ".rank"] = torch.tensor(down.shape[0])
            result[name + ".alpha"] = tensors[name + ".alpha"].float()
    return result


def save(name, tensors, metadata=None):
    save_file(tensors, os.path.join(TARGET, name + ".safetensors"), metadata)


def resized():
    import resize_lora

    source = load_file(os.path.join(TARGET, "first.safetensors"))
    for name, rank, method, parameter in (
        ("fixed", 3, None, None),
        ("sv-ratio", 8, "sv_ratio", 4.0),
        ("sv-fro", 8, "sv_fro", 0.9),
        ("sv-cumulative", 8, "sv_cumulative", 0.8),
    ):
        result, _, _ = resize_lora.resize_lora_model(
            dict(source), rank, 2, torch.float32, "cpu", method, parameter, False
        )
        save("resized-" + name, products(result))


def merged():
    import svd_merge_lora

    svd_merge_lora.CLAMP_QUANTILE = 1.0
    quantile = torch.quantile
    torch.quantile = lambda values, _: values.abs().max()  # no clamp: it depends on the signs that LAPACK chooses
    files = [os.path.join(TARGET, name + ".safetensors") for name in ("first", "second")]
    result, _, _, _ = svd_merge_lora.merge_lora_models(files, [0.7, -0.4], [], 3, 2, "cpu", torch.float32)
    torch.quantile = quantile
    save("merged-rank-3", products(result))


class Attention(torch.nn.Module):
    def __init__(self, context=12):
        super().__init__()
        self.to_q = torch.nn.Linear(16, 16, bias=False)
        self.to_k = torch.nn.Linear(context, 16, bias=False)
        self.to_out = torch.nn.ModuleList([torch.nn.Linear(16, 16), torch.nn.Identity()])


def module(**children):
    result = torch.nn.Module()
    for name, child in children.items():
        result.add_module(name, child)
    return result


def networks():
    """A UNet and a text encoder with no more than some layers of the kinds that kohya looks for."""

    def named(name, **children):
        result = type(name, (torch.nn.Module,), {})()
        for child_name, child in children.items():
            result.add_module(child_name, child)
        return result

    transformer = named(
        "Transformer2DModel",
        proj_in=torch.nn.Conv2d(16, 16, 1),
        transformer_blocks=torch.nn.ModuleList([module(attn1=Attention(), attn2=Attention(24))]),
    )
    residual = named(
        "ResnetBlock2D",
        conv1=torch.nn.Conv2d(16, 16, 3),
        time_emb_proj=torch.nn.Linear(20, 16),
        conv_shortcut=torch.nn.Conv2d(8, 16, 1),
    )
    unet = module(
        down_blocks=torch.nn.ModuleList(
            [module(attentions=torch.nn.ModuleList([transformer]), resnets=torch.nn.ModuleList([residual]))]
        )
    )
    mlp = named("CLIPMLP", fc1=torch.nn.Linear(12, 24), fc2=torch.nn.Linear(24, 12))
    text = module(text_model=module(encoder=module(layers=torch.nn.ModuleList([module(mlp=mlp)]))))
    return text, unet


LDM = {
    "attentions.0.": "input_blocks.1.1.",
    "resnets.0.conv1": "input_blocks.1.0.in_layers.2",
    "resnets.0.time_emb_proj": "input_blocks.1.0.emb_layers.1",
    "resnets.0.conv_shortcut": "input_blocks.1.0.skip_connection",
}


def checkpoint(text, unet):
    tensors = {}
    for key, value in text.state_dict().items():
        tensors["cond_stage_model.transformer." + key] = value
    for key, value in unet.state_dict().items():
        key = key.removeprefix("down_blocks.0.")
        for old, new in LDM.items():
            key = key.replace(old, new)
        tensors["model.diffusion_model." + key] = value
    return {key: value.contiguous() for key, value in tensors.items()}


def extracted():
    import extract_lora_from_models
    from library import model_util

    base, tuned = networks(), networks()
    for start, end in zip(base, tuned):
        for (_, parameter), (_, changed) in zip(start.named_parameters(), end.named_parameters()):
            rows = parameter.shape[0]
            difference = decaying(rows, parameter[0].numel()) if parameter.ndim > 1 else torch.zeros(rows)
            changed.data = parameter.data + difference.reshape(parameter.shape)
    save("base", checkpoint(*base))
    save("tuned", checkpoint(*tuned))
    models = {"base": base, "tuned": tuned}
    model_util.load_models_from_stable_diffusion_checkpoint = lambda _, name: (models[name][0], None, models[name][1])
    quantile = torch.quantile
    torch.quantile = lambda values, _: values.abs().max()
    import lora

    # what follows in the script builds a network to save from; the state dict is all that is wanted
    class Enough(Exception):
        pass

    def keep(*_, weights_sd, **__):
        save("extracted", products({key: value.float() for key, value in weights_sd.items()}))
        raise Enough

    lora.create_network_from_weights = keep
    extract_lora_from_models.args = argparse.Namespace(device=None)  # the script's function reads its command line
    try:
        extract_lora_from_models.svd(
            "base", "tuned", os.path.join(TARGET, "unused.safetensors"), dim=4, conv_dim=2, v2=False, sdxl=False,
            save_precision="float", device="cpu",
        )
    except Enough:
        pass
    torch.quantile = quantile


def renamed():
    """The names and alphas that diffusers sees in kohya's file, after its own conversion to PEFT's."""
    from diffusers.loaders import StableDiffusionLoraLoaderMixin
    from diffusers.utils.state_dict_utils import convert_state_dict_to_peft, convert_unet_state_dict_to_peft

    state, alphas = StableDiffusionLoraLoaderMixin.lora_state_dict(os.path.join(TARGET, "first.safetensors"))
    unet = {key[5:]: value for key, value in state.items() if key.startswith("unet.")}
    text = {key[13:]: value for key, value in state.items() if key.startswith("text_encoder.")}
    names = {"unet." + key: value for key, value in convert_unet_state_dict_to_peft(unet).items()}
    names |= {"text_encoder." + key: value for key, value in convert_state_dict_to_peft(text).items()}
    save("diffusers-names", {key: value.contiguous() for key, value in names.items()})


if __name__ == "__main__":
    os.makedirs(TARGET, exist_ok=True)
    save("first", lora(4, 8, 4))
    save("second", lora(2, 4, 4))
    resized()
    merged()
    extracted()
    renamed()
